/* The steps of a replay as lines that `trading send` takes: each with its time, and the very key that it has here. */
#ifndef CLI_REPLAY_RECORD_H
#define CLI_REPLAY_RECORD_H

#include "replay_plan.h"

#include <stdio.h>

/* What ties the commands of a replay together. */
#define REPLAY_CORRELATION "trading replay"

/* Writes the line of a step; `document` is that of its request where it is a line of the strategy, else NULL. */
void replay_record(FILE *out, const struct step *step, const json_t *document, const trading_set_quote *quote);

#endif
