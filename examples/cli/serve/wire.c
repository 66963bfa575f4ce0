#include "wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool wire_init(struct wire *wire, const char *prefix)
{
    size_t length = strlen(prefix);
    if (length == 0 || length > WIRE_PREFIX_MAX)
        return false;
    snprintf(wire->prefix, sizeof wire->prefix, "%s", prefix);
    snprintf(wire->commands, WIRE_TOPIC_BYTES, "%s.commands", prefix);
    snprintf(wire->results, WIRE_TOPIC_BYTES, "%s.results", prefix);
    snprintf(wire->letters, WIRE_TOPIC_BYTES, "%s.letters", prefix);
    snprintf(wire->quotes, WIRE_TOPIC_BYTES, "%s.quotes", prefix);
    snprintf(wire->events, WIRE_TOPIC_BYTES, "%s.events", prefix);
    snprintf(wire->dead, WIRE_TOPIC_BYTES, "%s.dead", prefix);
    return true;
}

void wire_writer(const struct wire *wire, const char *relay, uint32_t partition, char writer[WIRE_WRITER_BYTES])
{
    snprintf(writer, WIRE_WRITER_BYTES, "%s.%s.%" PRIu32, wire->events, relay, partition);
}

int32_t wire_make_topics(const struct wire *wire, trading_bus *bus, uint32_t partitions, trading_error *error)
{
    const struct {
        const char *name;
        uint32_t partitions;
        uint32_t flags;
    } topics[] = {
        {wire->results, partitions, 0},
        {wire->letters, partitions, 0},
        {wire->events, partitions, 0},
        {wire->dead, 1, 0},
        {wire->quotes, 1, TRADING_BUS_COMPACTED},
        {wire->commands, partitions, 0}, /* the last: whoever finds it finds the others */
    };
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        int32_t code = trading_bus_topic(bus, topics[i].name, topics[i].partitions, topics[i].flags, error);
        if (code != TRADING_OK)
            return code;
    }
    return TRADING_OK;
}

bool wire_fits(size_t bytes, struct complaint *complaint)
{
    if (bytes <= WIRE_VALUE_BYTES)
        return true;
    *complaint = (struct complaint){.reason = TRADING_REASON_BAD_REQUEST, .column = WIRE_VALUE_BYTES + 1};
    snprintf(complaint->message, sizeof complaint->message, "a request by topic has at most %u bytes", WIRE_VALUE_BYTES);
    return false;
}

bool wire_extras_fit(const trading_bus_record *record)
{
    uint64_t bytes = record->key_size;
    for (uint32_t i = 0; i < record->header_count; i++)
        bytes += strlen(record->headers[i].name) + record->headers[i].size;
    return bytes <= WIRE_EXTRA_BYTES && record->header_count <= WIRE_HEADERS;
}

bool wire_record_fits(const trading_bus_record *record, struct complaint *complaint)
{
    if (!wire_fits((size_t)record->value_size, complaint))
        return false;
    if (wire_extras_fit(record))
        return true;
    *complaint = (struct complaint){.reason = TRADING_REASON_BAD_REQUEST, .key = "headers"};
    snprintf(complaint->message, sizeof complaint->message, "a key and headers have at most %u bytes, and those are at most %u",
             WIRE_EXTRA_BYTES, WIRE_HEADERS);
    return false;
}

const trading_bus_header *wire_header(const trading_bus_record *record, const char *name)
{
    for (uint32_t i = 0; i < record->header_count; i++)
        if (!strcmp(record->headers[i].name, name))
            return &record->headers[i];
    return NULL;
}

int64_t wire_number(const trading_bus_record *record, const char *name)
{
    const trading_bus_header *header = wire_header(record, name);
    const char *digits = header ? header->value : NULL;
    int64_t value = 0;
    for (uint64_t i = 0; header && i < header->size; i++) {
        int digit = digits[i] - '0';
        if (digit < 0 || digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value))
            return -1;
    }
    return header && header->size > 0 ? value : -1;
}

void wire_place(const trading_bus_record *record, char place[WIRE_PLACE_BYTES])
{
    snprintf(place, WIRE_PLACE_BYTES, "%s/%" PRIu32 "/%" PRId64, record->topic, record->partition, record->position);
}

trading_bus_header wire_text_header(const char *name, const char *text)
{
    return (trading_bus_header){.name = name, .value = text, .size = strlen(text)};
}

static uint32_t partition_of_command(const trading_command *command, uint32_t partitions)
{
    uint32_t partition;
    trading_error error;
    /* What is not well formed belongs nowhere, and any engine says what is wrong with it. */
    int32_t code = trading_command_partition(command, partitions, &partition, &error);
    return code == TRADING_OK ? partition : TRADING_ANY_PARTITION;
}

/* What is viewed lies where a command about it would go. */
static uint32_t partition_of_id(const trading_id *id, uint32_t partitions)
{
    const trading_command probe = {.type = TRADING_COMMAND_FREEZE_ACCOUNT, .account = *id};
    return partition_of_command(&probe, partitions);
}

uint32_t wire_partition_of_symbol(const trading_symbol *symbol, uint32_t partitions)
{
    trading_set_quote body = TRADING_SET_QUOTE_INIT;
    body.symbol = *symbol;
    const trading_command probe = {.type = TRADING_COMMAND_SET_QUOTE, .body = &body, .body_size = sizeof body};
    return partition_of_command(&probe, partitions);
}

uint32_t wire_partition(const struct request *request, uint32_t partitions)
{
    switch (request->op) {
    case OP_COMMAND:
        return partition_of_command(&request->command, partitions);
    case OP_VIEW_QUOTE:
    case OP_VIEW_BOOK:
        return wire_partition_of_symbol(&request->symbol, partitions);
    case OP_HISTORY:
        return request->entity == TRADING_ENTITY_INSTRUMENT ? wire_partition_of_symbol(&request->symbol, partitions)
                                                            : partition_of_id(&request->id, partitions);
    case OP_VIEW_ACCOUNT:
    case OP_VIEW_PORTFOLIO:
    case OP_VIEW_ORDER:
    case OP_LOTS:
    case OP_ORDERS:
    case OP_ACTIVITY:
    case OP_STATEMENT:
    case OP_FORGET:
        return partition_of_id(&request->id, partitions);
    default:
        return TRADING_EVERY_PARTITION;
    }
}
