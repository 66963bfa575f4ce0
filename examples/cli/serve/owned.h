/* A partition that this process owns: its engine, and a thread of its own that takes what the inbox has through it, so that nothing which
 * waits (for a store that is opened, a commit, a topic) keeps the bus from being polled. */
#ifndef SERVE_OWNED_H
#define SERVE_OWNED_H

#include "inbox.h"
#include "serving.h"

struct owned;

enum owned_state {
    OWNED_OPENING, /* the engine is being opened */
    OWNED_OPEN,    /* it takes commands from owned_cursor on */
    OWNED_ENDED,   /* its thread is done: owned_end says why */
};

/* What it did since it was started; read by any thread. */
struct owned_counts {
    int64_t position;  /* of the journal's end */
    int64_t cursor;    /* of the next command */
    uint64_t commands; /* that were answered, like the next two */
    uint64_t reads;
    uint64_t refused;   /* records that were no requests */
    uint64_t forwarded; /* to another partition */
    uint64_t letters_sent;
    uint64_t letters_taken;
    uint64_t failures;  /* of publishing and looking, each of which was tried again */
    uint64_t published; /* events, and messages that were made of them */
    int64_t behind;     /* the most events that lie before the journal's end and are not published */
};

/* Never NULL: the program ends when there is no memory, or no thread. */
struct owned *owned_start(const struct serving *serving, uint32_t partition);

enum owned_state owned_state(const struct owned *owned);
/* Where its commands go on, once it is open. */
int64_t owned_cursor(const struct owned *owned);
struct inbox *owned_inbox(struct owned *owned);
void owned_count(const struct owned *owned, struct owned_counts *counts);

/* Asks it to end: with what it has taken answered and a checkpoint written, or at once. */
void owned_stop(struct owned *owned, bool drain);

/* Waits for its thread, and frees it. @return TRADING_OK when it was asked to end; else what failed, in `error` */
int32_t owned_end(struct owned *owned, trading_error *error);

#endif
