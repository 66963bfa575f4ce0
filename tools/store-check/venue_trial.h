/* What the cases of the venue contract share: a client that checks what it is told. */
#ifndef VENUE_TRIAL_H
#define VENUE_TRIAL_H

#include "trial.h"
#include "venue_contract.h"

#include <stdbool.h>
#include <stdio.h>

enum { ORDERS_MOST = 64, TRADES_MOST = 32, BATCH = 16 };

/* The case is for venues that reject a symbol. */
#define VENUE_CONTRACT_REJECTS 4u

/* An order, and what was told of it. */
struct placed {
    trading_venue_order order;
    bool acknowledged; /* by NEW */
    int32_t end;       /* the ExecType that ended it, or a trade of the last of it; 0: it is open */
    char end_id[TRADING_EXEC_ID_BYTES];
    trading_decimal filled;
    int trade_count;
    trading_execution_report trades[TRADES_MOST];
    int told_again;       /* trades that were known, since the status was asked for */
    bool end_told_again;  /* likewise */
    int statuses;         /* answers to requests */
    int32_t order_status; /* the last one's */
    int cancels_rejected;
};

struct trial {
    const struct venue_contract *contract;
    unsigned number;      /* of the case */
    trading_venue *venue; /* closed at the end of the case, should it fail before */
    struct placed placed[ORDERS_MOST];
    int count;
    size_t batch; /* the most that is asked for in one poll */
    trading_error error;
    jmp_buf escape;
};

struct venue_case {
    const char *name;
    void (*run)(struct trial *trial);
    uint32_t needs; /* VENUE_CONTRACT_ flags */
};

/* Ends with a name of NULL. */
extern const struct venue_case venue_cases[];

void open_venue(struct trial *trial);
void close_venue(struct trial *trial);

/* The next order of the case, which is not submitted yet. A price of 0 is a market order's; a market buy may pay the contract's. Shares
 * are whole. */
struct placed *make_order(struct trial *trial, int32_t side, int64_t shares, trading_decimal price, int32_t time_in_force);
void submit(struct trial *trial, struct placed *placed);
/* Made and submitted: a buy that trades, or one so far from the price that it rests. */
struct placed *submit_crossing(struct trial *trial, int64_t shares);
struct placed *submit_resting(struct trial *trial, int64_t shares);

/* Polls, and notes what came, checking that it can be. False when nothing did. */
bool poll_reports(struct trial *trial, int64_t timeout);
void await_end(struct trial *trial, const struct placed *placed, int32_t exec_type);
void await_acknowledged(struct trial *trial, const struct placed *placed);
/* Cancels an order that rests, and waits for its end. */
void cancel_resting(struct trial *trial, const struct placed *placed);
void await_cancel_rejected(struct trial *trial, const struct placed *placed, int count);
/* Asks, and waits for the answer, before which all trades of it, and its end, must be told again. */
void ask_status(struct trial *trial, struct placed *placed);
/* Nothing comes any more that was not there before. */
void expect_silence(struct trial *trial);

#endif
