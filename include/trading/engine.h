/**
 * @file
 * The host and the engine: registries and memory; one store with its state and the pipeline that commands go through.
 */
#ifndef TRADING_ENGINE_H
#define TRADING_ENGINE_H

#include <trading/command.h>
#include <trading/plugin/store.h>

TRADING_EXTERN_C_BEGIN

#define TRADING_VERSION "0.1.0"
/** The version of this interface. A program asks trading_abi_version() of the library that it runs with. */
#define TRADING_ABI 0

/** The interface version of the library. Any thread. */
TRADING_API int32_t trading_abi_version(void);
/** The version of the library, such as "0.1.0". Static. Any thread. */
TRADING_API const char *trading_version(void);

typedef struct trading_host trading_host;
typedef struct trading_engine trading_engine;

/** @name Host flags */
/**@{*/
#define TRADING_HOST_PLUGINS                                                                                                   \
    1u /**< plugins may be loaded (trading/plugins.h): by trading_plugin_load, and by the scheme of a URI */
/**@}*/

/** Options of a host. All functions must be safe from any thread. */
typedef struct trading_host_options {
    uint32_t size;
    int32_t log_level; /**< the most detailed TRADING_LOG_ level that is passed on; 0: none */
    void (*log)(void *context, int32_t level, const char *line); /**< NULL: no log. `line` has no line end, no personal data */
    void *log_context;
    void *(*allocate)(void *context, size_t bytes); /**< NULL: malloc; both or neither */
    void (*release)(void *context, void *memory, size_t bytes);
    void *allocate_context;
    uint32_t flags; /**< TRADING_HOST_ */
    uint32_t reserved;
    const char *plugin_path; /**< folders with ':' between them; NULL: $TRADING_PLUGIN_PATH, then the installed folder */
} trading_host_options;

#define TRADING_HOST_OPTIONS_INIT                                                                                              \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_host_options), .log_level = TRADING_LOG_WARNING                                       \
    }
TRADING_API void trading_host_options_init(trading_host_options *options);

/**
 * Makes a host: the registry of stores, memory and log. Nothing is global: two hosts know nothing of each other.
 * @param host     receives the handle; close it after everything opened with it
 * @param options  may be NULL; read during the call
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_NO_MEMORY. Any thread.
 */
TRADING_API int32_t trading_host_open(trading_host **host, const trading_host_options *options, trading_error *error);

/** Closes a host. @return TRADING_OK, or TRADING_E_BUSY while an engine, a bus or a venue of it is open. NULL is allowed. */
TRADING_API int32_t trading_host_close(trading_host *host, trading_error *error);

/**
 * Teaches the host a kind of store: URIs that begin with "scheme:" are opened by `ops`. "lmdb" and "memory" are there already.
 * @param scheme  1 to 15 characters a–z; copied
 * @param ops     the table is copied, what it points to must stay valid until the host is closed; its abi must be TRADING_PLUGIN_ABI,
 *                and its size at least that of the functions that are not optional
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_BUSY when the scheme is taken, TRADING_E_ABI. Any thread.
 */
TRADING_API int32_t trading_store_register(trading_host *host, const char *scheme, const trading_store_ops *ops,
                                           trading_error *error);

/** Bytes of memory that the host and all it opened hold now. Any thread. */
TRADING_API uint64_t trading_host_memory(const trading_host *host);

/** @name Engine flags */
/**@{*/
/** Views, feeds and verify only, as of the opening, or of when a feed last looked; may stand beside a writer's process. */
#define TRADING_ENGINE_READ_ONLY 1u
#define TRADING_ENGINE_MANUAL    2u /**< no threads: the host calls trading_engine_step */
/** One partition of the store, options.partition; the others are run elsewhere, and reached by letters: trading/partition.h. Who opens a
 *  partition after it fences it: it stops with TRADING_E_FENCED when it next appends, and what was not durable did not happen. */
#define TRADING_ENGINE_ONE_PARTITION 4u
/** For who submits a sequence of which nothing may be passed over, such as a topic and the cursor in it: when an append was not surely successful,
 *  everything submitted behind it fails with it, and all that comes later, until the store is opened again. Else the others are done. Of an
 *  engine of several partitions each is a sequence by itself. */
#define TRADING_ENGINE_FAIL_STOP 8u
/**@}*/

