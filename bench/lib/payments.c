#include "bench/lib/payments.h"

static void begin_deposit(void *context, void *body)
{
    trading_cash *cash = body;
    (void)context;
    trading_cash_init(cash);
    cash->amount = TRADING_DECIMAL_ONE;
}

static void next_deposit(void *context, uint64_t *random, trading_command *command, void *body)
{
    const struct payments *payments = context;
    (void)body;
    command->account = payments->subject->accounts[picker_next(&payments->picker, random)];
}

void payments_open(struct payments *payments, const struct subject *subject)
{
    payments->subject = subject;
    picker_open(&payments->picker, &subject->settings->skew, subject->account_count);
}

struct flow payments_flow(struct payments *payments)
{
    return (struct flow){.type = TRADING_COMMAND_DEPOSIT,
                         .body_bytes = sizeof(trading_cash),
                         .context = payments,
                         .begin = begin_deposit,
                         .next = next_deposit};
}
