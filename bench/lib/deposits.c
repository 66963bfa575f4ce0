#include "bench/lib/benchmarks.h"
#include "bench/lib/turns.h"

struct deposits {
    const struct subject *subject;
    struct picker picker;
};

static void begin_deposit(void *context, void *body)
{
    trading_cash *cash = body;
    (void)context;
    trading_cash_init(cash);
    cash->amount = TRADING_DECIMAL_ONE;
}

static void next_deposit(void *context, uint64_t *random, trading_command *command, void *body)
{
    const struct deposits *deposits = context;
    (void)body;
    command->account = deposits->subject->accounts[picker_next(&deposits->picker, random)];
}

int32_t bench_deposits(const struct settings *settings, struct report *report, trading_error *error)
{
    struct subject subject;
    struct deposits deposits = {.subject = &subject};
    struct flow flow = {.type = TRADING_COMMAND_DEPOSIT,
                        .body_bytes = sizeof(trading_cash),
                        .context = &deposits,
                        .begin = begin_deposit,
                        .next = next_deposit};
    int32_t code = subject_open(&subject, settings, error);
    if (!code)
        code = subject_populate(&subject, error);
    picker_open(&deposits.picker, &settings->skew, settings->accounts);
    if (!code)
        code = measure_flow(&subject, &flow, report, error);
    subject_close(&subject);
    return code;
}
