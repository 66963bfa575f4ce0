#include "bench/lib/readers.h"

#include "bench/lib/clock.h"
#include "bench/lib/failure.h"

#include <stdlib.h>

/* Reads between two looks at the clock; the first of them is timed. */
#define ROUND 256u

static bool read_account(struct reader *reader, uint64_t at)
{
    const struct readers *readers = reader->readers;
    trading_account account;
    account.size = sizeof account;
    return trading_view_account(readers->view, &readers->subject->accounts[at], &account, &reader->error) == TRADING_OK;
}

static bool read_portfolio(struct reader *reader, uint64_t at)
{
    const struct readers *readers = reader->readers;
    trading_portfolio portfolio;
    portfolio.size = sizeof portfolio;
    return trading_view_portfolio(readers->view, &readers->portfolios[at], &portfolio, &reader->error) == TRADING_OK;
}

static bool read_round(struct reader *reader, const struct picker *picker)
{
    int64_t begun = bench_now();
    bool good = read_account(reader, picker_next(picker, &reader->random));
    histogram_record(&reader->latency, bench_now() - begun);
    for (unsigned i = 1; good && i < ROUND; i++) {
        uint64_t at = picker_next(picker, &reader->random);
        good = i % 2 ? read_portfolio(reader, at) : read_account(reader, at);
    }
    reader->reads += ROUND;
    return good;
}

static void *read_on(void *arg)
{
    struct reader *reader = arg;
    struct readers *readers = reader->readers;
    struct picker picker;
    picker_open(&picker, &readers->subject->settings->skew, readers->subject->account_count);
    double due = (double)readers->begun;
    int64_t cpu = bench_thread_cpu();
    while (read_round(reader, &picker) && !atomic_load_explicit(&readers->stop, memory_order_relaxed)) {
        due += readers->interval;
        if (readers->interval > 0)
            bench_sleep_until((int64_t)due);
    }
    reader->cpu = bench_thread_cpu() - cpu;
    return NULL;
}

int32_t readers_start(struct readers *readers, const struct subject *subject, const trading_id *portfolios, size_t count,
                      uint64_t rate, trading_error *error)
{
    *readers = (struct readers){.subject = subject, .portfolios = portfolios, .begun = bench_now()};
    if (rate)
        readers->interval = (double)SECOND * ROUND * (double)count / (double)rate;
    readers->readers = calloc(count + 1, sizeof *readers->readers);
    if (!readers->readers)
        return bench_fail(error, TRADING_E_NO_MEMORY, "no memory for readers");
    int32_t code = trading_view_open(&readers->view, subject->engine, TRADING_VIEW_LATEST, error);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++) {
        struct reader *reader = &readers->readers[i];
        *reader = (struct reader){.readers = readers, .random = RANDOM_FIRST + i};
        if (!histogram_open(&reader->latency) || pthread_create(&reader->thread, NULL, read_on, reader))
            return bench_fail(error, TRADING_E_NO_MEMORY, "only %zu readers could be started", i);
        readers->count++;
    }
    return TRADING_OK;
}

int32_t readers_stop(struct readers *readers, struct reading *reading, trading_error *error)
{
    int32_t code = TRADING_OK;
    atomic_store(&readers->stop, true);
    for (size_t i = 0; i < readers->count; i++) {
        struct reader *reader = &readers->readers[i];
        pthread_join(reader->thread, NULL);
        reading->reads += reader->reads;
        reading->cpu += reader->cpu;
        histogram_merge(&reading->latency, &reader->latency);
        histogram_close(&reader->latency);
        if (reader->error.code) {
            *error = reader->error;
            code = error->code;
        }
    }
    reading->nanoseconds += bench_now() - readers->begun;
    trading_view_close(readers->view);
    free(readers->readers);
    return code;
}
