/* Kills an engine of several partitions again and again at random moments, while threads trade and send money across them, and looks whether all
 * that it acknowledged is there, once, in the partition that it belongs to and in those that it had messages for.
 *
 *     crowd_test [--kills N] [--partitions N] [--seed S]
 */
#include "crash/books.h"
#include "crash/crowd.h"
#include "simulation/folder.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KILLS_PER_STORE = 20, RESENT_OLD = 40, MOST_PARTITIONS = 64 };

/* What is known of one thread's list. */
struct known {
    int64_t settled;         /* commands up to this number are done and in the books */
    int64_t acknowledged;    /* and up to this one the writer said so */
    trading_result *results; /* by number, as they were first answered */
    int64_t room;
};

/* One store that lives through several kills. */
struct trial {
    struct folder folder;
    struct killing killing;
    uint32_t partitions;
    struct crowd crowd;
    struct books books;
    struct known known[ERRAND_THREADS];
    int64_t in_flight; /* commands that were found done though nobody was told */
};

static bool fail_command(const struct trial *trial, int thread, int64_t number, const char *what)
{
    fprintf(stderr, "thread %d, #%" PRId64 ": %s\n", thread, number, what);
    return killing_fail(&trial->killing, "a command is not there as it should be");
}

static void keep(struct known *known, int64_t number, const trading_result *result)
{
    if (number >= known->room) {
        known->room = number * 2 + 64;
        known->results = realloc(known->results, (size_t)known->room * sizeof(*result));
        if (!known->results)
            exit(2);
    }
    known->results[number] = *result;
}

static bool take(void *context, const struct acknowledgement *heard)
{
    struct trial *trial = context;
    struct known *known = &trial->known[heard->thread];
    if (heard->number != known->acknowledged + 1)
        return fail_command(trial, (int)heard->thread, heard->number, "is acknowledged out of turn");
    known->acknowledged = heard->number;
    keep(known, heard->number, &heard->result);
    return true;
}

/* ---- after a kill ---- */

static bool send(struct trial *trial, trading_engine *engine, int thread, int64_t number, struct line *line,
                 trading_result *result)
{
    trading_error error = {0};
    crowd_line(&trial->crowd, trial->killing.seed, thread, number, line);
    int32_t code = trading_engine_execute(engine, &line->command, 1, result, &error);
    return !code || fail_command(trial, thread, number, error.message);
}

static bool is_same_again(struct trial *trial, trading_engine *engine, int thread, int64_t number)
{
    struct line line;
    trading_result again;
    trading_result first = trial->known[thread].results[number];
    if (!send(trial, engine, thread, number, &line, &again))
        return false;
    if (again.status != TRADING_STATUS_DUPLICATE)
        return fail_command(trial, thread, number, "was acknowledged, and is done once more");
    first.status = TRADING_STATUS_DUPLICATE;
    return !memcmp(&first, &again, sizeof(first)) ||
           fail_command(trial, thread, number, "is answered differently the second time");
}

static void settle(struct trial *trial, int thread, int64_t number)
{
    struct line line;
    crowd_line(&trial->crowd, trial->killing.seed, thread, number, &line);
    books_take(&trial->books, &line, &trial->known[thread].results[number]);
    trial->known[thread].settled = number;
}

/* Of what was sent and not acknowledged each partition did the first ones up to some other. */
static bool go_on(struct trial *trial, trading_engine *engine, int thread)
{
    struct known *known = &trial->known[thread];
    bool missed[MOST_PARTITIONS] = {false};
    for (int i = 0; i < ERRAND_BATCH; i++) {
        struct line line;
        trading_result result;
        uint32_t home;
        int64_t number = known->settled + 1;
        if (!send(trial, engine, thread, number, &line, &result))
            return false;
        bool was_done = result.status == TRADING_STATUS_DUPLICATE;
        trading_command_partition(&line.command, trial->partitions, &home, NULL);
        home = home == TRADING_EVERY_PARTITION ? 0 : home; /* which answers for all */
        if (was_done && missed[home])
            return fail_command(trial, thread, number, "was done, and one before it in the same call was not");
        missed[home] = !was_done;
        trial->in_flight += was_done;
        if (was_done)
            result.status = result.reason ? TRADING_STATUS_REJECTED : TRADING_STATUS_ACCEPTED;
        keep(known, number, &result);
        settle(trial, thread, number);
    }
    known->acknowledged = known->settled;
    return true;
}

static bool check_thread(struct trial *trial, trading_engine *engine, int thread)
{
    struct known *known = &trial->known[thread];
    int64_t old = known->settled;
    for (int64_t number = old + 1; number <= known->acknowledged; number++) {
        if (!is_same_again(trial, engine, thread, number))
            return false;
        settle(trial, thread, number);
    }
    for (int i = 0; i < RESENT_OLD && old > 0; i++)
        if (!is_same_again(trial, engine, thread, chance_between(&trial->killing.chance, 1, old)))
            return false;
    return go_on(trial, engine, thread);
}

static bool verify(const struct trial *trial, trading_engine *engine)
{
    trading_error error = {0};
    trading_verification found = TRADING_VERIFICATION_INIT;
    int32_t code = trading_engine_verify(engine, &found, NULL, NULL, &error);
    if (code)
        return killing_fail_code(&trial->killing, "verify", code, &error);
    return found.sound || killing_fail(&trial->killing, found.finding);
}

