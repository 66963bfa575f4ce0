/* Who appends a batch to the journal while the next one is decided. In an engine with threads that is a thread, which waits for the store. In
 * one without, a store that has append_begin and append_poll goes on by itself and is asked how far it is. Either has one batch of a partition
 * at a time, so that its commits follow each other; those of other partitions are on their way beside it. Once a batch has its outcome the thread
 * makes memory of what the tables grow into (state/growth.c). */
#ifndef ENGINE_APPENDER_H
#define ENGINE_APPENDER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <trading/engine.h>

struct batch;

struct appender {
    pthread_mutex_t mutex;
    pthread_cond_t signal;
    struct batch *batch; /* that it was handed; NULL: it is idle */
    bool done;           /* the batch has its outcome */
    bool polls;          /* the store is asked: there is no thread */
    bool runs;           /* the thread does */
    bool stops;          /* it is to end */
    pthread_t thread;
    pthread_mutex_t polling;   /* the first partition's is held by who asks the store, which answers for any of them */
    _Atomic int64_t sync_time; /* nanoseconds that the store took for the last append that was waited for */
};

void appender_open(struct appender *appender);
void appender_close(struct appender *appender);

/* Its thread; or, of an engine without threads, the store, if that can be polled. False when the system gives no thread. */
bool appender_start(trading_engine *engine);
/* After the batch that it has. */
void appender_stop(trading_engine *engine);

/* Appends a batch that is closed on the caller's thread, which waits. Nothing may be under way. */
void appender_append(trading_engine *engine, struct batch *batch);

/* Hands over a batch that is closed; it is the appender's until it was awaited. */
void appender_hand_over(trading_engine *engine, struct batch *batch);
/* Whether waiting for it would take no time. */
bool appender_is_done(trading_engine *engine);
/* Waits until the batch has its outcome. */
void appender_await(trading_engine *engine);

/* Waits until the append of any partition is done, of those that the store is polled for. False when none is under way. */
bool appender_await_any(trading_engine *engine);

#endif