/** Options of an engine. */
typedef struct trading_engine_options {
    uint32_t size;
    uint32_t flags;      /**< TRADING_ENGINE_ */
    int32_t durability;  /**< TRADING_DURABILITY_SYNC or _PROCESS */
    int32_t compression; /**< zstd level of commits, 1 to 19; 0: not compressed, the fastest */
    /** The clock; NULL: the system's. Called once a batch; a time before the last one is taken as the last. */
    trading_time (*clock)(void *context);
    void *clock_context;
    /** Entropy for keys, nonces and secrets; NULL: libsodium's. */
    void (*entropy)(void *context, void *buffer, size_t bytes);
    void *entropy_context;
    trading_decimal market_collar; /**< a market buy pays at most ask × (1 + this): 0.05 by default; 0 to 1 */
    uint32_t queue_commands;       /**< commands that may wait and be in flight before BUSY; default 65,536 */
    uint32_t batch_commands;       /**< the most commands in one commit; default 8,192 */
    uint64_t commit_bytes;         /**< the byte limit of a commit; default 4 MiB, 64 KiB to 64 MiB */
    uint64_t map_bytes;            /**< the most that the store may grow to; 0: its default */
    uint64_t view_bytes;           /**< what views may hold of old records before they expire; default 64 MiB */
    /** A checkpoint after this many events, besides those at closing and with each snapshot. Default 16,000,000; 0: only those. */
    uint64_t checkpoint_events;
    /** A snapshot for views of the past after this many events, and after twice as many bytes of the journal as the one before it has, so
     *  that together they are at most about half of what the journal is to write, however large the state. Default 10,000,000; 0: none. */
    uint64_t snapshot_events;
    int64_t key_age;    /**< nanoseconds that keys are remembered; default 7 days; 0: no bound */
    uint64_t key_count; /**< how many are remembered; default 100,000,000; 0: no bound. Whichever comes first */
    /** For a store that keeps no state beside its journal, as one on a server: the folder on this machine where checkpoints and the
     *  state of projections are kept, for this store alone. It may be lost: it is made anew from the journal. NULL: none are kept,
     *  and every opening reads the whole journal. Other stores ("lmdb:", "memory:") keep theirs where they are, whatever it says. */
    const char *state_path;
    /** How long a commit may be held open for others, in nanoseconds: where the commit before it answered several callers together,
     *  the next waits for as many, but no longer than this. A caller who is alone never waits. Default 0: a commit waits for threads that
     *  were answered in `trading_engine_execute` and did not run yet, at most as long as four appends take, and for nobody else. */
    int64_t group_delay;
    /** How much memory changed state and its indexes may take before a checkpoint is written, so that they can be given back, besides
     *  those that checkpoint_events asks for: after a quarter as many events, and where a quarter of that memory was not in use for half of the
     *  time since the last checkpoint, as the rest is wanted again at once. What is not changed lies in files that the system caches, and is
     *  not counted; of what a large table grew into since the engine was opened, 2 MiB count while any of it was changed. Default 1 GiB. */
    uint64_t cache_bytes;
    /** How many partitions the store has, each with threads of its own: up to 64, fixed when the store is made. 0: what the store has, and 1
     *  where it is new. With more than one the clock and the entropy are called from several threads. */
    uint32_t partitions;
    uint32_t partition; /**< with TRADING_ENGINE_ONE_PARTITION: which one, from 0; else 0 */
} trading_engine_options;

#define TRADING_ENGINE_OPTIONS_INIT                                                                                            \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_engine_options), .durability = TRADING_DURABILITY_SYNC, .market_collar = 50000,       \
        .queue_commands = 65536, .batch_commands = 8192, .commit_bytes = 4194304, .view_bytes = 67108864,                      \
        .checkpoint_events = 16000000, .snapshot_events = 10000000, .key_age = INT64_C(604800000000000),                       \
        .key_count = 100000000, .cache_bytes = UINT64_C(1) << 30                                                               \
    }
TRADING_API void trading_engine_options_init(trading_engine_options *options);

/**
 * Opens a store and brings its state up: the newest checkpoint, then the tail of the journal. Creates a store that is not there,
 * unless read only.
 * @param uri  "lmdb:PATH" (a folder), "memory:", or another registered scheme; where the host allows plugins, an unknown scheme is
 *             the name of the plugin that is loaded for it
 * @return TRADING_OK, or any code of the store: TRADING_E_LOCKED when another engine has it, TRADING_E_DAMAGED with the place,
 *         TRADING_E_NEWER_FORMAT, TRADING_E_NO_SPACE, TRADING_E_READ_ONLY … Any thread.
 */
TRADING_API int32_t trading_engine_open(trading_engine **engine, trading_host *host, const char *uri,
                                        const trading_engine_options *options, trading_error *error);

/** @name How to close */
/**@{*/
#define TRADING_CLOSE_DRAIN   0 /**< finish what was submitted, write a checkpoint */
#define TRADING_CLOSE_ABANDON 1 /**< what is not durable is answered with TRADING_E_CLOSED; no checkpoint */
/**@}*/

