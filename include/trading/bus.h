/**
 * @file
 * The message bus, for programs that publish what happens and read what is asked: topics of records, on whatever the URI names:
 * "memory:NAME" within one host, shared by all who open the name there, "kafka://host:port/" with the Kafka plugin, or
 * another plugin's. trading/plugin/bus.h says what records, positions, groups and writers are.
 *
 * Threads: trading_bus_publish, _mark, _mark_of and _metrics may be called by any thread at any time; everything else by one thread at a time.
 * After a fork every call answers TRADING_E_FORKED.
 */
#ifndef TRADING_BUS_H
#define TRADING_BUS_H

#include <trading/engine.h>
#include <trading/plugin/bus.h>

TRADING_EXTERN_C_BEGIN

typedef struct trading_bus trading_bus;

/** Options of a bus. */
typedef struct trading_bus_options {
    uint32_t size;
    uint32_t flags; /**< 0 */
    /** The name under which only one publishes at a time, 1 to 249 characters a–z, A–Z, 0–9, '.', '_', '-': whoever opens it later
     *  fences the earlier. What is published is seen whole or not at all, and once. NULL: none; publishing is faster, and a call that
     *  failed may have published some of its records. */
    const char *writer;
    /** Takes what the bus tells of itself, about every `metric_interval` nanoseconds, during calls of trading_bus_poll, on the thread that
     *  calls it. It may not call the bus. NULL: nobody; trading_bus_metrics is there all the same. */
    trading_bus_metric_visit metric;
    void *metric_context;
    int64_t metric_interval; /**< default 10 seconds */
} trading_bus_options;

#define TRADING_BUS_OPTIONS_INIT                                                                                               \
    {                                                                                                                          \
        .size = (uint32_t)sizeof(trading_bus_options), .metric_interval = INT64_C(10000000000)                                 \
    }
TRADING_API void trading_bus_options_init(trading_bus_options *options);

/**
 * Opens a bus.
 * @param uri      "scheme:location"; a plugin is loaded for a scheme that is not known, where the host allows it
 * @param options  NULL: the defaults
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_SYNTAX, TRADING_E_NOT_FOUND (no such scheme), TRADING_E_NO_MEMORY, TRADING_E_IO, or what
 *         trading_plugin_load returns. Any thread.
 */
TRADING_API int32_t trading_bus_open(trading_bus **bus, trading_host *host, const char *uri, const trading_bus_options *options,
                                     trading_error *error);

/** Leaves its group, and closes. What was published stays. NULL is allowed. In a child after a fork it does nothing. */
TRADING_API void trading_bus_close(trading_bus *bus);

/**
 * Makes a topic; one that is there already with as many partitions is no failure.
 * @param topic       1 to 249 characters a–z, A–Z, 0–9, '.', '_', '-'
 * @param partitions  1 or more
 * @param flags       TRADING_BUS_COMPACTED, or 0; of a topic that is there already they are not looked at
 * @return TRADING_OK; TRADING_E_INVALID, also when it is there with another number of partitions.
 */
TRADING_API int32_t trading_bus_topic(trading_bus *bus, const char *topic, uint32_t partitions, uint32_t flags,
                                      trading_error *error);

/** How many partitions a topic has. @return TRADING_OK, or TRADING_E_NOT_FOUND. */
TRADING_API int32_t trading_bus_partitions(trading_bus *bus, const char *topic, uint32_t *count, trading_error *error);

/** The end of a partition: the next record that readers get to see has this position or a larger one. */
TRADING_API int32_t trading_bus_end(trading_bus *bus, const char *topic, uint32_t partition, int64_t *position,
                                    trading_error *error);

/**
 * Publishes records in order, of one topic or several, and waits until they are as durable as the bus makes them.
 * @param count  0 is allowed with a mark
 * @param mark   from 0 on: kept under the writer's name, with these records or not at all; TRADING_BUS_NO_MARK: no new one
 * @return TRADING_OK. TRADING_E_INVALID, TRADING_E_NOT_FOUND (a topic or partition): nothing was published. TRADING_E_FENCED: the
 *         writer's name was opened by another; the bus publishes nothing more. TRADING_E_OUTCOME_UNKNOWN: with a writer,
 *         trading_bus_mark tells; without, they may come twice when they are published again. Any other code: with a writer, nothing was
 *         published; without, some may have been; the flags of the error say whether the same call may succeed later.
 */
TRADING_API int32_t trading_bus_publish(trading_bus *bus, const trading_bus_record *records, size_t count, int64_t mark,
                                        trading_error *error);

