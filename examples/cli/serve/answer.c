/* What became of a record, as records: its result; the same command handed on; a dead letter. */
#include "dead.h"
#include "monotonic.h"
#include "operation_read.h"
#include "owned_inside.h"
#include "record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* How often a command is handed on: more often means that two do not agree how many partitions there are. */
#define HOPS_MAX 3

/* The result as text, to be freed; one that no record has room for as a refusal. */
static char *text_of(const json_t *result)
{
    char message[128];
    char *text = output_text(result);
    size_t length = strlen(text);
    if (length <= WIRE_VALUE_BYTES)
        return text;
    free(text);
    snprintf(message, sizeof message, "the answer has %zu bytes, and a record room for %u: ask for less", length,
             WIRE_VALUE_BYTES);
    json_t *refusal = new_object();
    put(refusal, "ok", json_false());
    put_text(refusal, "reason", "RESULT_TOO_LARGE");
    put_text(refusal, "message", message);
    text = output_text(refusal);
    json_decref(refusal);
    return text;
}

/* Publishes a result: under the key of what asked, with its correlation. */
static void add_result(struct owned *owned, const struct parcel *parcel, const json_t *result)
{
    char *text = text_of(result);
    const trading_bus_header *correlation = wire_header(&parcel->record, WIRE_CORRELATION);
    const trading_bus_record record = {.topic = owned->serving->wire.results,
                                       .partition = owned->partition,
                                       .key = parcel->record.key,
                                       .key_size = parcel->record.key_size,
                                       .value = text,
                                       .value_size = strlen(text),
                                       .headers = correlation,
                                       .header_count = correlation ? 1 : 0};
    parcels_add(&owned->outgoing, parcel_copy(&record));
    free(text);
}

/* ---- views ---- */

static void set_aside(struct owned *owned, struct item *item)
{
    struct complaint complaint;
    struct early *early = calloc(1, sizeof *early);
    const trading_bus_record *record = &item->parcel->record;
    /* A request points into itself, and so is read anew where it will stay. */
    if (!early || !run_parse(&early->parsed, record->value, (size_t)record->value_size, NULL, NULL, &complaint))
        out_of_memory();
    early->parcel = item->parcel;
    early->deadline = monotonic_now() + owned->serving->early_wait;
    early->next = owned->early;
    owned->early = early;
    item->parcel = NULL;
}

static void answer_request(struct owned *owned, const struct parcel *parcel, struct request *request)
{
    struct outcome outcome = operation_execute(&owned->desk, request);
    owned->counters.reads++;
    add_result(owned, parcel, outcome.json);
    json_decref(outcome.json);
}

void answer_early(struct owned *owned)
{
    struct early **place = &owned->early;
    while (*place) {
        struct early *early = *place;
        if (operation_is_early(&owned->desk, &early->parsed.request) && monotonic_now() < early->deadline &&
            atomic_load(&owned->wish) == WISH_SERVE) {
            place = &early->next;
            continue;
        }
        *place = early->next;
        answer_request(owned, early->parcel, &early->parsed.request);
        run_parse_release(&early->parsed);
        inbox_release(&owned->inbox, early->parcel);
        free(early);
    }
}

/* ---- commands ---- */

static void answer_command(struct owned *owned, const struct batch *batch, const struct item *item)
{
    const trading_error none = {0};
    const struct request *request = &item->parsed.request;
    const trading_result *result = &batch->results[item->place];
    struct outcome outcome = operation_answer(&owned->desk, request, result, &none);
    owned->counters.commands++;
    add_result(owned, item->parcel, outcome.json);
    json_decref(outcome.json);
    if (request->command.type == TRADING_COMMAND_SET_QUOTE && result->status == TRADING_STATUS_ACCEPTED)
        owned_send_quote(owned, &request->body.set_quote.symbol);
}

static void answer_item(struct owned *owned, const struct batch *batch, struct item *item)
{
    if (item->is_elsewhere)
        return;
    if (item->outcome.json)
        add_result(owned, item->parcel, item->outcome.json);
    else if (item->parsed.request.op == OP_COMMAND)
        answer_command(owned, batch, item);
    else if (operation_is_early(&owned->desk, &item->parsed.request))
        set_aside(owned, item);
    else
        answer_request(owned, item->parcel, &item->parsed.request);
}

void answer_batch(struct owned *owned, struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        answer_item(owned, batch, &batch->items[i]);
}

/* ---- what is not for this partition ---- */

void answer_forward(struct owned *owned, const struct item *item)
{
    char place[WIRE_PLACE_BYTES];
    char hops[24];
    const trading_bus_record *record = &item->parcel->record;
    const trading_bus_header *correlation = wire_header(record, WIRE_CORRELATION);
    const trading_bus_header *known = wire_header(record, WIRE_ORIGIN);
    int64_t before = wire_number(record, WIRE_HOPS);
    if (before >= HOPS_MAX) {
        answer_dead(owned, item);
        return;
    }
    wire_place(record, place);
    snprintf(hops, sizeof hops, "%" PRId64, before < 0 ? 1 : before + 1);
    trading_bus_header headers[3] = {wire_text_header(WIRE_HOPS, hops), wire_text_header(WIRE_ORIGIN, place)};
    if (known && known->size > 0)
        headers[1] = *known;
    if (correlation)
        headers[2] = *correlation;
    trading_bus_record forward = *record;
    forward.partition = item->home;
    forward.headers = headers;
    forward.header_count = correlation ? 3 : 2;
    parcels_add(&owned->outgoing, parcel_copy(&forward));
    owned->counters.forwarded++;
}

/* What nobody can do anything with: as it came, with the reason. */
void answer_dead(struct owned *owned, const struct item *item)
{
    const json_t *result = item->outcome.json;
    const char *reason = result ? json_string_value(json_object_get(result, "reason")) : "WRONG_PARTITION";
    const char *message = result ? json_string_value(json_object_get(result, "message")) : "handed on too often";
    parcels_add(&owned->outgoing, dead_letter(&owned->serving->wire, &item->parcel->record, reason, message));
    owned->counters.refused++;
}
