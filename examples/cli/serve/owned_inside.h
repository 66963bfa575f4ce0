/* The inside of an owned partition, for the files that do its steps. All of it is its thread's own but for what is atomic, the inbox, and
 * what was set before the thread was started. */
#ifndef SERVE_OWNED_INSIDE_H
#define SERVE_OWNED_INSIDE_H

#include "batch.h"
#include "owned.h"
#include "relay.h"

#include <stdatomic.h>

/* Events for everybody; and for the system that is stood in for. */
#define OWNED_RELAYS 2

/* The most batches in the engine at a time. */
#define OWNED_FLYING 4

enum owned_wish { WISH_SERVE, WISH_DRAIN, WISH_DROP };

/* A view that waits for a position that is not there yet. */
struct early {
    struct early *next;
    struct parcel *parcel;
    struct parsed_line parsed;
    int64_t deadline; /* of monotonic_now */
};

struct owned_counters {
    atomic_int_fast64_t position;
    atomic_int_fast64_t cursor;
    atomic_uint_fast64_t commands;
    atomic_uint_fast64_t reads;
    atomic_uint_fast64_t refused;
    atomic_uint_fast64_t forwarded;
    atomic_uint_fast64_t letters_sent;
    atomic_uint_fast64_t letters_taken;
    atomic_uint_fast64_t failures;
};

struct owned {
    const struct serving *serving;
    uint32_t partition;
    pthread_t thread;
    atomic_int state; /* enum owned_state */
    atomic_int wish;  /* enum owned_wish */
    struct inbox inbox;
    int64_t cursor; /* set before it is open */
    struct owned_counters counters;
    _Atomic trading_time clock; /* where the records' times are the engine's */
    trading_error error;        /* its code is not TRADING_OK once something failed that ends it */

    struct desk desk;
    trading_bus *bus;        /* to publish */
    struct parcels commands; /* taken out of the inbox, in order */
    struct batch *held;      /* read, and not submitted before what goes out is published */
    struct batch *first;     /* in the engine, the oldest first */
    struct batch **last;
    size_t flying;           /* of them */
    struct parcels outgoing; /* to be published, in order */
    struct early *early;
    struct relay *relays[OWNED_RELAYS];
    struct routing *routing; /* NULL: there is no venue */
    int64_t acknowledged;    /* where the cursor stands in what was submitted */
    int64_t look_again;      /* of monotonic_now: when to look into the journals of others, and */
    int64_t publish_again;   /* when to try to publish what could not be */
};

/* Ends it with this error, unless one ended it before. */
static inline void owned_fail(struct owned *owned, const trading_error *error)
{
    if (owned->error.code == TRADING_OK)
        owned->error = *error;
}

/* ---- owned_open.c: the engine, and where it goes on ---- */
bool owned_open(struct owned *owned);
void owned_close(struct owned *owned);

/* ---- owned_batches.c: records → commands → results ---- */
bool owned_has_room(const struct owned *owned);
void owned_send_off(struct owned *owned);
/* Takes what the engine has done, and answers it. */
void owned_collect(struct owned *owned);
bool owned_is_idle(const struct owned *owned);
void owned_drop_batches(struct owned *owned);

/* ---- answer.c: what became of a record, as records ---- */
void answer_batch(struct owned *owned, struct batch *batch);
void answer_early(struct owned *owned);
void answer_forward(struct owned *owned, const struct item *item);
void answer_dead(struct owned *owned, const struct item *item);

/* ---- letters.c: between partitions ---- */
void owned_take_letter(struct owned *owned, const struct parcel *parcel);
void owned_send_letters(struct owned *owned);
void owned_look(struct owned *owned);

/* ---- quotes.c: of the books of other partitions ---- */
void owned_take_quote(struct owned *owned, const struct parcel *parcel);
/* Adds the symbol's quote to what goes out. */
void owned_send_quote(struct owned *owned, const trading_symbol *symbol);
void owned_send_quotes(struct owned *owned);

#endif
