/*
 * A program without threads drives the engine itself, with its own clock, entropy and memory: the same run gives the same journal,
 * byte for byte, which is what a simulation or a replay wants.
 *
 *     manual_loop      prints the hash of the journal; it is the same each time
 */
#include "check.h"

#include <string.h>

enum { DEPOSITS = 100 };

/* A clock that is a second later each time it is asked. */
static trading_time tick(void *context)
{
    trading_time *now = context;
    *now += TRADING_NANOSECONDS_PER_SECOND;
    return *now;
}

/* Not secret at all: for a run that can be repeated, never for real keys. */
static void draw(void *context, void *buffer, size_t bytes)
{
    uint64_t *state = context;
    uint8_t *out = buffer;
    for (size_t i = 0; i < bytes; i++) {
        *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        out[i] = (uint8_t)(*state >> 56);
    }
}

/* An allocator that counts: what is out at the end was lost. */
static void *allocate(void *context, size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory != NULL)
        (void)__atomic_fetch_add((uint64_t *)context, bytes, __ATOMIC_RELAXED);
    return memory;
}

static void release(void *context, void *memory, size_t bytes)
{
    if (memory != NULL)
        (void)__atomic_fetch_sub((uint64_t *)context, bytes, __ATOMIC_RELAXED);
    free(memory);
}

/* Submits, then steps until the completion is there. */
static void run_commands(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results)
{
    trading_error error;
    check(trading_engine_submit(engine, commands, count, results, 1, &error), &error);
    size_t taken = 0;
    trading_completion completion;
    while (taken == 0) {
        check(trading_engine_step(engine, 1, NULL, &error), &error);
        int32_t code = trading_engine_poll(engine, &completion, 1, &taken, 0, &error);
        if (code != TRADING_E_TIMEOUT)
            check(code, &error);
    }
    check(completion.error.code, &completion.error);
    for (size_t i = 0; i < count; i++)
        check_accepted(&results[i]);
}

static void make_deposits(trading_engine *engine)
{
    trading_open_account opening = TRADING_OPEN_ACCOUNT_INIT;
    trading_command open = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &opening, .body_size = sizeof opening};
    trading_result opened;
    run_commands(engine, &open, 1, &opened);

    trading_cash amount = TRADING_CASH_INIT;
    amount.amount = TRADING_DECIMAL_ONE;
    trading_command commands[DEPOSITS];
    trading_result results[DEPOSITS];
    memset(commands, 0, sizeof commands);
    for (size_t i = 0; i < DEPOSITS; i++) {
        commands[i].type = TRADING_COMMAND_DEPOSIT;
        commands[i].account = opened.account;
        commands[i].body = &amount;
        commands[i].body_size = sizeof amount;
    }
    run_commands(engine, commands, DEPOSITS, results);
}

static void print_hash(trading_engine *engine)
{
    trading_error error;
    trading_verification verification = TRADING_VERIFICATION_INIT;
    check(trading_engine_verify(engine, &verification, NULL, NULL, &error), &error);
    (void)printf("%s, %llu events, ", verification.sound ? "sound" : verification.finding,
                 (unsigned long long)verification.events);
    for (size_t i = 0; i < sizeof verification.hash; i++)
        (void)printf("%02x", verification.hash[i]);
    (void)printf("\n");
}

int main(void)
{
    trading_error error;
    uint64_t allocated = 0;
    trading_time now = 0;
    uint64_t entropy = 42;

    trading_host_options host_options = TRADING_HOST_OPTIONS_INIT;
    host_options.allocate = allocate;
    host_options.release = release;
    host_options.allocate_context = &allocated;
    trading_host *host = NULL;
    check(trading_host_open(&host, &host_options, &error), &error);

    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_MANUAL;
    options.clock = tick;
    options.clock_context = &now;
    options.entropy = draw;
    options.entropy_context = &entropy;
    trading_engine *engine = NULL;
    check(trading_engine_open(&engine, host, "memory:", &options, &error), &error);

    make_deposits(engine);
    print_hash(engine);

    check(trading_engine_close(engine, TRADING_CLOSE_DRAIN, &error), &error);
    check(trading_host_close(host, &error), &error);
    if (allocated != 0)
        (void)fprintf(stderr, "%llu bytes were not given back\n", (unsigned long long)allocated);
    return allocated == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
