/* Kills a process that trades, again and again at random moments, and looks whether all that it acknowledged is there, once.
 *
 *     crash_test [--kills N] [--quick] [--seed S]
 */
#include "crash/survivor.h"
#include "simulation/folder.h"
#include "simulation/random.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { KILLS_PER_STORE = 25, VERIFY_EVERY = 5, MOST_MILLISECONDS = 250, SLOW_CLOSE = 20000 };

/* One store that lives through several kills. */
struct trial {
    struct folder folder;
    uint64_t seed;
    struct chance chance;
    struct survivor survivors[ERRAND_THREADS];
    int64_t kills;
    int64_t closed_in_time; /* writers that had closed their engine before they were killed */
    int64_t commands;
};

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool fail(const struct trial *trial, const char *what)
{
    fprintf(stderr, "seed %" PRIu64 ", kill %" PRId64 ": %s\n", trial->seed, trial->kills, what);
    return false;
}

static bool fail_code(const struct trial *trial, const char *what, int32_t code, const trading_error *error)
{
    fprintf(stderr, "seed %" PRIu64 ", kill %" PRId64 ": %s: %s: %s\n", trial->seed, trial->kills, what,
            trading_error_name(code), error->message);
    return false;
}

/* Starts the writer as a program of its own, for nothing of this process's library may be used after a fork. */
static pid_t start_writer(const struct trial *trial, int close_after, int out)
{
    char program[] = "crash_test";
    char role[] = "--writer";
    char uri[sizeof(trial->folder.uri)];
    char texts[3 + ERRAND_THREADS][32];
    char *arguments[] = {program, role, uri, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], NULL};
    snprintf(uri, sizeof(uri), "%s", trial->folder.uri);
    snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, trial->seed);
    snprintf(texts[1], sizeof(texts[1]), "%d", close_after);
    snprintf(texts[2], sizeof(texts[2]), "%d", out);
    for (int i = 0; i < ERRAND_THREADS; i++)
        snprintf(texts[3 + i], sizeof(texts[3 + i]), "%" PRId64, trial->survivors[i].settled + 1);
    pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    return child;
}

static int be_writer(char **arguments)
{
    int64_t first[ERRAND_THREADS];
    for (int i = 0; i < ERRAND_THREADS; i++)
        first[i] = strtoll(arguments[4 + i], NULL, 10);
    return errand_run(arguments[0], strtoull(arguments[1], NULL, 10), first, (int)strtol(arguments[2], NULL, 10),
                      (int)strtol(arguments[3], NULL, 10));
}

/* Reads acknowledgements until `until`, or until the writer is gone. @return whether it is gone. */
static bool listen_to(struct trial *trial, int in, int64_t until, bool *sane)
{
    struct acknowledgement heard[ERRAND_BATCH];
    size_t filled = 0;
    for (;;) {
        int64_t left = until - milliseconds();
        struct pollfd waiting = {.fd = in, .events = POLLIN};
        if (left <= 0 || poll(&waiting, 1, (int)left) == 0)
            return false;
        ssize_t bytes = read(in, (char *)heard + filled, sizeof(heard) - filled);
        if (bytes <= 0)
            return true;
        filled += (size_t)bytes;
        size_t whole = filled / sizeof(*heard);
        for (size_t i = 0; i < whole && *sane; i++)
            *sane = survivor_take(&trial->survivors[heard[i].thread], &heard[i]);
        filled -= whole * sizeof(*heard);
        memmove(heard, heard + whole, filled);
    }
}

/* Waits until the writer tells of something, but not long: it may be opening or closing. */
static void await_acknowledgement(int in)
{
    struct pollfd waiting = {.fd = in, .events = POLLIN};
    (void)poll(&waiting, 1, MOST_MILLISECONDS);
}

/* Runs a writer and kills it. @return whether it died as it should. */
static bool run_and_kill(struct trial *trial)
{
    int ends[2];
    bool sane = true;
    bool early = chance_of(&trial->chance, 250); /* while it opens, or has just begun */
    int64_t life = early ? chance_between(&trial->chance, 0, 15) : chance_between(&trial->chance, 15, MOST_MILLISECONDS);
    int close_after = chance_of(&trial->chance, 200) ? (int)chance_between(&trial->chance, 1, life + 1) : 0;
    if (pipe(ends))
        return fail(trial, strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    pid_t child = start_writer(trial, close_after, ends[1]);
    close(ends[1]);
    bool gone = listen_to(trial, ends[0], milliseconds() + life, &sane);
    if (!gone) {
        if (chance_of(&trial->chance, 500)) /* the moment at which one that answers too early has most to lose */
            await_acknowledgement(ends[0]);
        kill(child, SIGKILL);
        gone = listen_to(trial, ends[0], milliseconds() + SLOW_CLOSE, &sane);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0 && close_after;
    trial->closed_in_time += ended_well;
    if (!gone || !(ended_well || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)))
        return fail(trial, "the writer ended by itself");
    return sane;
}

static bool verify(const struct trial *trial, trading_engine *engine)
{
    trading_error error = {0};
    trading_verification found = TRADING_VERIFICATION_INIT;
    int32_t code = trading_engine_verify(engine, &found, NULL, NULL, &error);
    if (code)
        return fail_code(trial, "verify", code, &error);
    return found.sound ? true : fail(trial, found.finding);
}

static bool check_survivors(struct trial *trial, trading_engine *engine)
{
    trading_view *before = NULL;
    trading_error error = {0};
    int32_t code = trading_view_open(&before, engine, TRADING_VIEW_NOW, &error);
    if (code)
        return fail_code(trial, "view", code, &error);
    bool sound = true;
    for (int i = 0; i < ERRAND_THREADS && sound; i++)
        sound = survivor_check(&trial->survivors[i], engine, before) || fail(trial, trial->survivors[i].failure);
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
        return fail_code(trial, "open", code, &error);
    bool sound = check_survivors(trial, engine);
    if (sound && (trial->kills % VERIFY_EVERY == 0 || trial->kills == KILLS_PER_STORE))
        sound = verify(trial, engine);
    int32_t how = chance_of(&trial->chance, 500) ? TRADING_CLOSE_DRAIN : TRADING_CLOSE_ABANDON;
    code = trading_engine_close(engine, how, &error);
    return code ? fail_code(trial, "close", code, &error) : sound;
}

static bool run_trial(uint64_t seed, int64_t kills)
{
    struct trial trial = {.seed = seed, .chance = {seed}};
    trading_host *host = NULL;
    int64_t in_flight = 0;
    if (!folder_make(&trial.folder) || trading_host_open(&host, NULL, NULL))
        return fail(&trial, "no folder or no host");
    for (int i = 0; i < ERRAND_THREADS; i++)
        survivor_init(&trial.survivors[i], seed, i);
    bool sound = true;
    while (sound && trial.kills < kills) {
        trial.kills++;
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
               seed, trial.kills, trial.commands, in_flight, trial.closed_in_time);
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
    if (count == 6 + ERRAND_THREADS && strcmp(arguments[1], "--writer") == 0)
        return be_writer(arguments + 2);
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