/**
 * The newest mark of the bus's writer, whoever it was that kept it. After an unknown outcome it tells which it was.
 * @return TRADING_OK; TRADING_E_NOT_FOUND: there is none yet; TRADING_E_INVALID: the bus was opened without a writer;
 *         TRADING_E_FENCED; TRADING_E_OUTCOME_UNKNOWN: it cannot be told yet.
 */
TRADING_API int32_t trading_bus_mark(trading_bus *bus, int64_t *mark, trading_error *error);

/**
 * The newest mark of any writer, by its name: how far it has come, for who watches it. Unlike opening the bus under that name it fences
 * nobody. What was published this moment may not be in it yet.
 * @param writer  1 to 249 characters a–z, A–Z, 0–9, '.', '_', '-'
 * @return TRADING_OK; TRADING_E_NOT_FOUND: there is none yet, or no such writer; TRADING_E_INVALID; TRADING_E_UNSUPPORTED: the bus's plugin
 *         is older than this function, or does not offer it.
 */
TRADING_API int32_t trading_bus_mark_of(trading_bus *bus, const char *writer, int64_t *mark, trading_error *error);

/**
 * Joins a group, whose members share out the partitions of a topic: trading_bus_poll tells which are this one's, with
 * TRADING_BUS_OWNED, and which it is to give up. Once for a bus. A member that does not poll for long is taken for dead, and
 * loses what it owned (TRADING_BUS_LOST).
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_NOT_FOUND (the topic).
 */
TRADING_API int32_t trading_bus_join(trading_bus *bus, const char *group, const char *topic, trading_error *error);

/**
 * Reads a partition outside of any group.
 * @param position  where to begin: a position, TRADING_BUS_END or TRADING_BUS_OLDEST
 * @return TRADING_OK; TRADING_E_INVALID, also when the partition is read already; TRADING_E_NOT_FOUND.
 */
TRADING_API int32_t trading_bus_follow(trading_bus *bus, const char *topic, uint32_t partition, int64_t position,
                                       trading_error *error);

/** Where a partition that is owned or followed goes on. @return TRADING_OK, or TRADING_E_INVALID when it is neither, or revoked. */
TRADING_API int32_t trading_bus_seek(trading_bus *bus, const char *topic, uint32_t partition, int64_t position,
                                     trading_error *error);

/**
 * Done with a partition: one that was revoked, which another gets then; or an owned one that is given up, which the group shares out anew
 * and may give back at once; or a followed one. @return TRADING_OK, or TRADING_E_INVALID when it is none of these.
 */
TRADING_API int32_t trading_bus_release(trading_bus *bus, const char *topic, uint32_t partition, trading_error *error);

/**
 * Takes what there is to tell: records of the partitions that are read, and changes of what is owned.
 * @param notices  receives up to `max`; what they point to stays until the next poll, or close
 * @param count    receives how many
 * @param timeout  nanoseconds to wait for the first; 0: do not wait; −1: for ever
 * @return TRADING_OK, or TRADING_E_TIMEOUT with *count = 0. TRADING_E_POSITION when what a partition was to go on with is not kept any
 *         more, or its position is beyond the end; nothing comes of it before another seek. Other failures leave what is read as it
 *         was, unless the error says TRADING_ERROR_FATAL.
 */
TRADING_API int32_t trading_bus_poll(trading_bus *bus, trading_bus_notice *notices, size_t max, size_t *count, int64_t timeout,
                                     trading_error *error);

/** Hands over what the bus tells of itself now. @return TRADING_OK, or TRADING_E_UNSUPPORTED. */
TRADING_API int32_t trading_bus_metrics(trading_bus *bus, trading_bus_metric_visit visit, void *context, trading_error *error);

/**
 * Teaches the host a kind of bus: URIs that begin with "scheme:" are opened by `ops`. "memory" is there already.
 * @param scheme  1 to 15 characters a–z; copied
 * @param ops     the table is copied, what it points to must stay valid until the host is closed; its abi must be TRADING_PLUGIN_ABI,
 *                and its size at least that of the functions that are not optional
 * @return TRADING_OK, TRADING_E_INVALID, TRADING_E_BUSY when the scheme is taken, TRADING_E_ABI. Any thread.
 */
TRADING_API int32_t trading_bus_register(trading_host *host, const char *scheme, const trading_bus_ops *ops,
                                         trading_error *error);

TRADING_EXTERN_C_END

#endif
