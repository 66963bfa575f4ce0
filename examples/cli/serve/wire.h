/* What goes over the bus: the topics, what their headers are called, and how values are written. docs/serve.md is the same for users. */
#ifndef SERVE_WIRE_H
#define SERVE_WIRE_H

#include "request.h"

#include <trading/bus.h>
#include <trading/partition.h>

#define WIRE_TOPIC_BYTES  160
#define WIRE_PREFIX_MAX   54 /* so that "PREFIX.commands" can name a cursor */
#define WIRE_PLACE_BYTES  (WIRE_TOPIC_BYTES + 48)
#define WIRE_WRITER_BYTES (WIRE_TOPIC_BYTES + 32)
#define WIRE_PREFIX       "trading" /* unless another is chosen */

/* The topics of a deployment. */
struct wire {
    char prefix[WIRE_PREFIX_MAX + 1];
    char commands[WIRE_TOPIC_BYTES]; /* and of each partition's journal the cursor that stands at the next of them */
    char results[WIRE_TOPIC_BYTES];
    char letters[WIRE_TOPIC_BYTES];
    char quotes[WIRE_TOPIC_BYTES];
    char events[WIRE_TOPIC_BYTES];
    char dead[WIRE_TOPIC_BYTES];
};

/* The most bytes of a value: a bus takes a megabyte with headers and all, unless told otherwise. */
#define WIRE_VALUE_BYTES 900000u

/* The most that a key and headers take together, and the most headers: so that a dead letter has room for all of them, and for its own. */
#define WIRE_EXTRA_BYTES 65536u
#define WIRE_HEADERS     256u

/* Ties an answer to its request; of the client's choice. */
#define WIRE_CORRELATION "correlation"
/* How often a command was handed on to another partition, and its wire_place where it stood first. */
#define WIRE_HOPS   "hops"
#define WIRE_ORIGIN "origin"
/* Of a letter: the sender's partition, and the position of its event there. */
#define WIRE_FROM     "from"
#define WIRE_POSITION "position"

/* The relays that a partition may have: of its events, and of what another system is told. */
#define WIRE_EVENTS    "events"
#define WIRE_REFERENCE "reference"

/* Whether a request may go by topic; else why not, but for the line. */
bool wire_fits(size_t bytes, struct complaint *complaint);
/* Whether a record's key and headers have room wherever the record goes on to. */
bool wire_extras_fit(const trading_bus_record *record);
/* Both, of a record. */
bool wire_record_fits(const trading_bus_record *record, struct complaint *complaint);

/* False when the prefix is empty or too long. */
bool wire_init(struct wire *wire, const char *prefix);

/* The name under which a partition's relay writes, and the bus keeps its mark. */
void wire_writer(const struct wire *wire, const char *relay, uint32_t partition, char writer[WIRE_WRITER_BYTES]);

/* Makes the topics that are not there, the commands' last: where that one is, all are. */
int32_t wire_make_topics(const struct wire *wire, trading_bus *bus, uint32_t partitions, trading_error *error);

/* The header of that name, or NULL. */
const trading_bus_header *wire_header(const trading_bus_record *record, const char *name);

/* The number that the header of that name has, as digits; -1: it is not there, or has none. */
int64_t wire_number(const trading_bus_record *record, const char *name);

/* Where a record stands: "topic/partition/position". It is the key of what has none, so it is written the same wherever that is read. */
void wire_place(const trading_bus_record *record, char place[WIRE_PLACE_BYTES]);

/* A header that points to text. */
trading_bus_header wire_text_header(const char *name, const char *text);

/* The partition that has what the request is about; TRADING_EVERY_PARTITION where each has an answer of its own, TRADING_ANY_PARTITION where it
 * does not matter. */
uint32_t wire_partition(const struct request *request, uint32_t partitions);
uint32_t wire_partition_of_symbol(const trading_symbol *symbol, uint32_t partitions);

#endif
