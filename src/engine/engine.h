/* The engine: one store, its state, and the pipeline. This header is the inside of the room; how the parts work together is told in
 * pipeline.c. */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "base/hash.h"
#include "engine/appender.h"
#include "engine/hints.h"
#include "engine/letters.h"
#include "engine/mail.h"
#include "engine/prepare.h"
#include "engine/queue.h"
#include "journal/commit.h"
#include "journal/read.h"
#include "keys/keys.h"
#include "plugin/host.h"
#include "process/process.h"
#include "state/snapshot.h"
#include "state/store.h"

#include <pthread.h>
#include <stdatomic.h>

#define ENGINE_PARTITION      0u /* of an engine that has but one */
#define ENGINE_PARTITIONS_MAX 64u
#define ENGINE_SECRET_BYTES   32u
#define ENGINE_ENTROPY_BYTES  4096u
#define ENGINE_DIGEST_KEY     16u
#define ENGINE_SEALED_BYTES   2048u
#define ENGINE_STAGED_BYTES   (64u << 20) /* what records were before a batch; it ends there */
/* What commands will want is called into the cache for so many at a time: of the next group keys, of the second records, of the fourth bodies,
 * and of the fifth the commands. A group takes longer to decide than memory to answer. */
#define ENGINE_GROUP ((size_t)8)

/* A commit on its way: decided, then durable. */
struct batch {
    struct commit_builder builder;
    struct commit header;
    trading_store_commit stored;
    int64_t first_position;
    int64_t next_position;
    uint32_t entries;
    size_t commands;      /* that were taken into it */
    bool messages;        /* it has some */
    struct slice *slices; /* whose commands it answers */
    size_t slice_count;
    size_t slice_capacity;
    trading_store_secret *secrets; /* of accounts that it opens: durable before it is */
    size_t secret_count;
    size_t secret_capacity;
    struct tables_growth growth; /* for who appends it in a thread */
    trading_error outcome;       /* of the append */
    bool staged;                 /* it has a stage of the tables */
    bool gathers;                /* it waits, or waited, for callers of the commit before */
    struct timespec patience;    /* then: until when at most */
};

/* A commit of which nobody can tell yet whether it is in the journal. */
struct doubt {
    int64_t first_position;
    int64_t next_position; /* the same: nothing was appended */
    trading_id nonce;
};

#define ENGINE_BATCHES (APPENDER_BATCHES + 1u) /* and one is decided */

/* projection.c: those that are open; and their rows, where there is no state store or it is only read. */
struct projections {
    pthread_mutex_t mutex;
    struct trading_projection *first;
    struct state_store rows; /* in memory; ops NULL until it is needed */
};

/* The partitions of one engine, each an engine of its own with its own threads; the first is the one that the host holds. They share a store. */
struct partitions {
    uint32_t count;
    trading_engine *at[ENGINE_PARTITIONS_MAX];
    struct gathering *first; /* submissions over several partitions whose completions were not polled, in order */
    struct gathering *last;
    pthread_mutex_t mutex;
    pthread_cond_t progress; /* something was answered */
    pthread_rwlock_t cut;    /* held to install, and wholly by who looks at all partitions at one moment */
    _Atomic uint32_t next;   /* where an account without a key is opened */
};

/* Commands of the slice that is decided, from the first to before the end, and what is prepared of them. */
struct ahead {
    const struct prepared *prepared;
    size_t first;
    size_t end;
    struct prepared few[PREPARE_FEW]; /* where it is not the submission's */
};

struct trading_engine {
    trading_host *host;
    struct memory memory;
    trading_engine_options options;
    bool read_only;
    bool manual;

    const trading_store_ops *ops;
    void *store;
    struct state_store state_store; /* ops NULL: there is none */
    struct journal journal;
    uint32_t partition;
    uint32_t parts;                /* how many partitions the store has */
    struct partitions *partitions; /* NULL: the engine has but this one; where the store has more, the others are elsewhere */
    struct mail mail;
    struct letters letters; /* of an engine that has one partition of its store: to and from the others */
    struct hints hints;
    bool shares_store; /* another partition's engine closes it */
    struct domain domain;
    struct keys *keys; /* NULL: there are none, as it takes no commands, or none yet */
    uint8_t digest_key[ENGINE_DIGEST_KEY];
    struct hash_secret key_secret;  /* from it: of the hashes that keys are remembered by */
    struct hash_secret body_secret; /* and of the digests of bodies that are of no person */

