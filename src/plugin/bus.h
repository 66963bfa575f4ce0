/* The message bus: what an adapter implements. In the form that include/trading/plugin/ will publish, once two implementations have
 * proved it: backends/memory/memory_bus.c, within a process, and Kafka's.
 *
 * A topic has partitions, each a log of records with positions from 0. Consumers join a group, which shares out the partitions of a
 * topic; the bus says who owns which. Positions are the consumers': they keep them in their commits, and say with `seek` where to go
 * on, so a record takes effect once whatever the bus repeats.
 *
 * Threads: `publish` may be called from any thread; everything else by one at a time. */
#ifndef PLUGIN_BUS_H
#define PLUGIN_BUS_H

#include <trading/plugin/host.h>

struct bus_header {
    const char *name;
    const void *value;
    uint64_t size;
};

/* One record, going in or coming out. What it points to is valid during the call only. */
struct bus_record {
    const char *topic;
    uint32_t partition;    /* coming out; going in, the key chooses: the same key, the same partition */
    uint32_t header_count; /* of `headers` */
    int64_t position;      /* in its partition; coming out */
    const void *key;       /* 1 byte or more */
    uint64_t key_size;
    const void *value;
    uint64_t value_size;
    const struct bus_header *headers;
};

enum bus_notice_kind {
    BUS_RECORD = 1,
    BUS_OWNED,   /* a partition is this consumer's; nothing comes of it before its seek */
    BUS_REVOKED, /* it is to be given up: nothing more comes of it, and another gets it once it is released */
};

struct bus_notice {
    enum bus_notice_kind kind;
    struct bus_record record; /* of the others: topic and partition */
};

typedef void (*bus_visit)(void *arg, const struct bus_notice *notice);

struct bus_request {
    uint32_t size;
    uint32_t reserved;
    const char *location; /* the URI after "scheme:" */
    void *broker;         /* of the bus within the process: who shares it */
};

struct bus_ops {
    uint32_t size;
    uint32_t abi;
    int32_t (*open)(const struct bus_request *request, const trading_host_functions *host, void **bus, trading_error *error);
    /* Leaves its group. */
    void (*close)(void *bus);
    /* Makes a topic; one that is there with as many partitions is no failure, with another number TRADING_E_INVALID. */
    int32_t (*topic)(void *bus, const char *topic, uint32_t partitions, trading_error *error);
    /* Publishes in order. All or none are seen by consumers. TRADING_E_NOT_FOUND when a topic is not there. */
    int32_t (*publish)(void *bus, const struct bus_record *records, size_t count, trading_error *error);
    /* How many partitions a topic has, and the position that the next record of one gets. */
    int32_t (*partitions)(void *bus, const char *topic, uint32_t *count, trading_error *error);
    int32_t (*end)(void *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error);
    /* Shares the partitions of a topic with the others of the group. Once. */
    int32_t (*join)(void *bus, const char *group, const char *topic, trading_error *error);
    /* Where an owned partition goes on. TRADING_E_INVALID when it is not owned. */
    int32_t (*seek)(void *bus, uint32_t partition, int64_t position, trading_error *error);
    /* Done with a revoked partition, or giving up an owned one. */
    int32_t (*release)(void *bus, uint32_t partition, trading_error *error);
    /* Hands over the next notice. Waits at most `timeout` nanoseconds. @return TRADING_OK, or TRADING_E_TIMEOUT. */
    int32_t (*poll)(void *bus, int64_t timeout, bus_visit visit, void *arg, trading_error *error);
};

#endif
