/* Submissions on their way in, completions on their way out. */
#ifndef ENGINE_QUEUE_H
#define ENGINE_QUEUE_H

#include "base/bell.h"
#include "base/memory.h"
#include "engine/prepare.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <trading/engine.h>

/* An array of commands that one call handed over. */
struct submission {
    struct submission *next;
    const trading_command *commands;
    trading_result *results;
    size_t count;
    size_t taken;    /* commands that a batch took */
    size_t answered; /* commands whose answer is durable */
    uint64_t tag;
    trading_error error;          /* ends it: what is not answered is not done */
    struct preparation *prepared; /* of its commands; NULL: they are few, or there was no memory */
    bool waits;                   /* a caller of execute waits for it */
    bool returns;                 /* who, once answered, may call again while somebody else drives */
    uint32_t turn;                /* whose peal the caller listens to */
    _Atomic bool done;            /* then the submission is the caller's again */
};

/* Part of a submission that one batch answers. */
struct slice {
    struct submission *submission;
    size_t first;
    size_t count;
};

/* Callers of one batch listen to one peal, and those of the next to another: a batch that is answered wakes its own callers, all at once, and
 * nobody else. Of the turns that are under way at a time one is answered, one syncs, one waits for that, one is decided, and one may have begun
 * behind it. */
#define QUEUE_TURNS 5u

/* Whoever calls adds to the arrivals without a lock. Whoever drives the engine, one thread at a time, takes all that arrived at once, and
 * what it has of them is its own. */
struct queue {
    struct memory *memory;
    size_t limit;
    struct preparations preparations;

    /* the callers' */
    _Atomic(struct submission *) arrivals; /* the newest first, which nobody took yet */
    _Atomic size_t arrived;                /* their commands; counted before they are there */
    _Atomic size_t commands;               /* waiting or in flight, or reserved for */
    _Atomic uint32_t callers;              /* twice the threads that are inside a call, and 1 more once the last is awaited */
    _Atomic uint32_t returning;            /* who were answered, and did not run yet to see it */
    _Atomic uint32_t turn;                 /* of who comes now */
    struct submission end;                 /* the newest for ever, once the queue takes nothing more */
    struct peal answered[QUEUE_TURNS];

    /* the driver's */
    struct submission *first; /* waiting to be decided, in order */
    struct submission *last;
    size_t waiting;        /* submissions, from the first to the last */
    _Atomic size_t listed; /* commands of them that no batch took; who waits for arrivals reads it, too */

    /* between the two */
    struct bell arrival;   /* for the decider's thread, when it sleeps */
    _Atomic size_t wanted; /* commands that it waits for; 0: it does not */
    _Atomic bool woken;    /* it is to look at something else than submissions */
    _Atomic bool stopped;  /* it is to end */
    _Atomic bool attended; /* a caller drives, and sees to what arrives */
    struct bell gathering; /* for who drives, when it keeps a batch open */
    _Atomic size_t quorum; /* commands that it waits for; 0: it does not */

    /* what few wait for */
    pthread_mutex_t mutex;
    pthread_cond_t room;                 /* for those who wait to push */
    _Atomic uint32_t crowded;            /* who are so many */
    pthread_cond_t completed;            /* for pollers */
    struct submission *first_completion; /* asynchronous ones that are done */
    struct submission *last_completion;
    bool ended; /* nothing more will finish */
};

void queue_open(struct queue *queue, struct memory *memory, size_t limit);
void queue_close(struct queue *queue);

/* In two steps, so that what is refused costs little, and a call whose parts go to several queues is taken by all or by none. First room is
 * reserved; when there is none: waits for it, or TRADING_E_BUSY. TRADING_E_CLOSED once the queue is. */
int32_t queue_reserve(struct queue *queue, size_t count, bool wait, trading_error *error);
void queue_give_back(struct queue *queue, size_t count);

/* Then a submission is appended, for which TRADING_E_CLOSED is all that can be said, and gives the room back. The decider is told by
 * queue_tell, unless who pushes sees to the submission itself. */
int32_t queue_push(struct queue *queue, struct submission *submission, trading_error *error);
void queue_tell(struct queue *queue);

/* Returns once the submission, which was pushed to be waited for, is done. */
void queue_await(struct queue *queue, struct submission *submission);
static inline bool submission_is_done(struct submission *submission)
{
    return atomic_load_explicit(&submission->done, memory_order_acquire);
}

/* ---- for who drives ---- */

/* Waits until so many commands are there, somebody wakes the decider, or the queue is stopped; false when it is stopped and nothing is there.
 */
bool queue_wait(struct queue *queue, size_t commands);
void queue_wake(struct queue *queue);
/* Whether so many are there, or, once it is stopped, any: no more come. */
bool queue_has(struct queue *queue, size_t commands);
bool queue_is_empty(struct queue *queue);

/* Waits until so many submissions are there, but at most so many nanoseconds. */
void queue_wait_for(struct queue *queue, size_t submissions, int64_t nanoseconds);

/* Whether callers who were answered did not run yet to see it: they are likely to call again at once. */
bool queue_is_returned_to(struct queue *queue);
/* Waits until there are none, or so many commands are there: true; false at the deadline of the monotonic clock, or when the queue is stopped. */
bool queue_gather(struct queue *queue, size_t commands, const struct timespec *deadline);
/* Looks for a moment whether somebody comes. */
bool queue_linger(struct queue *queue);

/* A caller drives; or does no more, and then it is for it to say whether somebody must look what arrived meanwhile. */
void queue_attend(struct queue *queue, bool attended);

/* Whoever comes from here on is of another batch than who came before. */
void queue_turn(struct queue *queue);

/* The next commands to decide, at most `most`; a slice of 0 when there are none. */
struct slice queue_take(struct queue *queue, size_t most);

/* Puts slices that were taken back to the front, in their order: they are decided anew. */
void queue_return(struct queue *queue, const struct slice *slices, size_t count);

/* The slices' commands are answered and durable; a submission that is all answered is finished. */
void queue_answer(struct queue *queue, const struct slice *slices, size_t count);

/* The submission ends here with the error; its results that were not answered are reset to `status`. */
void queue_fail(struct queue *queue, struct slice *slice, int32_t status, const trading_error *error);

/* ---- for all again ---- */

/* Takes a finished asynchronous submission; waits at most `timeout` nanoseconds (−1: for ever). NULL: none. */
struct submission *queue_poll(struct queue *queue, int64_t timeout);

/* Fails everything that waits; nothing may be in flight. */
void queue_abandon(struct queue *queue, const trading_error *error);
/* Takes nothing more; queue_wait ends once nothing is left. */
void queue_stop(struct queue *queue);

/* Around a call that may wait, or be answered before it returns: the queue is there until it is left. */
void queue_enter(struct queue *queue);
void queue_leave(struct queue *queue);
size_t queue_callers(struct queue *queue);

/* Nothing more finishes: who polls is told, and the last caller awaited, so that the queue may be closed. */
void queue_end(struct queue *queue);

#endif
