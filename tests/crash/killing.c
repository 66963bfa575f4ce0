#include "crash/killing.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_MILLISECONDS = 250, SLOW_CLOSE = 20000 };

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool killing_fail(const struct killing *killing, const char *what)
{
    fprintf(stderr, "seed %" PRIu64 ", kill %" PRId64 ": %s\n", killing->seed, killing->kills, what);
    return false;
}

bool killing_fail_code(const struct killing *killing, const char *what, int32_t code, const trading_error *error)
{
    fprintf(stderr, "seed %" PRIu64 ", kill %" PRId64 ": %s: %s: %s\n", killing->seed, killing->kills, what,
            trading_error_name(code), error->message);
    return false;
}

/* Starts the writer as a program of its own, for nothing of this process's library may be used after a fork. */
static pid_t start_writer(const struct killing *killing, const int64_t first[ERRAND_THREADS], int close_after, int out)
{
    char program[] = "writer";
    char role[] = "--writer";
    char uri[512];
    char texts[3 + ERRAND_THREADS][32];
    char *arguments[] = {program, role, uri, texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], NULL};
    snprintf(uri, sizeof(uri), "%s", killing->uri);
    snprintf(texts[0], sizeof(texts[0]), "%" PRIu64, killing->seed);
    snprintf(texts[1], sizeof(texts[1]), "%d", close_after);
    snprintf(texts[2], sizeof(texts[2]), "%d", out);
    for (int i = 0; i < ERRAND_THREADS; i++)
        snprintf(texts[3 + i], sizeof(texts[3 + i]), "%" PRId64, first[i]);
    pid_t child = fork();
    if (child == 0) {
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    return child;
}

bool killing_is_writer(struct killing_writer *writer, int count, char **arguments)
{
    if (count != 6 + ERRAND_THREADS || strcmp(arguments[1], "--writer") != 0)
        return false;
    *writer = (struct killing_writer){.uri = arguments[2],
                                      .seed = strtoull(arguments[3], NULL, 10),
                                      .close_after = (int)strtol(arguments[4], NULL, 10),
                                      .out = (int)strtol(arguments[5], NULL, 10)};
    for (int i = 0; i < ERRAND_THREADS; i++)
        writer->first[i] = strtoll(arguments[6 + i], NULL, 10);
    return true;
}

/* Reads acknowledgements until `until`, or until the writer is gone. @return whether it is gone. */
static bool listen_to(struct killing *killing, int in, int64_t until, bool *sane)
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
            *sane = killing->take(killing->context, &heard[i]);
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

bool killing_run(struct killing *killing, const int64_t first[ERRAND_THREADS])
{
    int ends[2];
    bool sane = true;
    bool early = chance_of(&killing->chance, 250); /* while it opens, or has just begun */
    int64_t life = early ? chance_between(&killing->chance, 0, 15) : chance_between(&killing->chance, 15, MOST_MILLISECONDS);
    int close_after = chance_of(&killing->chance, 200) ? (int)chance_between(&killing->chance, 1, life + 1) : 0;
    if (pipe(ends))
        return killing_fail(killing, strerror(errno));
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    pid_t child = start_writer(killing, first, close_after, ends[1]);
    close(ends[1]);
    bool gone = listen_to(killing, ends[0], milliseconds() + life, &sane);
    if (!gone) {
        if (chance_of(&killing->chance, 500)) /* the moment at which one that answers too early has most to lose */
            await_acknowledgement(ends[0]);
        kill(child, SIGKILL);
        gone = listen_to(killing, ends[0], milliseconds() + SLOW_CLOSE, &sane);
    }
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    bool ended_well = WIFEXITED(status) && WEXITSTATUS(status) == 0 && close_after;
    killing->closed_in_time += ended_well;
    if (!gone || !(ended_well || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)))
        return killing_fail(killing, "the writer ended by itself");
    return sane;
}
