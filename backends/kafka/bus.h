/* The Kafka bus: what its parts share.
 *
 * There are up to three clients of librdkafka. The producer is there always; it also asks for what topics there are. The reader reads
 * partitions from explicit positions, outside of any group (reader.c). The member takes part in a group and reads nothing (group.c): so
 * what is owned is one thing and what is read is another, and a partition that waits to be released holds nothing else up. Where marks are asked for
 * there is one more, which reads their topic (marks.c). */
#ifndef KAFKA_BUS_H
#define KAFKA_BUS_H

#include "backends/kafka/client.h"

#include <stdatomic.h>
#include <stdbool.h>

/* ---- topics (topics.c) ---- */

/* How many partitions topics have, as far as it was asked. */
struct topics {
    pthread_mutex_t lock;
    struct topic *first;
};

/* Any thread. TRADING_E_NOT_FOUND. */
int32_t topics_count(struct kafka_bus *bus, const char *topic, uint32_t *count, trading_error *error);
/* That a topic has a partition. */
int32_t topics_check(struct kafka_bus *bus, const char *topic, uint32_t partition, trading_error *error);
int32_t topics_create(struct kafka_bus *bus, const char *topic, uint32_t partitions, bool compacted, trading_error *error);
void topics_forget(struct kafka_bus *bus);

/* The beginning or the end of a partition. */
struct topics_place {
    const char *topic;
    uint32_t partition;
    int64_t which; /* RD_KAFKA_OFFSET_BEGINNING or RD_KAFKA_OFFSET_END */
};

/* Where that is, asked until `limit`, by client_clock, of whoever leads the partition. */
rd_kafka_resp_err_t topics_offset(rd_kafka_t *client, const struct topics_place *place, int64_t limit, int64_t *offset);

/* ---- publishing (publish.c, marks.c); by one thread at a time ---- */

enum outcome {
    SETTLED,    /* no transaction is open */
    COMMITTING, /* it may have been committed: to be asked again */
    ABORTING,   /* it will not be committed */
};

struct publisher {
    char writer[250]; /* "": none */
    enum outcome outcome;
    int64_t mark;    /* the newest; −1: none, or not known */
    bool mark_known; /* it was read, or written by this one */
    int64_t pending; /* what `mark` becomes if what is COMMITTING was committed; −1: it stays */
    _Atomic uint64_t records;
    _Atomic uint64_t bytes;
    _Atomic uint64_t failures;
};

/* Called by librdkafka when a record has arrived, or will not. */
void publish_note_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *bus);
int32_t publisher_open(struct kafka_bus *bus, const char *writer, trading_error *error);
void publisher_close(struct kafka_bus *bus);
int32_t publish(struct kafka_bus *bus, const trading_bus_record *records, size_t count, int64_t mark, trading_error *error);
/* The writer's newest mark. */
int32_t publisher_mark(struct kafka_bus *bus, int64_t *mark, trading_error *error);

/* A record of the topic of marks, with a mark, or as the barrier behind which no mark of before comes. */
struct mark_record {
    char key[260];
    char value[24];
    trading_bus_record record;
};
void marks_record(const struct kafka_bus *bus, int64_t mark, struct mark_record *record);
void marks_barrier(const struct kafka_bus *bus, struct mark_record *record);
int32_t marks_create(struct kafka_bus *bus, trading_error *error);
/* Reads the newest mark of this writer before the barrier at a position; −1: there is none. */
int32_t marks_read(struct kafka_bus *bus, int64_t barrier, int64_t *mark, trading_error *error);
/* The newest that is committed of any writer. TRADING_E_NOT_FOUND. */
int32_t marks_of(struct kafka_bus *bus, const char *writer, int64_t *mark, trading_error *error);

/* Reads the topic of marks; there from the first question on, for who asks for many. */
struct marks_reader {
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
};
void marks_close(struct kafka_bus *bus);

/* ---- reading (reader.c); by the thread that polls ---- */

struct reading;

struct reader {
    rd_kafka_t *client; /* NULL before something is read */
    rd_kafka_queue_t *queue;
    struct reading *readings;
    rd_kafka_message_t **taken; /* what the last poll handed over */
    size_t taken_count;
    size_t taken_capacity;
    trading_bus_header *headers; /* of those */
    size_t header_capacity;
    bool failed; /* as `failure` says, which the next poll tells */
    trading_error failure;
    pthread_mutex_t lock; /* of the list of readings, and of their positions, which metrics show */
    _Atomic uint64_t records;
    _Atomic uint64_t bytes;
};

bool reader_reads(struct kafka_bus *bus, const char *topic, uint32_t partition);
/* Begins to read a partition, or goes on elsewhere. `position` may be TRADING_BUS_END or TRADING_BUS_OLDEST. */
int32_t reader_start(struct kafka_bus *bus, const char *topic, uint32_t partition, int64_t position, trading_error *error);
/* Reads it no more; one that is not read is no failure. */
void reader_stop(struct kafka_bus *bus, const char *topic, uint32_t partition);
/* Where a partition ends. */
int32_t reader_end(struct kafka_bus *bus, const char *topic, uint32_t partition, int64_t *position, trading_error *error);
/* Gives back what the last poll handed over. */
void reader_forget(struct kafka_bus *bus);
/* What has come, without waiting. */
int32_t reader_take(struct kafka_bus *bus, trading_bus_notice *notices, size_t max, size_t *count, trading_error *error);
void reader_lags(struct kafka_bus *bus, trading_bus_metric_visit visit, void *context);
void reader_close(struct kafka_bus *bus);

/* ---- the group (group.c); by the thread that polls ---- */

enum share_state {
    NOT_OWNED = 0,
    TO_TELL_OWNED, /* nobody knows yet */
    OWNED,
    TO_TELL_REVOKED,
    REVOKED, /* … and not released yet */
};

/* A partition of the group's topic, as this member knows it. */
struct share {
    enum share_state state;
    bool lost; /* and that is to be told, before anything else */
};

struct group {
    rd_kafka_t *client; /* NULL: in none */
    char topic[250];
    uint32_t partitions; /* of `shares` */
    struct share *shares;
    rd_kafka_topic_partition_list_t *revoked; /* what is given back once all of it is released; NULL: nothing */
    int64_t known_by;                         /* by client_clock; every broker knows of the topic by then */
    bool was_assigned;                        /* whether it has had an assignment, of whatever there was for it */
    bool closing;
};

int32_t group_join(struct kafka_bus *bus, const char *name, const char *topic, trading_error *error);
/* How this member stands to a partition; NOT_OWNED also for what it was not told of. */
enum share_state group_state(const struct kafka_bus *bus, const char *topic, uint32_t partition);
void group_release(struct kafka_bus *bus, uint32_t partition);
/* Takes part: what there is to tell, without waiting. A failure that ends the membership is fatal. */
int32_t group_take(struct kafka_bus *bus, trading_bus_notice *notices, size_t max, size_t *count, trading_error *error);
void group_close(struct kafka_bus *bus);

/* ---- the bus (kafka_bus.c) ---- */

struct kafka_bus {
    struct memory memory;
    const trading_host_functions *host;
    struct location location; /* with its secrets: the clients are made when they are wanted */
    struct troubles troubles;
    int wake; /* readable when a client has something for the thread that polls */
    rd_kafka_t *producer;
    struct topics topics;
    struct publisher publisher;
    struct marks_reader marks_reader;
    struct reader reader;
    struct group group;
};

extern const trading_bus_ops kafka_bus_ops;

#endif