    /* the decider's own */
    struct process process;
    struct batch batches[ENGINE_BATCHES];
    struct batch *deciding; /* NULL: none is open */
    size_t group;           /* submissions that the last commit answered together */
    uint32_t retries;       /* appends in a row that were not successful */
    bool unresolved;        /* what the journal holds must be learnt before anything is decided */
    struct doubt doubt;     /* what of it is this engine's */
    bool stalled;           /* the append of paused work failed: it goes on with the next command, not by itself */
    struct ahead ahead;
    uint8_t entropy[ENGINE_ENTROPY_BYTES];
    size_t entropy_left;
    uint8_t sealed[ENGINE_SEALED_BYTES];
    struct journal_copy past; /* the commit in which a duplicate was last looked up */

    struct queue queue;
    pthread_mutex_t
        drive_mutex; /* held by who drives the rounds: the decider, a caller that is alone; or folds, for a read-only engine */

    /* progress, for whoever waits */
    pthread_mutex_t progress_mutex;
    pthread_cond_t progress;
    _Atomic int64_t durable; /* the next position that is durable and shown */
    _Atomic int32_t state;   /* TRADING_OK, or why everything is refused */
    _Atomic bool closing;
    _Atomic uint32_t closings; /* how often closing was asked for, also in vain: each time whoever waits is told */
    _Atomic bool abandoned;    /* what waits is failed rather than decided */
    int descriptor;            /* eventfd */
    _Atomic bool signaled;     /* it is readable, so writing to it again says nothing new */
    _Atomic uint32_t users;    /* open views, feeds, projections */
    _Atomic bool feed_ahead;   /* one of the feeds has the thread that reads ahead */

    struct projections projections;

    /* threads */
    pthread_t decider;
    pthread_t keeper;
    bool decider_runs;
    bool keeper_runs;
    struct appender appender;

    /* the keeper: checkpoints and snapshots */
    pthread_mutex_t keeper_mutex;
    pthread_cond_t keeper_signal;
    pthread_mutex_t
        checkpoint_mutex; /* one checkpoint at a time, and none while a snapshot is read from the files of the last */
    bool keeper_stop;
    bool checkpoint_is_ours; /* the tables came from the stored checkpoint, or are in it: only changes need be written */
    _Atomic int64_t checkpoint_position; /* where the newest stands */
    _Atomic int64_t checkpoint_tried;    /* where one was last begun */
    _Atomic int64_t cache_looked_at;     /* where it was last asked whether a checkpoint would make room */
    _Atomic int64_t snapshot_tried;      /* where the newest stands, or one was last begun */
    _Atomic uint64_t snapshot_worth;     /* no other before so many bytes of the journal were written */
    bool snapshot_weighed;               /* the keeper's: snapshot_worth counts the newest */
    struct snapshot_base snapshot_base;  /* the keeper's */

    /* counts */
    _Atomic uint64_t commits;
    _Atomic uint64_t commands;
    _Atomic uint64_t events;
    _Atomic uint64_t journal_bytes;
    uint64_t replayed_events;
};

/* TRADING_OK; TRADING_E_INVALID for no engine, _FORKED, _POISONED. What every call of the API asks first. */
int32_t engine_check(trading_engine *engine, trading_error *error);
/* TRADING_OK for an engine that letters go to and from; else TRADING_E_INVALID, _READ_ONLY, _FORKED. */
int32_t engine_check_letters(trading_engine *engine, trading_error *error);

/* Nothing is decided any more; everything is refused with the reason, which is logged. */
void engine_poison(trading_engine *engine, int32_t code, const char *why);

/* A view, feed or projection of the engine was opened; closed. */
void engine_enter(trading_engine *engine);
void engine_leave(trading_engine *engine);

static inline int64_t engine_durable(trading_engine *engine)
{
    return atomic_load_explicit(&engine->durable, memory_order_acquire);
}

static inline uint32_t engine_closings(trading_engine *engine)
{
    return atomic_load(&engine->closings);
}

/* Waits until the durable position is beyond `position`: true. False after `timeout` nanoseconds (−1: never), when closing is or was asked
 * for since engine_closings gave `closings`, or when the engine stopped itself. A read-only engine looks whether the writer's process has
 * appended, and folds it. */
bool engine_wait_unless_closing(trading_engine *engine, int64_t position, int64_t timeout, uint32_t closings);

/* The same for who was not told of any closing before. */
bool engine_wait_beyond(trading_engine *engine, int64_t position, int64_t timeout);

/* Tells all who wait that the durable position has moved, or that the engine closes. */
void engine_progress(trading_engine *engine);

/* ---- what is decided ---- */

/* Whether the batch has room for what one more command may come to. */
static inline bool engine_has_room(const trading_engine *engine, const struct batch *batch)
{
    size_t free_bytes = (size_t)(batch->builder.body.end - batch->builder.body.at);
    return free_bytes >= PROCESS_COMMAND_BYTES && tables_staged_bytes(engine->domain.tables) < ENGINE_STAGED_BYTES &&
           !engine->process.broken; /* without memory all is scratch, as is seen at the end */
}

/* ---- recover.c ---- */

