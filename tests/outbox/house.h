/* An engine with an outbox on a bus that fails when it is told to, and what reads the bus. What must succeed ends the program when it fails. */
#ifndef HOUSE_H
#define HOUSE_H

#include "../unit/desk.h"
#include "flaky_bus.h"

#include <stdbool.h>

#define BATCH            7
#define TOPIC_PARTITIONS 3

/* A desk with an outbox, and what its encoder is to do. */
struct house {
    struct desk desk;
    struct client clients[4];
    trading_host *broker; /* the buses' host: their records are not the engine's memory */
    trading_bus *bus;
    trading_outbox *outbox;
    trading_outbox_options options;
    int64_t positions[BATCH];          /* values of the records */
    trading_bus_header headers[BATCH]; /* with the kind */
    int32_t kinds[BATCH];
    int32_t failure; /* of the encoder's next call */
    bool mute;       /* it leaves all out */
};

void house_open(struct house *house);
void house_close(struct house *house);

/* A bus of the house; a writer's fences those of its name before it. */
trading_bus *house_bus(struct house *house, const char *writer);

/* Begins where the one before left off, as a new process does. */
void house_start(struct house *house);
void house_stop(struct house *house);

/* Events that are published by "cash", and such that are left out. */
void house_deposit(struct house *house, size_t client);
void house_update(struct house *house, size_t client);

/* Steps until there is no event left, whatever fails on the way. @return how many steps failed. */
int house_drain(struct house *house);

trading_outbox_info house_info(const struct house *house);

/* Each event that is to be published was read once, in its topic, and no other was. */
void house_must_be_read_once(struct house *house);

#endif
