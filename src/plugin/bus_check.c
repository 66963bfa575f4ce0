#include "plugin/bus_check.h"

#include "base/error.h"

#include <stdbool.h>
#include <string.h>

#define NAME_MOST 249u

/* Of headers, so that their sizes cannot overflow. */
#define HEADERS_MOST 1024u

int32_t bus_check_name(const char *what, const char *name, trading_error *error)
{
    size_t length = name ? strnlen(name, NAME_MOST + 1) : 0;
    bool valid = length > 0 && length <= NAME_MOST &&
                 strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == length &&
                 strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
    return valid ? TRADING_OK
                 : error_set(error, TRADING_E_INVALID,
                             "a %s is named by 1 to %u letters, digits, '.', '_' and '-', not \"%.80s\"", what, NAME_MOST,
                             name ? name : "");
}

int32_t bus_check_options(const trading_bus_options *options, trading_error *error)
{
    if (options->size != sizeof *options)
        return error_set(error, TRADING_E_INVALID, "the bus's options are not initialised: use trading_bus_options_init");
    if (options->flags)
        return error_set(error, TRADING_E_INVALID, "the bus's options have a flag that does not exist: %#x", options->flags);
    if (options->metric_interval < 0)
        return error_set(error, TRADING_E_INVALID, "the interval between metrics is from 0 on");
    return options->writer ? bus_check_name("writer", options->writer, error) : TRADING_OK;
}

int32_t bus_check_place(const char *topic, int64_t position, trading_error *error)
{
    if (position < TRADING_BUS_OLDEST)
        return error_set(error, TRADING_E_INVALID, "a position is from 0 on, or TRADING_BUS_END or _OLDEST");
    return bus_check_name("topic", topic, error);
}

static bool headers_are_whole(const trading_bus_record *record)
{
    bool whole = record->header_count <= HEADERS_MOST && (record->headers || !record->header_count);
    for (uint32_t i = 0; whole && i < record->header_count; i++) {
        const trading_bus_header *header = &record->headers[i];
        whole = header->name && header->size <= INT32_MAX && (header->value || !header->size);
    }
    return whole;
}

static bool record_is_whole(const trading_bus_record *record)
{
    bool keyed = record->key ? record->key_size > 0 : !record->key_size && record->partition != TRADING_BUS_BY_KEY;
    return keyed && record->key_size <= INT32_MAX && record->value_size <= INT32_MAX &&
           (record->value || !record->value_size) && headers_are_whole(record);
}

int32_t bus_check_records(const trading_bus_record *records, size_t count, trading_error *error)
{
    if (!records && count)
        return error_set(error, TRADING_E_INVALID, "no records given");
    for (size_t i = 0; i < count; i++) {
        int32_t code = bus_check_name("topic", records[i].topic, error);
        if (code)
            return code;
        if (!record_is_whole(&records[i]))
            return error_set(error, TRADING_E_INVALID,
                             "record %zu has no key to choose its partition, a size without bytes, or over %u headers", i,
                             HEADERS_MOST);
    }
    return TRADING_OK;
}