/**
 * Closes an engine. Views, feeds and projections of it must be closed before. Callers still waiting in execute or poll are answered first;
 * a submit whose completion was polled before it returned is waited for.
 * @param how  TRADING_CLOSE_
 * @return TRADING_OK; TRADING_E_BUSY while views, feeds or projections are open; else closed all the same, and the code says what
 *         failed on the way (a checkpoint that could not be written loses nothing). NULL is allowed.
 */
TRADING_API int32_t trading_engine_close(trading_engine *engine, int32_t how, trading_error *error);

/**
 * Executes commands and waits until their outcomes are durable. Commands are decided in order; one that is refused does not stop
 * the next. Concurrent callers share commits.
 * @param commands  `count` of them, any number (more than queue_commands are done in pieces); unchanged until the call returns
 * @param results   `count`; each is filled, status NONE or UNKNOWN where the call failed before it was decided or known
 * @return TRADING_OK when every command has an answer; TRADING_E_BUSY (queue full, nothing done), TRADING_E_NO_SPACE and other
 *         codes of the store (those with status NONE did not happen), TRADING_E_OUTCOME_UNKNOWN, TRADING_E_FENCED, TRADING_E_POISONED,
 *         TRADING_E_CLOSED, TRADING_E_NO_MEMORY; TRADING_E_READ_ONLY and TRADING_E_INVALID (nothing done). Any thread; not from a
 *         callback of the engine.
 */
TRADING_API int32_t trading_engine_execute(trading_engine *engine, const trading_command *commands, size_t count,
                                           trading_result *results, trading_error *error);

/** One finished submission. The layout is frozen. */
typedef struct trading_completion {
    uint64_t tag;
    uint64_t count;          /**< commands in it */
    trading_result *results; /**< the array given to submit, filled */
    trading_error error;     /**< as execute would have returned it */
} trading_completion;

/**
 * Hands commands over and returns at once. Commands, bodies and results must stay until the completion is polled.
 * @param commands  `count` of them, 1 to queue_commands
 * @param tag       comes back with the completion
 * @return TRADING_OK; TRADING_E_BUSY (full: poll first), TRADING_E_INVALID, or another code of trading_engine_execute: then nothing was
 *         taken, and no completion comes. Any thread; not from a callback of the engine.
 */
TRADING_API int32_t trading_engine_submit(trading_engine *engine, const trading_command *commands, size_t count,
                                          trading_result *results, uint64_t tag, trading_error *error);

/**
 * Takes finished submissions, in the order in which they were submitted.
 * @param completions  receives up to `max`
 * @param taken        receives how many
 * @param timeout      nanoseconds to wait for the first; 0: do not wait; −1: for ever. A TRADING_ENGINE_MANUAL engine does not wait:
 *                     what finishes does so in a step
 * @return TRADING_OK, TRADING_E_TIMEOUT with *taken = 0, or TRADING_E_INVALID. How a submission ended is in its completion. Any thread.
 */
TRADING_API int32_t trading_engine_poll(trading_engine *engine, trading_completion *completions, size_t max, size_t *taken,
                                        int64_t timeout, trading_error *error);

/**
 * A descriptor that is readable while a completion waits, or after the journal grew since trading_engine_fd_clear: for the host's
 * own poll or epoll loop. Owned by the engine. −1 where the system has none. Any thread.
 */
TRADING_API int32_t trading_engine_fd(trading_engine *engine);
/** Makes the descriptor unreadable until something new happens; call it before looking for what happened. Any thread. */
TRADING_API void trading_engine_fd_clear(trading_engine *engine);

/**
 * Drives a TRADING_ENGINE_MANUAL engine: takes what is submitted, decides, appends, completes. Over a store that appends by itself and is
 * polled (append_begin in trading/plugin/store.h) a step begins appends, of each partition one, and does not wait for them: steps that
 * follow decide the next commits meanwhile, and complete what has become durable. A step that would have nothing else to do waits until
 * one of them has ended.
 * @param batches  how many commits at most, of each partition
 * @param done     receives how many were made; over a store that is polled, how often something was decided, begun or completed. 0: nothing
 *                 waits, and nothing is under way. May be NULL
 * @return TRADING_OK; TRADING_E_INVALID when the engine has threads of its own. One thread at a time.
 */
TRADING_API int32_t trading_engine_step(trading_engine *engine, uint32_t batches, uint32_t *done, trading_error *error);

/** Writes a checkpoint now and waits for it, behind a snapshot that is being written; the next opening replays only what comes after.
 *  @return TRADING_OK, also where the store keeps no checkpoints; TRADING_E_READ_ONLY, TRADING_E_NO_SPACE or another code of the state store:
 *  nothing but time is lost. Any thread. */
TRADING_API int32_t trading_engine_checkpoint(trading_engine *engine, trading_error *error);

