/* A partition's events on their way out: a thread of its own with an outbox, so that a topic that does not answer keeps no command waiting. */
#ifndef SERVE_RELAY_H
#define SERVE_RELAY_H

#include "serving.h"

#include <trading/outbox.h>

struct relay;

/* Which records are made of events. */
struct relay_purpose {
    const char *name; /* of the writer, behind the prefix */
    uint64_t kinds[2];
    void *(*open)(const struct serving *serving, uint32_t partition, uint32_t batch, trading_view *view);
    void (*close)(void *encoder);
    trading_outbox_encode encode;
};

/* Never NULL: the program ends when there is no memory, or no thread. */
struct relay *relay_start(const struct serving *serving, uint32_t partition, trading_engine *engine,
                          const struct relay_purpose *purpose);

/* How many events lie before the end of the journal that are not published; how many were; and how often that failed. Any thread. */
struct relay_counts {
    int64_t lag;
    uint64_t published;
    uint64_t failures;
};
void relay_count(const struct relay *relay, struct relay_counts *counts); /* NULL leaves them as they are */

/* Ends its thread, before the engine is closed; and frees it. NULL is allowed. */
void relay_stop(struct relay *relay);
void relay_free(struct relay *relay);

#endif
