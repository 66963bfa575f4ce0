#include "parcel.h"

#include "record.h"

#include <stdlib.h>
#include <string.h>

static size_t size_of(const trading_bus_record *record)
{
    size_t bytes = sizeof(struct parcel) + record->header_count * sizeof(trading_bus_header) + strlen(record->topic) + 1 +
                   (size_t)record->key_size + (size_t)record->value_size;
    for (uint32_t i = 0; i < record->header_count; i++)
        bytes += strlen(record->headers[i].name) + 1 + (size_t)record->headers[i].size;
    return bytes;
}

/* Copies bytes to where *place is, and moves it on. */
static void *lay(char **place, const void *bytes, size_t count)
{
    char *laid = *place;
    if (count > 0)
        memcpy(laid, bytes, count);
    *place += count;
    return laid;
}

struct parcel *parcel_copy(const trading_bus_record *record)
{
    size_t bytes = size_of(record);
    struct parcel *parcel = malloc(bytes);
    if (!parcel)
        out_of_memory();
    *parcel = (struct parcel){.bytes = bytes, .record = *record};
    trading_bus_header *headers = (trading_bus_header *)(parcel + 1);
    char *place = (char *)(headers + record->header_count);
    parcel->record.headers = record->header_count ? headers : NULL;
    parcel->record.topic = lay(&place, record->topic, strlen(record->topic) + 1);
    parcel->record.key = record->key ? lay(&place, record->key, (size_t)record->key_size) : NULL;
    parcel->record.value = record->value ? lay(&place, record->value, (size_t)record->value_size) : NULL;
    for (uint32_t i = 0; i < record->header_count; i++) {
        const trading_bus_header *header = &record->headers[i];
        headers[i].name = lay(&place, header->name, strlen(header->name) + 1);
        headers[i].value = lay(&place, header->value, (size_t)header->size);
        headers[i].size = header->size;
    }
    return parcel;
}

void parcels_init(struct parcels *parcels)
{
    *parcels = (struct parcels){.last = &parcels->first};
}

void parcels_add(struct parcels *parcels, struct parcel *parcel)
{
    parcel->next = NULL;
    *parcels->last = parcel;
    parcels->last = &parcel->next;
    parcels->count++;
}

struct parcel *parcels_next(struct parcels *parcels)
{
    struct parcel *parcel = parcels->first;
    if (!parcel)
        return NULL;
    parcels->first = parcel->next;
    parcels->count--;
    if (!parcels->first)
        parcels->last = &parcels->first;
    return parcel;
}

void parcels_move(struct parcels *to, struct parcels *from)
{
    if (!from->first)
        return;
    *to->last = from->first;
    to->last = from->last;
    to->count += from->count;
    parcels_init(from);
}

void parcels_free(struct parcels *parcels)
{
    struct parcel *parcel;
    while ((parcel = parcels_next(parcels)))
        free(parcel);
}

int32_t parcels_publish(struct parcels *parcels, trading_bus *bus, trading_error *error)
{
    if (!parcels->count)
        return TRADING_OK;
    trading_bus_record *records = calloc(parcels->count, sizeof *records);
    if (!records)
        out_of_memory();
    size_t count = 0;
    for (const struct parcel *parcel = parcels->first; parcel; parcel = parcel->next)
        records[count++] = parcel->record;
    int32_t code = trading_bus_publish(bus, records, count, TRADING_BUS_NO_MARK, error);
    free(records);
    if (code == TRADING_OK)
        parcels_free(parcels);
    return code;
}

int32_t parcels_publish_singly(struct parcels *parcels, trading_bus *bus, size_t *left_out, trading_error *error)
{
    *left_out = 0;
    while (parcels->first) {
        int32_t code = trading_bus_publish(bus, &parcels->first->record, 1, TRADING_BUS_NO_MARK, error);
        if (code != TRADING_OK && code != TRADING_E_INVALID)
            return code;
        *left_out += code == TRADING_E_INVALID;
        free(parcels_next(parcels));
    }
    return TRADING_OK;
}
