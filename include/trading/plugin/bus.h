/**
 * @file
 * The message bus: what the author of an adapter implements, and the records that hosts publish and get (trading/bus.h). Less stable
 * than the rest of the API; versioned by `size` and `abi`.
 *
 * A topic has partitions, each a log of records. A record's position is its place in its partition: later ones have larger positions,
 * and there may be gaps (a bus may number what nobody gets to see). Who reads says from which position: a partition is followed by
 * itself, or owned by one member of a group at a time, and in neither case does the bus keep where the reader stood. Readers keep
 * that with what they made of the records, so a record takes effect once whatever the bus repeats.
 *
 * A bus that was opened with a writer's name publishes all or nothing, once, and keeps a mark with it: how far the writer has come. Whoever
 * opens that name later fences the earlier, who then publishes nothing any more.
 *
 * Threads: publish, mark and mark_of are called by one thread at a time, and everything else by one at a time, which may be another. A bus calls
 * nothing of the host but its functions (memory and log).
 *
 * Arguments are checked by the host before they come here: nothing is NULL that may not be, names have 1 to 249 characters a–z, A–Z, 0–9,
 * '.', '_' and '-', positions are in their range.
 */
#ifndef TRADING_PLUGIN_BUS_H
#define TRADING_PLUGIN_BUS_H

#include <trading/plugin/host.h>
#include <trading/time.h>

TRADING_EXTERN_C_BEGIN

/** A record's partition, going in: chosen by its key; the same key, the same partition of the same topic. */
#define TRADING_BUS_BY_KEY UINT32_MAX

/** @name Positions that stand for others */
/**@{*/
#define TRADING_BUS_END     (-1) /**< where the next record goes */
#define TRADING_BUS_OLDEST  (-2) /**< the oldest record that is kept */
#define TRADING_BUS_NO_MARK (-1) /**< nothing to keep with what is published */
/**@}*/

/** @name Kinds of topics */
/**@{*/
#define TRADING_BUS_COMPACTED                                                                                                  \
    1u /**< of the records of a key, at least the newest is kept, for ever; others may go. All have keys */
/**@}*/

/** A header of a record: a name, NUL-terminated, and bytes. The layout is frozen. */
typedef struct trading_bus_header {
    const char *name;
    const void *value; /**< NULL is allowed when size is 0 */
    uint64_t size;
} trading_bus_header;

/** One record, going in or coming out. The layout is frozen. */
typedef struct trading_bus_record {
    const char *topic;
    uint32_t partition;    /**< going in: TRADING_BUS_BY_KEY, or one of the topic's */
    uint32_t header_count; /**< of `headers` */
    int64_t position;      /**< coming out: in its partition */
    trading_time time;     /**< when it was published; going in: 0 for now. A bus may keep it to the millisecond */
    const void *key; /**< 1 byte or more where it chooses the partition, or the topic is compacted; else NULL is allowed */
    uint64_t key_size;
    const void *value; /**< NULL in a compacted topic: the key is to be forgotten */
    uint64_t value_size;
    const trading_bus_header *headers;
} trading_bus_record;

/** @name What a poll tells */
/**@{*/
#define TRADING_BUS_RECORD  1 /**< a record of a partition that is read */
#define TRADING_BUS_OWNED   2 /**< a partition is this member's; nothing comes of it before its seek */
#define TRADING_BUS_REVOKED 3 /**< it is to be given up: nothing more comes of it, and another gets it once it is released */
/** It is this member's no longer, and another may own it already: the member was silent for too long. There is nothing to release. */
#define TRADING_BUS_LOST 4
/**@}*/

/** What a poll tells. Of notices that are no records, the record has topic and partition only. The layout is frozen. */
typedef struct trading_bus_notice {
    int32_t kind; /**< TRADING_BUS_RECORD … */
    uint32_t reserved;
    trading_bus_record record;
} trading_bus_notice;

/**
 * What a bus says of itself, one number at a time. The layout is frozen. Of the bus since it was opened: "published_records",
 * "published_bytes" (keys and values), "publish_failures" (calls), "consumed_records", "consumed_bytes", "errors" (of its connections). Of a
 * partition that is read: "lag", how far the end is beyond what was handed over. A bus may have more, and may lack some.
 */
typedef struct trading_bus_metric {
    const char *name;   /**< a–z, 0–9 and '_' */
    const char *topic;  /**< NULL: of the whole bus */
    uint32_t partition; /**< of the topic; 0 without one */
    uint32_t reserved;
    int64_t value;
} trading_bus_metric;

