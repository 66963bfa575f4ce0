/* What the two halves of the bus within a process share: memory_broker.c, topics and publishing, and memory_bus.c, groups and consuming. */
#ifndef MEMORY_BROKER_H
#define MEMORY_BROKER_H

#include "backends/memory/memory_bus.h"

#include <pthread.h>
#include <stdbool.h>

#define NAME_BYTES 64

/* A record in one block: this, its headers, and the bytes of key, value and headers behind. */
struct stored {
    size_t bytes; /* of the block */
    struct bus_record record;
};

struct log {
    struct stored **records;
    size_t count;
    size_t capacity;
};

struct topic {
    struct topic *next;
    char name[NAME_BYTES];
    uint32_t partitions;
    struct log *logs;
};

/* A partition as a group sees it. */
struct share {
    struct bus *owner;
    struct bus *next_owner; /* whom it goes to once it is released; NULL: it stays */
    bool told;              /* the owner knows that it is its */
    bool revoking;          /* the owner knows that it is to be given up */
    int64_t position;       /* −1 before its seek */
};

struct group {
    struct group *next;
    char name[NAME_BYTES];
    struct topic *topic;
    struct bus *members; /* in the order in which they joined */
    struct share *shares;
};

struct memory_broker {
    struct memory *memory;
    pthread_mutex_t lock; /* of everything; not held while a visitor runs */
    pthread_cond_t changed;
    struct topic *topics;
    struct group *groups;
};

struct bus {
    struct memory_broker *broker;
    const trading_host_functions *host;
    struct group *group;
    struct bus *next_member;
    uint32_t turn; /* of the partitions of its group */
};

/* With the lock held. */
struct topic *broker_topic(const struct memory_broker *broker, const char *name, trading_error *error);

/* Of a topic or a group. */
bool broker_name_is_valid(const char *name);

int32_t memory_bus_topic(void *bus, const char *name, uint32_t partitions, trading_error *error);
int32_t memory_bus_partitions(void *bus, const char *name, uint32_t *count, trading_error *error);
int32_t memory_bus_end(void *bus, const char *name, uint32_t partition, int64_t *position, trading_error *error);
int32_t memory_bus_publish(void *bus, const struct bus_record *records, size_t count, trading_error *error);

#endif
