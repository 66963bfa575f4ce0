#include "dead.h"

#include "record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ADDED 5

struct parcel *dead_letter(const struct wire *wire, const trading_bus_record *record, const char *reason, const char *message)
{
    char partition[16];
    char position[24];
    bool whole = wire_extras_fit(record);
    uint32_t kept = whole ? record->header_count : 0;
    trading_bus_header *headers = calloc((size_t)kept + ADDED, sizeof *headers);
    if (!headers)
        out_of_memory();
    snprintf(partition, sizeof partition, "%" PRIu32, record->partition);
    snprintf(position, sizeof position, "%" PRId64, record->position);
    if (kept)
        memcpy(headers, record->headers, kept * sizeof *headers);
    trading_bus_header *added = headers + kept;
    added[0] = wire_text_header("reason", reason);
    added[1] = wire_text_header("message", message);
    added[2] = wire_text_header("topic", record->topic);
    added[3] = wire_text_header("partition", partition);
    added[4] = wire_text_header("position", position);
    trading_bus_record dead = *record;
    dead.topic = wire->dead;
    dead.partition = 0;
    dead.time = 0;
    if (dead.value_size > WIRE_VALUE_BYTES)
        dead.value_size = WIRE_VALUE_BYTES;
    dead.key = whole ? record->key : NULL;
    dead.key_size = whole ? record->key_size : 0;
    dead.headers = headers;
    dead.header_count = kept + ADDED;
    struct parcel *parcel = parcel_copy(&dead);
    free(headers);
    return parcel;
}
