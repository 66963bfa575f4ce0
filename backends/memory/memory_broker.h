/* What the parts of the bus within a process share: memory_broker.c, topics and writers; memory_publish.c; memory_group.c, who owns which
 * partition; memory_bus.c, opening and reading. */
#ifndef MEMORY_BROKER_H
#define MEMORY_BROKER_H

#include "backends/memory/memory_bus.h"

#include <stdbool.h>

#define NAME_BYTES 250

/* A record in one block: this, its headers, and the bytes of key, value and headers behind. */
struct stored {
    size_t bytes;        /* of the block */
    uint32_t held;       /* by the log that it is in, and by the buses that handed it over */
    struct stored *next; /* while it is being published */
    struct log *log;
    trading_bus_record record;
};

/* A partition: its records by position, without those that compaction took. */
struct log {
    struct stored **records;
    size_t count;
    size_t capacity;
    int64_t end;
    bool compacted; /* as its topic is */
};

struct topic {
    struct topic *next;
    char name[NAME_BYTES];
    uint32_t partitions;
    struct log *logs;
};

struct writer {
    struct writer *next;
    char name[NAME_BYTES];
    const struct bus *owner; /* who opened it last; NULL: has closed */
    int64_t mark;
};

/* A partition that is read. */
struct reading {
    struct topic *topic;
    uint32_t partition;
    bool beyond;      /* its position is one that is not there */
    int64_t position; /* −1: nothing is read before a seek */
};

/* A partition as a group sees it. */
struct share {
    struct bus *owner;
    struct bus *next_owner; /* whom it goes to once it is released; NULL: it stays */
    bool told;              /* the owner knows that it is its */
    bool revoking;          /* the owner knows that it is to be given up */
    struct reading reading; /* the owner's */
};

struct group {
    struct group *next;
    char name[NAME_BYTES];
    struct topic *topic;
    struct bus *members; /* in the order in which they joined */
    struct share *shares;
};

struct following {
    struct following *next;
    struct reading reading;
};

struct memory_broker {
    struct memory_broker *next;
    char name[NAME_BYTES];
    struct memory *memory;
    pthread_mutex_t lock; /* of everything below, and of what the buses read */
    pthread_cond_t changed;
    struct topic *topics;
    struct group *groups;
    struct writer *writers;
};

struct bus {
    struct memory_broker *broker;
    struct writer *writer; /* NULL: opened without a name */
    struct group *group;
    struct bus *next_member;
    struct following *followed;
    uint32_t turn;        /* of the partitions that are read */
    struct stored **held; /* what the last poll handed over */
    size_t held_count;
    size_t held_capacity;
    uint64_t published_records;
    uint64_t published_bytes;
    uint64_t publish_failures;
    uint64_t consumed_records;
    uint64_t consumed_bytes;
};

/* ---- memory_broker.c; with the broker's lock held but for the first ---- */

/* The broker of a name, made when it is not there. */
int32_t memory_broker_find(struct memory_brokers *brokers, const char *name, struct memory_broker **broker,
                           trading_error *error);
/* A topic; a partition of it; a writer, made when it is not there. NULL, and `error` filled. */
struct topic *broker_topic(const struct memory_broker *broker, const char *name, trading_error *error);
struct log *broker_log(struct topic *topic, uint32_t partition, trading_error *error);
struct writer *broker_writer(struct memory_broker *broker, const char *name, trading_error *error);
/* NULL: there is none. */
struct writer *broker_find_writer(const struct memory_broker *broker, const char *name);
void stored_let_go(struct memory_broker *broker, struct stored *stored);
/* The index of the first record from a position on. */
size_t log_find(const struct log *log, int64_t position);

int32_t memory_bus_topic(void *bus, const char *topic, uint32_t partitions, uint32_t flags, trading_error *error);
int32_t memory_bus_partitions(void *bus, const char *topic, uint32_t *count, trading_error *error);
int32_t memory_bus_end(void *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error);

/* ---- memory_publish.c ---- */

int32_t memory_bus_publish(void *bus, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error);
int32_t memory_bus_mark(void *bus, int64_t *mark, trading_error *error);
int32_t memory_bus_mark_of(void *bus, const char *writer, int64_t *mark, trading_error *error);

/* ---- memory_group.c ---- */

int32_t memory_bus_join(void *bus, const char *group, const char *topic, trading_error *error);
/* With the lock held: what leaves its group; the share of a partition that the bus owns and knows of, or NULL; and giving it up. */
void group_leave(struct bus *bus);
struct share *group_share(const struct bus *bus, const struct topic *topic, uint32_t partition);
void group_release(struct bus *bus, struct share *share);

#endif