/* Brings the state up to the end of the journal: what is decided and not installed is dropped first. */
int32_t engine_catch_up(trading_engine *engine, trading_error *error);

/* Opens the state: checkpoint, then the tail. */
int32_t engine_recover(trading_engine *engine, trading_error *error);

/* An empty domain, filled from the newest snapshot at or before `position`, or founded. For views of the past and verify. */
int32_t engine_past_domain(trading_engine *engine, struct domain *domain, int64_t position, bool snapshots,
                           trading_error *error);

/* ---- secrets.c ---- */

/* Random bytes for the decider, from the engine's entropy. */
void engine_random(trading_engine *engine, void *buffer, size_t bytes);

/* Writes a secret of which all writers of the store are to have one: where another was quicker, its value is given. */
int32_t engine_agree(trading_engine *engine, trading_store_secret *secret, trading_error *error);
/* Makes the secrets of the accounts durable that the batch opens. Of a partition that others may take over they never replace another
 * writer's, for whoever has the account then sealed under that: TRADING_E_POSITION. */
int32_t engine_keep_secrets(trading_engine *engine, const struct batch *batch, trading_error *error);

/* Reads the key that body digests are made with, or makes it in an empty store. */
int32_t engine_digest_key(trading_engine *engine, trading_error *error);

/* The keyed digest of what a command means. */
uint64_t engine_body_digest(const trading_engine *engine, const trading_command *command);

/* Seals what is personal in a located request, if anything is. False with `why` when the person was forgotten. An error of the store in `error`. */
bool engine_seal(trading_engine *engine, struct request *request, struct rejection *why, trading_error *error);

/* ---- dedupe.c ---- */

enum known { KNOWN_NEW, KNOWN_DUPLICATE, KNOWN_REUSED, KNOWN_FAILED };

/* The keyed hash under which a located command's key is remembered in its scope. */
static inline uint64_t engine_key_hash(const trading_engine *engine, const trading_id *key, uint32_t account)
{
    uint64_t halves[2];
    memcpy(halves, key->bytes, sizeof halves);
    return hash_keyed(&engine->key_secret, halves[0], halves[1], account);
}

/* Whether the request's key was used before, and then what came of it; `absent_before` as in keys_cursor. KNOWN_FAILED: the journal could not
 * be read (`error`). */
enum known engine_lookup(trading_engine *engine, const struct request *request, uint64_t hash, int64_t absent_before,
                         trading_result *result, trading_error *error);
bool engine_remember(trading_engine *engine, uint64_t hash, int64_t position, trading_time time);

/* ---- prepare.c ---- */

/* Works out what can be of commands, but for whether their keys are stored: who decides looks himself. */
void engine_prepare(const trading_engine *engine, const trading_command *commands, size_t count, struct prepared *prepared);
/* Prepares a submission that is of many. For it there is room in the queue, to which it is then appended. */
void engine_prepare_many(trading_engine *engine, struct submission *submission);

/* ---- decide.c ---- */

/* Decides the slice's i-th command into the batch. False when the machinery failed (`error`); a refusal is an answer. */
bool engine_decide(trading_engine *engine, struct batch *batch, const struct slice *slice, size_t i, trading_error *error);
/* Before the i-th is decided: prepares it, unless that is done, and calls into the cache what commands of the slice will want. */
void engine_foresee(trading_engine *engine, const struct slice *slice, size_t i);

/* ---- recall.c ---- */

/* Opens the keys of past commands: those that are stored, if they are this journal's, and what the journal has since, up to the position of
 * the state; what comes after is left by engine_catch_up. */
int32_t engine_open_keys(trading_engine *engine, int64_t position, trading_error *error);
/* Stores the keys when the next opening would have many to read. */
void engine_settle_keys(trading_engine *engine);

/* ---- mail.c ---- */

/* Reads a sender's journal from where the scan begins to before `end`, and what is there to this partition is kept, up to the first that is not.
 * The scan has reached the end of the last commit of which all was kept. TRADING_E_DAMAGED and others of the journal. */
int32_t engine_read_mail(trading_engine *engine, uint32_t sender, struct mail_scan *scan, int64_t end, mail_keep keep,
                         bool *kept, trading_error *error);

/* Applies messages of other partitions, as far as the batch has room. An error of the machinery. */
int32_t engine_receive(trading_engine *engine, struct batch *batch, trading_error *error);

/* ---- address.c ---- */

/* Whether a command was handed to an engine of one partition that belongs to another. */
bool engine_is_elsewhere(const trading_engine *engine, const trading_command *command);

/* ---- partitions.c ---- */