static bool check(struct trial *trial, trading_engine *engine)
{
    bool sound = verify(trial, engine); /* with whatever was on its way when it was killed */
    for (int i = 0; i < ERRAND_THREADS && sound; i++)
        sound = check_thread(trial, engine, i);
    if (sound && !books_check(&trial->books, engine))
        sound = killing_fail(&trial->killing, trial->books.failure);
    return sound && verify(trial, engine);
}

static bool open_and_check(struct trial *trial, trading_host *host, bool (*what)(struct trial *trial, trading_engine *engine))
{
    trading_engine *engine = NULL;
    trading_error error = {0};
    trading_engine_options options = crowd_options(trial->partitions);
    int32_t code = trading_engine_open(&engine, host, trial->folder.uri, &options, &error);
    if (code)
        return killing_fail_code(&trial->killing, "open", code, &error);
    bool sound = what(trial, engine);
    int32_t how = chance_of(&trial->killing.chance, 500) ? TRADING_CLOSE_DRAIN : TRADING_CLOSE_ABANDON;
    code = trading_engine_close(engine, how, &error);
    return code ? killing_fail_code(&trial->killing, "close", code, &error) : sound;
}

/* ---- trials ---- */

static bool open_accounts(struct trial *trial, trading_engine *engine)
{
    for (int i = 0; i < ACCOUNTS; i++) {
        struct line line;
        trading_result result;
        trading_error error = {0};
        line_set(&line, TRADING_COMMAND_OPEN_ACCOUNT, sizeof(line.body.open));
        line.command.body = &line.body;
        line.command.key = crowd_account_key(i);
        line.body.open.deposit = 100000 * ONE;
        int32_t code = trading_engine_execute(engine, &line.command, 1, &result, &error);
        if (code)
            return killing_fail_code(&trial->killing, "open an account", code, &error);
        books_take(&trial->books, &line, &result);
    }
    return true;
}

static bool live_through(struct trial *trial, trading_host *host, int64_t kills)
{
    bool sound = open_and_check(trial, host, open_accounts);
    while (sound && trial->killing.kills < kills) {
        int64_t first[ERRAND_THREADS];
        trial->killing.kills++;
        for (int i = 0; i < ERRAND_THREADS; i++)
            first[i] = trial->known[i].settled + 1;
        sound = killing_run(&trial->killing, first) && open_and_check(trial, host, check);
    }
    return sound;
}

static void report(const struct trial *trial)
{
    int64_t commands = 0;
    int64_t sent = 0;
    size_t orders = 0;
    for (int i = 0; i < ERRAND_THREADS; i++)
        commands += trial->known[i].settled;
    for (int i = 0; i < ACCOUNTS; i++) {
        sent += trial->books.sums[i][BOOKS_SENT].count;
        orders += trial->books.orders[i].count;
    }
    printf("seed %" PRIu64 ", %u partitions: %" PRId64 " kills, %" PRId64 " commands, %" PRId64
           " transfers, %zu orders, %" PRId64 " done but unacknowledged, %" PRId64 " closed in time\n",
           trial->killing.seed, trial->partitions, trial->killing.kills, commands, sent, orders, trial->in_flight,
           trial->killing.closed_in_time);
    fflush(stdout);
}

static bool run_trial(uint64_t seed, uint32_t partitions, int64_t kills)
{
    static struct trial trial;
    trading_host *host = NULL;
    trial =
        (struct trial){.killing = {.seed = seed, .chance = {seed}, .take = take, .context = &trial}, .partitions = partitions};
    if (!folder_make(&trial.folder) || trading_host_open(&host, NULL, NULL))
        return killing_fail(&trial.killing, "no folder or no host");
    trial.killing.uri = trial.folder.uri;
    crowd_meet(&trial.crowd);
    books_init(&trial.books, &trial.crowd);
    bool sound = live_through(&trial, host, kills);
    trading_host_close(host, NULL);
    if (sound) {
        report(&trial);
        folder_remove(&trial.folder);
    } else {
        fprintf(stderr, "the store is in %s\n", trial.folder.path);
    }
    for (int i = 0; i < ERRAND_THREADS; i++)
        free(trial.known[i].results);
    books_free(&trial.books);
    return sound;
}

int main(int count, char **arguments)
{
    static const struct option names[] = {{"kills", required_argument, NULL, 'k'},
                                          {"partitions", required_argument, NULL, 'p'},
                                          {"seed", required_argument, NULL, 's'},
                                          {0}};
    struct killing_writer writer;
    int64_t kills = 40;
    uint32_t partitions = 0; /* two to four, by the seed */
    uint64_t seed = 1;
    if (killing_is_writer(&writer, count, arguments))
        return crowd_run(&writer);
    for (int option; (option = getopt_long(count, arguments, "", names, NULL)) != -1;) {
        if (option == '?') {
            fprintf(stderr, "usage: crowd_test [--kills N] [--partitions N] [--seed S]\n");
            return 2;
        }
        if (option == 'k')
            kills = strtoll(optarg, NULL, 10);
        else if (option == 'p')
            partitions = (uint32_t)strtoul(optarg, NULL, 10);
        else
            seed = strtoull(optarg, NULL, 10);
    }
    for (; kills > 0; kills -= KILLS_PER_STORE, seed++)
        if (!run_trial(seed, partitions ? partitions : 2 + (uint32_t)seed % 3,
                       kills < KILLS_PER_STORE ? kills : KILLS_PER_STORE))
            return 1;
    return 0;
}
