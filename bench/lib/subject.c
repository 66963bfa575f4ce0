#include "bench/lib/subject.h"

#include "bench/lib/clock.h"
#include "bench/lib/failure.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define OPEN_BATCH 8192u
/* As many keys may a stream have. */
#define STREAM_BITS 40

/* ---- the engine ---- */

int32_t subject_open_engine(struct subject *subject, trading_error *error)
{
    return trading_engine_open(&subject->engine, subject->host, subject->uri, &subject->settings->engine, error);
}

int32_t subject_close_engine(struct subject *subject, int32_t how, trading_error *error)
{
    int32_t code = trading_engine_close(subject->engine, how, error);
    subject->engine = NULL;
    return code;
}

static int32_t name_store(struct subject *subject, trading_error *error)
{
    const char *store = subject->settings->store;
    int length;
    if (store) {
        length = snprintf(subject->uri, sizeof subject->uri, "%s", store);
    } else {
        if (scratch_open(&subject->scratch, error))
            return error->code;
        length = snprintf(subject->uri, sizeof subject->uri, "lmdb:%s/store", subject->scratch.path);
    }
    if (length < 0 || (size_t)length >= sizeof subject->uri)
        return bench_fail(error, TRADING_E_INVALID, "the URI of the store is too long");
    return TRADING_OK;
}

int32_t subject_open_host(struct subject *subject, trading_error *error)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.flags = TRADING_HOST_PLUGINS;
    return trading_host_open(&subject->host, &options, error);
}

int32_t subject_open(struct subject *subject, const struct settings *settings, trading_error *error)
{
    *subject = (struct subject){.settings = settings};
    if (getrandom(&subject->run, sizeof subject->run, 0) != sizeof subject->run)
        return bench_fail(error, TRADING_E_IO, "the system has no entropy");
    int32_t code = name_store(subject, error);
    if (!code)
        code = subject_open_host(subject, error);
    return code ? code : subject_open_engine(subject, error);
}

static size_t accounts_bytes(const struct subject *subject)
{
    return subject->settings->accounts * sizeof *subject->accounts;
}

void subject_close(struct subject *subject)
{
    trading_error ignored;
    if (subject->engine)
        (void)trading_engine_close(subject->engine, TRADING_CLOSE_ABANDON, &ignored);
    (void)trading_host_close(subject->host, &ignored);
    scratch_close(&subject->scratch);
    if (subject->accounts)
        munmap(subject->accounts, accounts_bytes(subject));
}

/* ---- commands ---- */

uint64_t subject_stream(struct subject *subject)
{
    return subject->streams++;
}

trading_id subject_key(const struct subject *subject, uint64_t stream, uint64_t number)
{
    trading_id key;
    uint64_t rest = stream << STREAM_BITS | number;
    memcpy(key.bytes, &subject->run, sizeof subject->run);
    memcpy(key.bytes + sizeof subject->run, &rest, sizeof rest);
    return key;
}

int32_t expect_accepted(const trading_result *results, size_t count, trading_error *error)
{
    for (size_t i = 0; i < count; i++)
        if (results[i].status != TRADING_STATUS_ACCEPTED)
            return bench_fail(error, TRADING_E_INVALID, "a command was answered %s: %s", trading_status_name(results[i].status),
                              trading_reason_name(results[i].reason));
    return TRADING_OK;
}

int32_t subject_execute(struct subject *subject, const trading_command *commands, trading_result *results, size_t count,
                        trading_error *error)
{
    int32_t code = trading_engine_execute(subject->engine, commands, count, results, error);
    return code ? code : expect_accepted(results, count, error);
}

/* ---- accounts ---- */

static int32_t list_accounts(struct subject *subject, trading_error *error)
{
    trading_view *view;
    uint64_t cursor = 0;
    size_t count = 1;
    int32_t code = trading_view_open(&view, subject->engine, TRADING_VIEW_LATEST, error);
    if (code)
        return code;
    while (!code && count > 0 && subject->account_count < subject->settings->accounts) {
        size_t room = subject->settings->accounts - subject->account_count;
        code = trading_view_accounts(view, &cursor, subject->accounts + subject->account_count, room, &count, error);
        if (!code)
            subject->account_count += count;
    }
    trading_view_close(view);
    return code;
}

static void report_opening(const struct subject *subject, int64_t begun, size_t first)
{
    const struct settings *settings = subject->settings;
    if (settings->progress)
        settings->progress("opening accounts", (double)subject->account_count / (double)settings->accounts,
                           (double)(subject->account_count - first) * (double)SECOND / (double)(bench_now() - begun + 1));
}

static int32_t open_accounts(struct subject *subject, trading_command *commands, trading_result *results, trading_error *error)
{
    static const trading_open_account body = {.size = sizeof body, .deposit = 1000000000 * TRADING_DECIMAL_ONE};
    size_t wanted = subject->settings->accounts;
    size_t first = subject->account_count;
    uint64_t stream = subject_stream(subject);
    int64_t begun = bench_now();
    int32_t code = TRADING_OK;
    while (!code && subject->account_count < wanted) {
        size_t count = wanted - subject->account_count;
        if (count > OPEN_BATCH)
            count = OPEN_BATCH;
        for (size_t i = 0; i < count; i++)
            commands[i] = (trading_command){.type = TRADING_COMMAND_OPEN_ACCOUNT,
                                            .key = subject_key(subject, stream, subject->account_count + i),
                                            .body = &body,
                                            .body_size = sizeof body};
        code = subject_execute(subject, commands, results, count, error);
        for (size_t i = 0; !code && i < count; i++)
            subject->accounts[subject->account_count++] = results[i].account;
        report_opening(subject, begun, first);
    }
    return code;
}

/* Zeros of a file that has no name. NULL: there is no room. */
static void *map_nameless(size_t bytes)
{
    FILE *file = tmpfile();
    void *space = MAP_FAILED;
    if (file && !ftruncate(fileno(file), (off_t)bytes))
        space = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    if (file)
        (void)fclose(file);
    return space == MAP_FAILED ? NULL : space;
}

int32_t subject_populate(struct subject *subject, trading_error *error)
{
    subject->accounts = map_nameless(accounts_bytes(subject));
    trading_command *commands = calloc(OPEN_BATCH, sizeof *commands);
    trading_result *results = calloc(OPEN_BATCH, sizeof *results);
    int32_t code;
    if (!subject->accounts || !commands || !results)
        code = bench_fail(error, TRADING_E_NO_MEMORY, "no memory for %zu accounts", subject->settings->accounts);
    else if (!(code = list_accounts(subject, error)))
        code = open_accounts(subject, commands, results, error);
    free(commands);
    free(results);
    return code;
}