/* Makes the others of an engine that has several partitions, sharing its store; not yet recovered. */
int32_t partitions_make(trading_engine *engine, const char *uri, uint32_t count, trading_error *error);
void partitions_unmake(trading_engine *engine);
/* What an engine of one partition needs to write to those that are elsewhere. */
int32_t partitions_open_one(trading_engine *engine, trading_error *error);
/* How many partitions the store has; one that is new is given as many as the options ask for. */
int32_t partitions_of_store(trading_engine *engine, uint32_t *count, trading_error *error);
/* Of an engine that the host holds: does it have several? */
static inline bool engine_is_parted(const trading_engine *engine)
{
    return engine->partitions && engine->partition == 0;
}
/* The partitions that are of one engine with this one; where it has but one, that is itself. */
static inline uint32_t engine_part_count(const trading_engine *engine)
{
    return engine->partitions ? engine->partitions->count : 1;
}
static inline trading_engine *engine_part(trading_engine *engine, uint32_t number)
{
    return engine->partitions ? engine->partitions->at[number] : engine;
}
/* Was it opened as one partition of several, or of one? */
static inline bool engine_has_one(const trading_engine *engine)
{
    return engine->options.flags & TRADING_ENGINE_ONE_PARTITION;
}

/* ---- route.c ---- */

int32_t route_execute(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                      trading_error *error);
int32_t route_submit(trading_engine *engine, const trading_command *commands, size_t count, trading_result *results,
                     uint64_t tag, trading_error *error);
int32_t route_poll(trading_engine *engine, trading_completion *completions, size_t max, size_t *taken, int64_t timeout,
                   trading_error *error);
/* What was never polled. */
void route_close(trading_engine *engine);

/* ---- make.c ---- */

/* NULL: there is no memory. It has neither stores nor threads yet. */
trading_engine *engine_make(trading_host *host, const trading_engine_options *options);
int32_t engine_open_state_store(trading_engine *engine, const char *uri, trading_error *error);
int32_t engine_open_batches(trading_engine *engine, trading_error *error);
/* Ends the threads that run; what they were deciding and appending is left. */
void engine_stop_threads(trading_engine *engine);
/* All that is there of it. */
void engine_tear_down(trading_engine *engine);

/* ---- aftermath.c ---- */

/* Moves the horizon past a batch, if its append has not failed: readers see it. */
void engine_show(trading_engine *engine, const struct batch *batch);
/* Ends the append of a batch, which has been shown. False when it failed: then everything in flight, and `open`, which may be NULL, has been
 * answered or returned. */
bool engine_finish(trading_engine *engine, struct batch *batch, struct batch *open);
/* Deciding itself failed: no memory, the journal cannot be read for a duplicate, or an invariant broke. */
void engine_fail_deciding(trading_engine *engine, struct batch *batch, const trading_error *error);
/* Learns what the journal holds, where that was in doubt. False while it cannot be learnt, or when the engine stopped. */
bool engine_resolve(trading_engine *engine);
/* The store has them, or their accounts are not opened. */
void engine_forget_secrets(struct batch *batch);
/* Fails what waits to be decided; nothing may be in flight. */
void engine_fail_waiting(trading_engine *engine, const trading_error *error);

/* ---- pipeline.c ---- */

void *engine_decider(void *engine);
/* One round, with the drive_mutex held; whether anything was done. `overlaps`: where more waits, the append may go on while the next
 * round decides. */
bool engine_round(trading_engine *engine, bool overlaps);
/* Drives the rounds on the caller's thread until its submission, which is in the queue, is finished; false when somebody else drives.
 * A caller who is alone is so spared two switches of threads. */
bool engine_drive_alone(trading_engine *engine, struct submission *submission);
/* Whether paused work is to go on though no command waits. */
bool engine_goes_on(const trading_engine *engine);
/* A round of every partition of a manual engine that has something to do. Where none has, but appends are under way: waits until one of them is
 * done. Whether anything was done; false: nothing waits, and nothing is under way. */
bool engine_turn(trading_engine *engine);
/* Nothing more is decided: what is in flight is finished, and what was decided behind it goes back to the queue. With the drive_mutex held. */
void engine_wind_up(trading_engine *engine);

/* ---- projection.c ---- */

void projections_open(struct projections *projections);
void projections_close(struct projections *projections);

/* ---- keeper.c ---- */

void *engine_keeper(void *engine);
/* Checkpoint and snapshot when they are due; in a manual engine called after each round. */
void engine_keep(trading_engine *engine);
bool engine_keeping_due(trading_engine *engine);
/* Tells the keeper's thread when something is due. */
void engine_wake_keeper(trading_engine *engine);
int32_t engine_write_checkpoint(trading_engine *engine, trading_error *error);
/* And the indexes beside it, once nothing is decided any more. */
int32_t engine_write_last_checkpoint(trading_engine *engine, trading_error *error);
/* Bytes of changed pages and of indexes. */
uint64_t engine_cache_bytes(const trading_engine *engine);
/* So many of them, and memory runs short. */
uint64_t engine_cache_room(const trading_engine *engine);

#endif
