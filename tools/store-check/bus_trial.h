/* What the cases of the bus contract share: a consumer that checks what it is told. */
#ifndef BUS_TRIAL_H
#define BUS_TRIAL_H

#include "bus_contract.h"
#include "trial.h"

#include <stdbool.h>
#include <stdio.h>

enum { PARTITIONS = 4, BUSES = 3, RECORDS = 100, BATCH = 16, OPEN_MOST = 8 };

struct trial {
    const struct bus_contract *contract;
    char topic[200];              /* of the case alone; also its group's name, and its writer's */
    trading_bus *open[OPEN_MOST]; /* closed at its end, should it fail before */
    trading_error error;
    jmp_buf escape;
};

struct bus_case {
    const char *name;
    void (*run)(struct trial *trial);
};

/* The lists end with a name of NULL. */
extern const struct bus_case bus_writing_cases[];
extern const struct bus_case bus_reading_cases[];

/* What a bus was told. It checks that records come in order, of partitions that are read, and notices when they may. */
struct consumer {
    trading_bus *bus;
    bool owned[PARTITIONS];
    bool revoked[PARTITIONS];
    bool followed[PARTITIONS];
    int64_t next[PARTITIONS]; /* records have this position or a larger one */
    uint64_t count[PARTITIONS];
    uint64_t records;
    size_t batch;     /* the most that is asked for in one poll */
    size_t largest;   /* the most that came */
    char newest[128]; /* "key=value name:value" */
    trading_time time;
};

trading_bus *open_writer(struct trial *trial, const char *writer); /* NULL: none */
void close_bus(struct trial *trial, trading_bus *bus);
void open_consumer(struct trial *trial, struct consumer *consumer);
/* … which makes the topic of the case too. */
void make_topic(struct trial *trial, struct consumer *consumer);
void close_consumer(struct trial *trial, struct consumer *consumer);

/* Polls, and notes what came. False when nothing did. */
bool poll_once(struct trial *trial, struct consumer *consumer, int64_t timeout);
/* Until there are so many records, and then no more. */
void await_records(struct trial *trial, struct consumer *consumer, uint64_t count);

void join_group(struct trial *trial, struct consumer *consumer, const char *group);
void await_owned(struct trial *trial, struct consumer *consumer, int count);
void seek_owned(struct trial *trial, struct consumer *consumer);
/* Follows all partitions of the case's topic. */
void follow_all(struct trial *trial, struct consumer *consumer, int64_t position);

/* A record of the case's topic. */
trading_bus_record record_of(const struct trial *trial, const char *key, const char *value);
/* Publishes "key(i%17)" = "value(i)", each by itself. */
void publish_each(struct trial *trial, trading_bus *bus, int from, int count);

#endif
