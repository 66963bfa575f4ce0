#include "batch.h"

#include "record.h"

#include <stdlib.h>
#include <string.h>

/* A command without a key gets one of where it stood first, so that it is done once however often it is read. */
static void complete_key(const struct parcel *parcel, trading_command *command)
{
    char place[WIRE_PLACE_BYTES];
    const trading_bus_record *record = &parcel->record;
    const trading_bus_header *header = wire_header(record, WIRE_ORIGIN);
    if (!trading_id_is_zero(&command->key))
        return;
    if (header && header->size > 0) {
        trading_key_from_text(header->value, (size_t)header->size, &command->key);
        return;
    }
    wire_place(record, place);
    trading_key_from_text(place, strlen(place), &command->key);
}

/* Reads one record. What it asks for belongs here, or elsewhere, or is nothing that can be asked for. */
static void read_item(const struct serving *serving, uint32_t partition, struct parcel *parcel, struct item *item)
{
    struct complaint complaint;
    const trading_bus_record *record = &parcel->record;
    *item = (struct item){.parcel = parcel};
    if (!wire_record_fits(record, &complaint) ||
        !run_parse(&item->parsed, record->value ? record->value : "", (size_t)record->value_size, NULL, NULL, &complaint)) {
        item->outcome = operation_complaint(&complaint);
        return;
    }
    struct request *request = &item->parsed.request;
    if (request->op == OP_COMMAND)
        complete_key(parcel, &request->command);
    uint32_t home = wire_partition(request, serving->partitions);
    item->is_elsewhere = home < serving->partitions && home != partition;
    item->home = home;
}

static void add_command(struct batch *batch, struct item *item)
{
    if (!item->parsed.document || item->is_elsewhere || item->parsed.request.op != OP_COMMAND)
        return;
    item->place = batch->command_count;
    batch->commands[batch->command_count++] = item->parsed.request.command;
}

/* With room for so many records, and the cursor. */
static struct batch *make(size_t count)
{
    struct batch *batch = calloc(1, sizeof *batch);
    size_t room = count + 1;
    if (!batch)
        out_of_memory();
    batch->items = calloc(room, sizeof *batch->items);
    batch->commands = calloc(room, sizeof *batch->commands);
    batch->results = calloc(room, sizeof *batch->results);
    if (!batch->items || !batch->commands || !batch->results)
        out_of_memory();
    return batch;
}

/* How many of the list's records go together: of one time, where that is their commands'. */
static size_t how_many(const struct serving *serving, const struct parcels *parcels)
{
    size_t count = 0;
    for (const struct parcel *parcel = parcels->first; parcel && count < SERVING_BATCH; parcel = parcel->next) {
        if (serving->record_time && parcel->record.time != parcels->first->record.time)
            break;
        count++;
    }
    return count;
}

struct batch *batch_read(const struct serving *serving, uint32_t partition, struct parcels *parcels)
{
    size_t count = how_many(serving, parcels);
    struct batch *batch = make(count);
    while (batch->count < count) {
        struct item *item = &batch->items[batch->count++];
        read_item(serving, partition, parcels_next(parcels), item);
        add_command(batch, item);
        batch->end = item->parcel->record.position + 1;
        batch->time = item->parcel->record.time;
    }
    return batch;
}

void batch_acknowledge(struct batch *batch, const char *cursor)
{
    trading_acknowledge_init(&batch->cursor);
    batch->cursor.flags = TRADING_ACKNOWLEDGE_FOREIGN;
    batch->cursor.name = (trading_text){cursor, strlen(cursor)};
    batch->cursor.position = batch->end;
    batch->commands[batch->command_count++] =
        (trading_command){.type = TRADING_COMMAND_ACKNOWLEDGE, .body = &batch->cursor, .body_size = sizeof batch->cursor};
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        run_parse_release(&batch->items[i].parsed);
        json_decref(batch->items[i].outcome.json);
    }
    free(batch->items);
    free(batch->commands);
    free(batch->results);
    free(batch);
}
