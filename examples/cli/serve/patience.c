#include "patience.h"

#include "monotonic.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAUSE INT64_C(100000000)

static bool may_pass(const trading_error *error)
{
    return !(error->flags & TRADING_ERROR_FATAL) && (error->code == TRADING_E_IO || error->flags & TRADING_ERROR_RETRYABLE);
}

/* Not again and again the same. */
static void say(struct patience *patience, const trading_error *error)
{
    if (!strcmp(patience->said, error->message))
        return;
    memcpy(patience->said, error->message, sizeof patience->said);
    fprintf(stderr, "%s: waiting for the bus: %s\n", patience->who, error->message);
}

bool patience_lasts(struct patience *patience, const trading_error *error)
{
    const struct timespec pause = {.tv_nsec = PAUSE};
    if (!may_pass(error) || monotonic_now() >= patience->end || patience->stopped(patience->context))
        return false;
    say(patience, error);
    nanosleep(&pause, NULL);
    return true;
}