/**
 * Forgets the person who has an account: destroys the key that the account's personal data is sealed under. From then on every view, of
 * the past as well, shows its texts empty (`forgotten` in trading_profile), and commands that bring new ones are refused with
 * TRADING_REASON_FORGOTTEN. Money, orders, hashes and history stay, and all else may be done with the account as before, whatever its
 * status. It cannot be undone; again it does nothing more. What a command brought that was accepted before is forgotten; what one brings
 * that is under way is forgotten with it, or refused. An account that has nothing personal stays as it is, and may be given something
 * later; so the first that it is given, by a command that is under way, may come after it: forget again once that is answered. What lies
 * outside of the store is the host's to forget: docs/domain.md lists it.
 * @return TRADING_OK: it is durable. TRADING_E_NOT_FOUND: there is no such account; TRADING_E_INVALID: among others, it is in a partition
 *         that this engine has not; TRADING_E_READ_ONLY, TRADING_E_CLOSED, and what stopped the engine. TRADING_E_OUTCOME_UNKNOWN: also where
 *         no view shows the account, while it may have been opened by a command whose outcome is not known yet (TRADING_STATUS_UNKNOWN): give
 *         that command again, and call again once it is answered. Another code of the store: the key may be destroyed or not, call again.
 *         Any thread, and of a TRADING_ENGINE_MANUAL engine too: it takes no step.
 */
TRADING_API int32_t trading_engine_forget(trading_engine *engine, const trading_id *account, trading_error *error);

/** What an engine says of itself. */
typedef struct trading_engine_info {
    uint32_t size;
    int32_t state;               /**< TRADING_OK, or why it refuses: TRADING_E_POISONED … */
    int64_t next_position;       /**< durable: the position that the next event will get */
    int64_t checkpoint_position; /**< where the newest checkpoint stands */
    trading_time last_time;      /**< of the newest commit; 0: none */
    uint64_t commits;            /**< since it was opened, like the next five */
    uint64_t commands;
    uint64_t events;
    uint64_t journal_bytes; /**< of commits */
    uint64_t syncs;
    uint64_t replayed_events; /**< while it was opened */
    uint64_t accounts;        /**< in the state now, like the next five */
    uint64_t portfolios;
    uint64_t orders;
    uint64_t instruments;
    uint64_t keys;
    uint64_t memory_bytes;
    uint64_t store_bytes_used;
    uint64_t store_bytes_reserved;
    uint64_t cache_bytes; /**< of changed state and of indexes, as trading_engine_options counts them */
    /** Of an engine of one partition, since it was opened, like the next two: letters that could be taken. */
    uint64_t letters_sent;
    uint64_t letters_received; /**< that were put */
    uint64_t letters_read;     /**< that were read out of other partitions' journals */
} trading_engine_info;

#define TRADING_ENGINE_INFO_INIT                                                                                               \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_engine_info)                                                                          \
    }
TRADING_API void trading_engine_info_init(trading_engine_info *info);
/** Fills `info`. @return TRADING_OK, TRADING_E_INVALID, or a code of the store. Any thread. */
TRADING_API int32_t trading_engine_get_info(trading_engine *engine, trading_engine_info *info, trading_error *error);

/** Called now and then during a long verify. @return 0 to go on, else it ends with TRADING_E_STOPPED. */
typedef int32_t (*trading_progress)(void *context, int64_t done, int64_t total);

/** What verify found. */
typedef struct trading_verification {
    uint32_t size;
    int32_t sound;    /**< 1: everything holds */
    int64_t position; /**< verified up to here */
    uint64_t commits;
    uint64_t events;
    uint64_t accounts;
    uint64_t portfolios;
    uint64_t orders;
    uint64_t currencies;
    uint64_t instruments;
    int64_t bad_position; /**< first position of the commit that is wrong; −1: none */
    char finding[232];    /**< what is wrong and where; empty when sound */
    uint8_t hash[32];     /**< BLAKE2b-256 of the newest commit: it stands for the whole history */
} trading_verification;

#define TRADING_VERIFICATION_INIT                                                                                              \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_verification)                                                                         \
    }
TRADING_API void trading_verification_init(trading_verification *verification);

/**
 * Proves the store from the journal alone: every commit's hash and its chain; every event folded anew; cash sums to zero in every
 * currency and shares in every symbol; the state so rebuilt equals, record for record, what the views show at the same position.
 * @param progress  may be NULL
 * @return TRADING_OK when it ran to the end (`sound` says what it found), or a code of the store. Any thread; the engine goes on
 *         meanwhile.
 */
TRADING_API int32_t trading_engine_verify(trading_engine *engine, trading_verification *verification, trading_progress progress,
                                          void *context, trading_error *error);

TRADING_EXTERN_C_END

#endif
