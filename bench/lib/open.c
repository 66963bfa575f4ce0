/* Opening a store: after it was closed, and after its program was killed while it wrote. */
#include "bench/lib/benchmarks.h"
#include "bench/lib/clock.h"
#include "bench/lib/failure.h"
#include "bench/lib/history.h"
#include "bench/lib/payments.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int32_t time_opening(struct subject *subject, int64_t *nanoseconds, trading_engine_info *info, trading_error *error)
{
    int64_t begun = bench_now();
    int32_t code = subject_open_engine(subject, error);
    *nanoseconds = bench_now() - begun;
    return code ? code : trading_engine_get_info(subject->engine, info, error);
}

/* ---- the program that is killed ---- */

/* Tells the parent, whose host is not the child's to use, when something is written. */
static void write_for_ever(struct subject *subject, int told)
{
    trading_error error;
    struct tally tally = {0};
    struct payments payments;
    struct drive drive;
    payments_open(&payments, subject);
    struct flow flow = payments_flow(&payments);
    if (!subject_open_host(subject, &error) && !subject_open_engine(subject, &error) && histogram_open(&tally.latency) &&
        !drive_open(&drive, subject, &flow, &error) && !drive_turn(&drive, 0, &tally, &error) && write(told, "", 1) == 1)
        (void)drive_turn(&drive, INT64_MAX / 4, &tally, &error);
    _exit(1);
}

/* Lets a child write for a while, and kills it. No engine of this process is open, so it has no thread that a fork would lose. */
static int32_t write_and_kill(struct subject *subject, trading_error *error)
{
    int status;
    int ends[2];
    char told;
    if (pipe(ends))
        return bench_fail(error, TRADING_E_IO, "pipe: %s", strerror(errno));
    pid_t child = fork();
    int failure = errno;
    if (child == 0)
        write_for_ever(subject, ends[1]);
    close(ends[1]);
    if (child > 0 && read(ends[0], &told, 1) == 1)
        bench_sleep_until(bench_now() + (int64_t)(subject->settings->seconds * (double)SECOND));
    close(ends[0]);
    if (child < 0)
        return bench_fail(error, TRADING_E_IO, "fork: %s", strerror(failure));
    kill(child, SIGKILL);
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status))
        return bench_fail(error, TRADING_E_IO, "the writer ended before it was killed");
    return TRADING_OK;
}

/* ---- the benchmark ---- */

static int32_t measure_clean(struct subject *subject, struct report *report, trading_error *error)
{
    int64_t nanoseconds;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    int32_t code = subject_close_engine(subject, TRADING_CLOSE_DRAIN, error);
    if (!code)
        code = time_opening(subject, &nanoseconds, &info, error);
    if (code)
        return code;
    report_add(report, "events", (double)info.next_position);
    report_add(report, "open_seconds", (double)nanoseconds * 1e-9);
    report_memory(report);
    return TRADING_OK;
}

static int32_t measure_killed(struct subject *subject, struct report *report, trading_error *error)
{
    int64_t nanoseconds;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    int32_t code = subject_close_engine(subject, TRADING_CLOSE_DRAIN, error);
    if (!code)
        code = write_and_kill(subject, error);
    if (!code)
        code = time_opening(subject, &nanoseconds, &info, error);
    if (code)
        return code;
    report_add(report, "killed_open_seconds", (double)nanoseconds * 1e-9);
    report_add(report, "replayed_events", (double)info.replayed_events);
    return TRADING_OK;
}

int32_t bench_open(const struct settings *settings, struct report *report, trading_error *error)
{
    struct subject subject;
    int32_t code = subject_open(&subject, settings, error);
    if (!code)
        code = subject_populate(&subject, error);
    if (!code)
        code = history_write(&subject, settings->events, error);
    if (!code)
        code = measure_clean(&subject, report, error);
    if (!code)
        code = measure_killed(&subject, report, error);
    subject_close(&subject);
    return code;
}
