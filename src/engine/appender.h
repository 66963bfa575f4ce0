/* Who appends batches to the journal while the next one is decided. In an engine with threads that is a thread, which waits for the store, and
 * has two at a time: the disk goes on with the second as soon as the first is durable, whatever the decider is about. In an engine without, a
 * store that has append_begin and append_poll goes on by itself and is asked how far it is; it has one batch of a partition at a time. Commits of a
 * partition follow each other; those of other partitions are on their way beside them. Once a batch has its outcome the thread makes memory of what
 * the tables grow into (state/growth.c). */
#ifndef ENGINE_APPENDER_H
#define ENGINE_APPENDER_H

#include "journal/commit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <trading/engine.h>

#define APPENDER_BATCHES 2u /* one syncs while the other waits for it */

struct batch;

struct appender {
    pthread_mutex_t mutex;
    pthread_cond_t signal;
    struct batch *batches[APPENDER_BATCHES]; /* in flight, the oldest first; who drives alone adds and takes */
    size_t count;                            /* of them */
    size_t done;                             /* so many of them have their outcome */
    bool failed;                             /* one of these failed: what is behind it is not begun */
    bool polls;                              /* the store is asked: there is no thread */
    bool runs;                               /* the thread does */
    bool stops;                              /* it is to end */
    uint8_t digest[COMMIT_DIGEST_BYTES];     /* of the commit that the next one follows; of who appends */
    pthread_t thread;
    pthread_mutex_t polling;   /* the first partition's is held by who asks the store, which answers for any of them */
    _Atomic int64_t sync_time; /* nanoseconds that the store took for the last append that was waited for */
};

void appender_open(struct appender *appender);
void appender_close(struct appender *appender);

/* Its thread; or, of an engine without threads, the store, if that can be polled. False when the system gives no thread. */
bool appender_start(trading_engine *engine);
/* After the batches that it has. */
void appender_stop(trading_engine *engine);

/* Appends a batch that is closed on the caller's thread, which waits. Nothing may be under way. */
void appender_append(trading_engine *engine, struct batch *batch);

/* Hands over a batch that is closed, for which there must be place; it is the appender's until it was awaited. */
void appender_hand_over(trading_engine *engine, struct batch *batch);
bool appender_has_place(trading_engine *engine);
/* Whether waiting for the oldest would take no time. */
bool appender_is_done(trading_engine *engine);
/* Waits until the oldest has its outcome, and gives it. */
struct batch *appender_await(trading_engine *engine);
/* After one that failed: what was handed over behind it, and is not begun. How many; they are in order. */
size_t appender_take_back(trading_engine *engine, struct batch *batches[APPENDER_BATCHES]);

/* Waits until the append of any partition is done, of those that the store is polled for. False when none is under way. */
bool appender_await_any(trading_engine *engine);

#endif