/** Takes one metric, valid during the call only. */
typedef void (*trading_bus_metric_visit)(void *context, const trading_bus_metric *metric);

/** What a bus is asked to open. Valid during the call only. */
typedef struct trading_bus_request {
    uint32_t size;
    uint32_t flags;       /**< 0 */
    const char *location; /**< the URI after "scheme:", NUL-terminated */
    const char *writer;   /**< the writer's name; NULL: none */
} trading_bus_request;

/** The functions of a bus. All fill `error` when they fail and it is not NULL, and return its code. Those marked optional may be NULL. */
typedef struct trading_bus_ops {
    uint32_t size; /**< sizeof(trading_bus_ops) as the bus was built */
    uint32_t abi;  /**< TRADING_PLUGIN_ABI as the bus was built */

    /** Opens. With a writer's name, earlier openings of that name are fenced on return. */
    int32_t (*open)(const trading_bus_request *request, const trading_host_functions *host, void **bus, trading_error *error);
    /** Leaves its group and closes. Never fails; nothing of the host is used after it returns. */
    void (*close)(void *bus);

    /** Makes a topic. One that is there with as many partitions is no failure; with another number TRADING_E_INVALID. */
    int32_t (*topic)(void *bus, const char *topic, uint32_t partitions, uint32_t flags, trading_error *error);
    /** How many partitions a topic has. @return TRADING_OK or TRADING_E_NOT_FOUND. */
    int32_t (*partitions)(void *bus, const char *topic, uint32_t *count, trading_error *error);
    /** The end of a partition: the next record that readers get to see is not below it. */
    int32_t (*end)(void *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error);

    /**
     * Publishes records, in order, of several topics as it may be.
     * @param mark  kept with them under the writer's name; TRADING_BUS_NO_MARK: the one that there is stays
     * @return TRADING_OK: they are as durable as the bus makes them. TRADING_E_NOT_FOUND when a topic or partition is not there,
     *         TRADING_E_INVALID when a record is too large: nothing was published. TRADING_E_FENCED when the writer's name was opened by
     *         another. TRADING_E_OUTCOME_UNKNOWN when nobody can tell. Any other code: with a writer, nothing was published; without,
     *         some of them may have been.
     */
    int32_t (*publish)(void *bus, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error);
    /**
     * The writer's newest mark. After an unknown outcome it waits until that is known, and so tells it: the mark is the one that went with
     * those records if they were published.
     * @return TRADING_OK; TRADING_E_NOT_FOUND: none yet; TRADING_E_OUTCOME_UNKNOWN: it still cannot be told; TRADING_E_FENCED.
     */
    int32_t (*mark)(void *bus, int64_t *mark, trading_error *error);

    /** Shares the partitions of a topic with the other members of the group. Once. TRADING_E_NOT_FOUND when the topic is not there. */
    int32_t (*join)(void *bus, const char *group, const char *topic, trading_error *error);
    /** Reads a partition outside of any group, from a position on. TRADING_E_INVALID when it is read already. */
    int32_t (*follow)(void *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error);
    /** Where a partition that is owned or followed goes on. TRADING_E_INVALID when it is neither, or is revoked. */
    int32_t (*seek)(void *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error);
    /** Done with a partition that was revoked; or giving up an owned one, which may come back at once; or following one no longer. */
    int32_t (*release)(void *bus, const char *topic, uint32_t partition, trading_error *error);
    /**
     * Takes what there is to tell. What the notices point to stays until the next poll, or close.
     * @param timeout  nanoseconds to wait for the first; 0: do not wait; −1: for ever
     * @return TRADING_OK, or TRADING_E_TIMEOUT with *count = 0. TRADING_E_POSITION when records that a partition was to go on with are not
     *         kept any more, or its position is beyond its end: nothing comes of it before another seek. A failure that is not fatal
     *         leaves all that is read as it was.
     */
    int32_t (*poll)(void *bus, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout, trading_error *error);

    /** Optional: tells of itself. Any thread, at any time. */
    int32_t (*metrics)(void *bus, trading_bus_metric_visit visit, void *context, trading_error *error);
    /**
     * Optional: the newest mark that is known to be kept under the name of any writer, for who watches it: nobody is fenced, nothing is
     * written, and nothing is waited for that somebody publishes at this moment, so that it may be a moment behind.
     * @return TRADING_OK; TRADING_E_NOT_FOUND: none yet, or no such writer.
     */
    int32_t (*mark_of)(void *bus, const char *writer, int64_t *mark, trading_error *error);
} trading_bus_ops;

TRADING_EXTERN_C_END

#endif
