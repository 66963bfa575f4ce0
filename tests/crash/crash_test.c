/* Kills a process that trades, again and again at random moments, and looks whether all that it acknowledged is there, once.
 *
 *     crash_test [--kills N] [--quick] [--seed S]
 */
#include "crash/killing.h"
#include "crash/survivor.h"
#include "simulation/folder.h"
#include "simulation/random.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { KILLS_PER_STORE = 25, VERIFY_EVERY = 5 };

/* One store that lives through several kills. */
struct trial {
    struct folder folder;
    struct killing killing;
    struct survivor survivors[ERRAND_THREADS];
    int64_t commands;
};

static bool take(void *context, const struct acknowledgement *heard)
{
    struct trial *trial = context;
    return survivor_take(&trial->survivors[heard->thread], heard);
}

static bool run_and_kill(struct trial *trial)
{
    int64_t first[ERRAND_THREADS];
    for (int i = 0; i < ERRAND_THREADS; i++)
        first[i] = trial->survivors[i].settled + 1;
    return killing_run(&trial->killing, first);
}

static bool verify(const struct trial *trial, trading_engine *engine)
{
    trading_error error = {0};
    trading_verification found = TRADING_VERIFICATION_INIT;
    int32_t code = trading_engine_verify(engine, &found, NULL, NULL, &error);
    if (code)
        return killing_fail_code(&trial->killing, "verify", code, &error);
    return found.sound ? true : killing_fail(&trial->killing, found.finding);
}

static bool check_survivors(struct trial *trial, trading_engine *engine)
{
    trading_view *before = NULL;
    trading_error error = {0};
    int32_t code = trading_view_open(&before, engine, TRADING_VIEW_NOW, &error);
    if (code)
        return killing_fail_code(&trial->killing, "view", code, &error);
    bool sound = true;
    for (int i = 0; i < ERRAND_THREADS && sound; i++)
        sound =
            survivor_check(&trial->survivors[i], engine, before) || killing_fail(&trial->killing, trial->survivors[i].failure);
    trading_view_close(before);
    return sound;
}

static bool check(struct trial *trial, trading_host *host)
{
    trading_engine *engine = NULL;
    trading_error error = {0};
    trading_engine_options options = errand_options();
    int32_t code = trading_engine_open(&engine, host, trial->folder.uri, &options, &error);
    if (code)
        return killing_fail_code(&trial->killing, "open", code, &error);
    bool sound = check_survivors(trial, engine);
    if (sound && (trial->killing.kills % VERIFY_EVERY == 0 || trial->killing.kills == KILLS_PER_STORE))
        sound = verify(trial, engine);
    int32_t how = chance_of(&trial->killing.chance, 500) ? TRADING_CLOSE_DRAIN : TRADING_CLOSE_ABANDON;
    code = trading_engine_close(engine, how, &error);
    return code ? killing_fail_code(&trial->killing, "close", code, &error) : sound;
}

static bool run_trial(uint64_t seed, int64_t kills)
{
    struct trial trial = {.killing = {.seed = seed, .chance = {seed}, .take = take}};
    trading_host *host = NULL;
    int64_t in_flight = 0;
    if (!folder_make(&trial.folder) || trading_host_open(&host, NULL, NULL))
        return killing_fail(&trial.killing, "no folder or no host");
    trial.killing.uri = trial.folder.uri;
    trial.killing.context = &trial;
    for (int i = 0; i < ERRAND_THREADS; i++)
        survivor_init(&trial.survivors[i], seed, i);
    bool sound = true;
    while (sound && trial.killing.kills < kills) {
        trial.killing.kills++;
        sound = run_and_kill(&trial) && check(&trial, host);
    }
    for (int i = 0; i < ERRAND_THREADS; i++) {
        trial.commands += trial.survivors[i].settled;
        in_flight += trial.survivors[i].in_flight;
        if (!sound && trial.survivors[i].failure[0])
            fprintf(stderr, "%s\n", trial.survivors[i].failure);
        survivor_free(&trial.survivors[i]);
    }
    trading_host_close(host, NULL);
    if (sound) {
        printf("seed %" PRIu64 ": %" PRId64 " kills, %" PRId64 " commands, %" PRId64 " done but unacknowledged, %" PRId64
               " closed in time\n",
               seed, trial.killing.kills, trial.commands, in_flight, trial.killing.closed_in_time);
        folder_remove(&trial.folder);
    } else {
        fprintf(stderr, "the store is in %s\n", trial.folder.path);
    }
    fflush(stdout);
    return sound;
}

int main(int count, char **arguments)
{
    static const struct option names[] = {{"kills", required_argument, NULL, 'k'},
                                          {"quick", no_argument, NULL, 'q'},
                                          {"seed", required_argument, NULL, 's'},
                                          {0}};
    int64_t kills = 200;
    uint64_t seed = 1;
    struct killing_writer writer;
    if (killing_is_writer(&writer, count, arguments))
        return errand_run(&writer);
    for (int option; (option = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        if (option == '?') {
            fprintf(stderr, "usage: crash_test [--kills N] [--quick] [--seed S]\n");
            return 2;
        }
        if (option == 's')
            seed = strtoull(optarg, NULL, 10);
        else
            kills = option == 'q' ? 20 : strtoll(optarg, NULL, 10);
    }
    for (; kills > 0; kills -= KILLS_PER_STORE, seed++)
        if (!run_trial(seed, kills < KILLS_PER_STORE ? kills : KILLS_PER_STORE))
            return 1;
    return 0;
}
