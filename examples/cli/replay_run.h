/* Doing the steps of a plan, each under its own time, as many at once as one instant has. */
#ifndef CLI_REPLAY_RUN_H
#define CLI_REPLAY_RUN_H

#include "replay_plan.h"
#include "replay_tell.h"

#include <stdatomic.h>

/* The time that the engine is told, which stands still until the replay moves it. */
struct replay_clock {
    _Atomic trading_time now;
};

trading_time replay_clock_read(void *context);

struct replay {
    struct plan *plan;
    struct desk *desk;
    struct replay_clock *clock;
    struct teller *teller;
    FILE *record; /* where each step is written as well; NULL: nowhere */
};

/* Does what is not done, until all is, or a signal asks to stop. @return an exit_code, having said what failed */
int replay_run(struct replay *replay);

#endif
