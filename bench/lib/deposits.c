#include "bench/lib/deposits.h"

#include "bench/lib/benchmarks.h"
#include "bench/lib/history.h"
#include "bench/lib/turns.h"

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

void deposits_open(struct deposits *deposits, const struct subject *subject)
{
    deposits->subject = subject;
    picker_open(&deposits->picker, &subject->settings->skew, subject->account_count);
}

struct flow deposits_flow(struct deposits *deposits)
{
    return (struct flow){.type = TRADING_COMMAND_DEPOSIT,
                         .body_bytes = sizeof(trading_cash),
                         .context = deposits,
                         .begin = begin_deposit,
                         .next = next_deposit};
}

int32_t bench_deposits(const struct settings *settings, struct report *report, trading_error *error)
{
    struct subject subject;
    int32_t code = subject_open(&subject, settings, error);
    if (!code)
        code = subject_populate(&subject, error);
    if (!code && settings->events)
        code = history_write(&subject, settings->events, error);
    if (!code) {
        struct deposits deposits;
        deposits_open(&deposits, &subject);
        struct flow flow = deposits_flow(&deposits);
        code = measure_flow(&subject, &flow, report, error);
    }
    subject_close(&subject);
    return code;
}
