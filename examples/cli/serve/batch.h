/* Records of the topic of commands on their way through the engine: read together, submitted together with the position that the next record
 * will have, and answered in their order once all of that is durable. */
#ifndef SERVE_BATCH_H
#define SERVE_BATCH_H

#include "operation.h"
#include "parcel.h"
#include "run_parse.h"
#include "serving.h"

/* A record that asks for something, and what became of it. */
struct item {
    struct parcel *parcel;
    struct parsed_line parsed; /* its document is NULL where the record is no request, and once it is answered */
    struct outcome outcome;    /* its json is NULL until it is known */
    bool is_elsewhere;         /* it belongs to another partition: */
    uint32_t home;
    size_t place; /* of a command: which of the batch's */
};

struct batch {
    struct batch *next;
    struct item *items;
    size_t count;
    trading_command *commands; /* those of the items, and the cursor's last */
    trading_result *results;
    size_t command_count;
    trading_acknowledge cursor;
    int64_t end; /* the position behind its last record */
    trading_time time;
    bool is_done; /* all of it is durable, or it failed */
};

/* Takes the first records out of the list. Never NULL where the list has any: the program ends when there is no memory. */
struct batch *batch_read(const struct serving *serving, uint32_t partition, struct parcels *parcels);

/* Adds the command that moves the cursor behind the batch's records. The name must stay. */
void batch_acknowledge(struct batch *batch, const char *cursor);

/* Frees it, but for the parcels. */
void batch_free(struct batch *batch);

#endif
