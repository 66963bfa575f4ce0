/* What a replay tells while it runs: what became of each line of the strategy, what happened to orders later, how far it is; and
 * at its end the statements. */
#ifndef CLI_REPLAY_TELL_H
#define CLI_REPLAY_TELL_H

#include "operation.h"
#include "replay_plan.h"

#define TELLER_EVENTS 64

struct teller {
    const struct plan *plan;
    struct desk *desk;
    trading_feed *feed;                  /* of what happens to orders, from where the replay goes on */
    trading_event events[TELLER_EVENTS]; /* read from it; those from next_event on are not told yet */
    size_t next_event;
    size_t event_count;
    bool json;
    bool has_bar; /* stderr is a terminal */
    bool bar_is_drawn;
    int64_t drawn; /* when, of monotonic_now */
};

/* @return TRADING_OK, or what the store failed with */
int32_t teller_open(struct teller *teller, const struct plan *plan, struct desk *desk, bool json, trading_error *error);
void teller_close(struct teller *teller);

/* What became of a line. Takes the reference of the outcome's JSON. */
void tell_line(struct teller *teller, const struct strategy_line *line, const struct request *request, struct outcome outcome);

/* A line that was not sent, as `missing` made nothing. */
void tell_unsent(struct teller *teller, const struct strategy_line *line, const struct strategy_line *missing);

/* What happened to orders up to a position: filled, expired, canceled. @return TRADING_OK, or what the store failed with */
int32_t tell_events(struct teller *teller, int64_t until, trading_error *error);

/* How far the replay is: `done` of all steps, the last of them at `time`. */
void tell_progress(struct teller *teller, size_t done, trading_time time);

/* Removes the progress bar, so that something else can be written. */
void tell_nothing(struct teller *teller);

/* The statement of each account that the strategy opened; `summary`: a line for each. @return an exit_code */
int tell_statements(struct teller *teller, bool summary);

#endif
