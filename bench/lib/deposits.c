#include "bench/lib/benchmarks.h"
#include "bench/lib/history.h"
#include "bench/lib/payments.h"
#include "bench/lib/turns.h"

int32_t bench_deposits(const struct settings *settings, struct report *report, trading_error *error)
{
    struct subject subject;
    int32_t code = subject_open(&subject, settings, error);
    if (!code)
        code = subject_populate(&subject, error);
    if (!code && settings->events)
        code = history_write(&subject, settings->events, error);
    if (!code) {
        struct payments payments;
        payments_open(&payments, &subject);
        struct flow flow = payments_flow(&payments);
        code = measure_flow(&subject, &flow, report, error);
    }
    subject_close(&subject);
    return code;
}
