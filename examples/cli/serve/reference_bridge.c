/* The bridge: takes the other system's messages from a topic of its, asks the deployment for what they want, and keeps with the bus how far it has
 * come, together with the dead letters of what cannot be done. What it asks for has keys that follow from the messages: whatever is asked
 * again after a crash is done once.
 *
 *      poll → message → requests → answers → done, or asked again later, or dead → the mark */
#include "dead.h"
#include "errands.h"
#include "monotonic.h"
#include "output.h"
#include "record.h"
#include "reference.h"
#include "stop.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WINDOW     ((size_t)256) /* messages that are not done with */
#define PIPELINE   (WINDOW * REFERENCE_REQUESTS)
#define PARTITIONS 1024
#define WAIT       INT64_C(50000000)
#define TURN       INT64_C(5000000)
#define REST       INT64_C(1000000000)
#define AGAIN      INT64_C(5000000000)

/* So often is asked again what may pass later. */
#define RETRY_MAX 5

enum stage { WAITS, ASKED, DONE, DEAD };

struct message {
    struct message *next;
    struct parcel *parcel;
    enum stage stage;
    char *requests[REFERENCE_REQUESTS];
    size_t request_count;
    size_t unanswered;
    struct reference_fault fault; /* what was refused first */
    char reason[48];
    uint32_t tries;
    int64_t due;
    bool is_orphan; /* its partition was given up: it is only waited for */
};

/* A partition of the topic, that this bridge reads. */
struct slot {
    trading_bus *bus; /* under the partition's own writer's name; NULL: it is not ours */
    struct message *first;
    struct message **last;
    int64_t mark;
    int64_t start_again; /* it could not be opened */
    bool is_assigned;
    bool is_unknown; /* whether the last mark was kept */
    int64_t tried;   /* that mark */
};

struct bridge {
    const struct serving *serving;
    char topic[WIRE_TOPIC_BYTES];
    char group[WIRE_TOPIC_BYTES];
    pthread_t thread;
    atomic_bool stops;

    trading_bus *bus; /* that the topic is read from */
    struct errands errands;
    bool is_open;
    bool is_broken; /* what it reads from is of no further use: all is opened anew */
    struct slot *slots;
    uint32_t slot_count;
    size_t messages;
    struct message *asked[PIPELINE]; /* whose each request is that is not answered */
    size_t asked_first;
    size_t asked_count;
};

static void say(const struct bridge *bridge, const trading_error *error)
{
    fprintf(stderr, "trading serve: %s: %s\n", bridge->topic, error->message);
}

static void rest(int64_t nanoseconds)
{
    const struct timespec time = {.tv_sec = nanoseconds / INT64_C(1000000000), .tv_nsec = nanoseconds % INT64_C(1000000000)};
    nanosleep(&time, NULL);
}

/* ---- messages ---- */

static void free_message(struct bridge *bridge, struct message *message)
{
    for (size_t i = 0; i < message->request_count; i++)
        free(message->requests[i]);
    free(message->parcel);
    free(message);
    bridge->messages--;
}

static void add_message(struct bridge *bridge, struct slot *slot, const trading_bus_record *record)
{
    struct message *message = calloc(1, sizeof *message);
    if (!message)
        out_of_memory();
    message->parcel = parcel_copy(record);
    message->request_count =
        reference_read(&bridge->serving->reference, &message->parcel->record, message->requests, &message->fault);
    message->stage = message->request_count ? WAITS : DEAD;
    *slot->last = message;
    slot->last = &message->next;
    bridge->messages++;
}

/* ---- partitions ---- */

static void drop_messages(struct bridge *bridge, struct slot *slot)
{
    while (slot->first) {
        struct message *message = slot->first;
        slot->first = message->next;
        if (message->unanswered)
            message->is_orphan = true;
        else
            free_message(bridge, message);
    }
    slot->last = &slot->first;
}

static void give_up(struct bridge *bridge, struct slot *slot)
{
    drop_messages(bridge, slot);
    trading_bus_close(slot->bus);
    slot->bus = NULL;
    slot->is_unknown = false;
}

/* Under the partition's writer's name whoever had it before is fenced; then the mark is where it goes on. */
static int32_t open_slot(struct bridge *bridge, uint32_t partition, trading_error *error)
{
    char writer[2 * WIRE_TOPIC_BYTES + 32];
    struct slot *slot = &bridge->slots[partition];
    trading_bus_options options = TRADING_BUS_OPTIONS_INIT;
    snprintf(writer, sizeof writer, "%s.%s.%" PRIu32, bridge->serving->wire.prefix, bridge->topic, partition);
    options.writer = writer;
    int32_t code = trading_bus_open(&slot->bus, bridge->serving->host, bridge->serving->bus, &options, error);
    if (code == TRADING_OK && (code = trading_bus_mark(slot->bus, &slot->mark, error)) == TRADING_E_NOT_FOUND) {
        slot->mark = TRADING_BUS_OLDEST;
        code = TRADING_OK;
    }
    if (code == TRADING_OK)
        code = trading_bus_seek(bridge->bus, bridge->topic, partition, slot->mark, error);
    if (code != TRADING_OK) {
        trading_bus_close(slot->bus);
        slot->bus = NULL;
        slot->start_again = monotonic_now() + REST;
    }
    return code;
}

static void tend(struct bridge *bridge, uint32_t partition)
{
    trading_error error;
    struct slot *slot = &bridge->slots[partition];
    if (slot->is_assigned && !slot->bus && monotonic_now() >= slot->start_again &&
        open_slot(bridge, partition, &error) != TRADING_OK)
        say(bridge, &error);
}

static void take(struct bridge *bridge, const trading_bus_notice *notice)
{
    uint32_t partition = notice->record.partition;
    struct slot *slot = partition < bridge->slot_count ? &bridge->slots[partition] : NULL;
    trading_error error;
    if (!slot)
        return;
    switch (notice->kind) {
    case TRADING_BUS_RECORD:
        if (slot->bus)
            add_message(bridge, slot, &notice->record);
        break;
    case TRADING_BUS_OWNED:
        slot->is_assigned = true;
        slot->start_again = 0;
        break;
    default:
        slot->is_assigned = false;
        give_up(bridge, slot);
        if (notice->kind == TRADING_BUS_REVOKED &&
            trading_bus_release(bridge->bus, bridge->topic, partition, &error) != TRADING_OK)
            say(bridge, &error);
        break;
    }
}

/* ---- asking ---- */

static void ask(struct bridge *bridge, struct message *message)
{
    message->stage = ASKED;
    message->tries++;
    message->fault.reason = NULL;
    for (size_t i = 0; i < message->request_count; i++) {
        errands_take(&bridge->errands, message->requests[i], strlen(message->requests[i]), 0);
        bridge->asked[(bridge->asked_first + bridge->asked_count++) % PIPELINE] = message;
        message->unanswered++;
    }
}

static void ask_what_is_due(struct bridge *bridge)
{
    int64_t time = monotonic_now();
    for (uint32_t p = 0; p < bridge->slot_count; p++)
        for (struct message *message = bridge->slots[p].first; message; message = message->next)
            if (message->stage == WAITS && time >= message->due && bridge->asked_count + message->request_count <= PIPELINE)
                ask(bridge, message);
}

static bool is_one_of(const char *reason, const char *const *reasons, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(reason, reasons[i]))
            return true;
    return false;
}

/* The other system sends what opens an account and what is paid in by different ways: the one may be here before the other. */
static bool may_pass_later(const char *reason)
{
    static const char *const reasons[] = {"UNKNOWN_ACCOUNT", "UNKNOWN_PORTFOLIO"};
    return is_one_of(reason, reasons, sizeof reasons / sizeof reasons[0]);
}

/* It is no answer to the message, but the deployment's state: it waits for as long as that takes. */
static bool is_of_machinery(const char *reason)
{
    static const char *const reasons[] = {"TIMEOUT",         "BUSY",   "NO_SPACE", "IO",
                                          "OUTCOME_UNKNOWN", "CLOSED", "FENCED",   "NO_MEMORY"};
    return is_one_of(reason, reasons, sizeof reasons / sizeof reasons[0]);
}

static void note_answer(struct message *message, const json_t *answer)
{
    const char *reason = json_string_value(json_object_get(answer, "reason"));
    const char *text = json_string_value(json_object_get(answer, "message"));
    message->unanswered--;
    if (json_is_true(json_object_get(answer, "ok")) || message->fault.reason)
        return;
    snprintf(message->reason, sizeof message->reason, "%s", reason ? reason : "UNKNOWN");
    snprintf(message->fault.message, sizeof message->fault.message, "%s", text ? text : "");
    message->fault.reason = message->reason;
}

static void conclude(const struct bridge *bridge, struct message *message)
{
    const char *reason = message->fault.reason;
    if (!reason) {
        message->stage = DONE;
        return;
    }
    bool machinery = is_of_machinery(reason);
    if (!machinery && (!may_pass_later(reason) || message->tries > RETRY_MAX)) {
        message->stage = DEAD;
        return;
    }
    uint32_t doublings = message->tries < RETRY_MAX ? message->tries - 1 : RETRY_MAX - 1;
    message->stage = WAITS;
    message->due = monotonic_now() + (bridge->serving->reference.retry << doublings);
}

static void take_answers(struct bridge *bridge)
{
    struct outcome outcome;
    while (errands_next(&bridge->errands, &outcome)) {
        struct message *message = bridge->asked[bridge->asked_first];
        bridge->asked_first = (bridge->asked_first + 1) % PIPELINE;
        bridge->asked_count--;
        note_answer(message, outcome.json);
        json_decref(outcome.json);
        if (message->unanswered)
            continue;
        if (message->is_orphan)
            free_message(bridge, message);
        else
            conclude(bridge, message);
    }
}

/* ---- the mark ---- */

/* The dead letters of what is done with, in order, and the position behind it. */
static int64_t gather(const struct bridge *bridge, const struct slot *slot, struct parcels *letters)
{
    int64_t mark = slot->mark;
    for (const struct message *message = slot->first; message && message->stage >= DONE; message = message->next) {
        const trading_bus_record *record = &message->parcel->record;
        if (message->stage == DEAD)
            parcels_add(letters, dead_letter(&bridge->serving->wire, record, message->fault.reason, message->fault.message));
        mark = record->position + 1;
    }
    return mark;
}

static void forget_before(struct bridge *bridge, struct slot *slot, int64_t mark)
{
    slot->mark = mark;
    while (slot->first && slot->first->parcel->record.position < mark) {
        struct message *message = slot->first;
        slot->first = message->next;
        free_message(bridge, message);
    }
    if (!slot->first)
        slot->last = &slot->first;
}

/* Whether a mark that the bus could not tell of is there. TRADING_E_NOT_FOUND: it is not, and nothing went with it. */
static int32_t resolve(struct bridge *bridge, struct slot *slot, trading_error *error)
{
    int64_t mark;
    int32_t code = trading_bus_mark(slot->bus, &mark, error);
    if (code != TRADING_OK && code != TRADING_E_NOT_FOUND)
        return code;
    slot->is_unknown = false;
    if (code == TRADING_E_NOT_FOUND || mark != slot->tried)
        return TRADING_E_NOT_FOUND;
    forget_before(bridge, slot, mark);
    return TRADING_OK;
}

static int32_t publish(struct bridge *bridge, struct slot *slot, trading_error *error)
{
    struct parcels letters;
    parcels_init(&letters);
    slot->tried = gather(bridge, slot, &letters);
    trading_bus_record *records = calloc(letters.count + 1, sizeof *records);
    if (!records)
        out_of_memory();
    size_t count = 0;
    for (const struct parcel *letter = letters.first; letter; letter = letter->next)
        records[count++] = letter->record;
    int32_t code = trading_bus_publish(slot->bus, records, count, slot->tried, error);
    slot->is_unknown = code == TRADING_E_OUTCOME_UNKNOWN;
    free(records);
    parcels_free(&letters);
    if (code == TRADING_OK)
        forget_before(bridge, slot, slot->tried);
    return code;
}

/* Keeps how far the partition is done. One that another bridge has by now is dropped; else it is tried again. */
static void settle(struct bridge *bridge, struct slot *slot)
{
    trading_error error = {0};
    if (!slot->bus || !slot->first || slot->first->stage < DONE || monotonic_now() < slot->start_again)
        return;
    int32_t code = slot->is_unknown ? resolve(bridge, slot, &error) : TRADING_E_NOT_FOUND;
    if (code == TRADING_E_NOT_FOUND)
        code = publish(bridge, slot, &error);
    if (code == TRADING_OK)
        return;
    say(bridge, &error);
    slot->start_again = monotonic_now() + REST;
    if (code == TRADING_E_FENCED || error.flags & TRADING_ERROR_FATAL)
        give_up(bridge, slot);
}

/* ---- the loop ---- */

static void do_round(struct bridge *bridge)
{
    trading_bus_notice notices[WINDOW];
    trading_error error;
    size_t count = 0;
    size_t room = bridge->messages < WINDOW ? WINDOW - bridge->messages : 0;
    if (room) {
        int32_t code = trading_bus_poll(bridge->bus, notices, room, &count, bridge->asked_count ? 0 : WAIT, &error);
        if (code != TRADING_OK && code != TRADING_E_TIMEOUT) {
            say(bridge, &error);
            bridge->is_broken = error.flags & TRADING_ERROR_FATAL;
            rest(WAIT);
        }
    }
    for (size_t i = 0; i < count; i++)
        take(bridge, &notices[i]);
    for (uint32_t p = 0; p < bridge->slot_count; p++)
        tend(bridge, p);
    ask_what_is_due(bridge);
    /* Without room nothing waited above. */
    if (errands_work(&bridge->errands, bridge->asked_count ? TURN : room ? 0 : WAIT, &error) != TRADING_OK) {
        say(bridge, &error);
        bridge->is_broken = bridge->is_broken || error.flags & TRADING_ERROR_FATAL;
        rest(WAIT);
    }
    take_answers(bridge);
    for (uint32_t p = 0; p < bridge->slot_count; p++)
        settle(bridge, &bridge->slots[p]);
}

static int32_t find_topic(struct bridge *bridge, trading_error *error)
{
    int32_t code = trading_bus_partitions(bridge->bus, bridge->topic, &bridge->slot_count, error);
    if (code == TRADING_OK && bridge->slot_count > PARTITIONS)
        bridge->slot_count = PARTITIONS;
    return code;
}

static int32_t open_errands(struct bridge *bridge, trading_error *error)
{
    const struct errands_options options = {
        .bus = bridge->serving->bus, .prefix = bridge->serving->wire.prefix, .pipeline = PIPELINE, .again = AGAIN};
    return errands_open(&bridge->errands, bridge->serving->host, &options, error);
}

static void shut(struct bridge *bridge)
{
    for (uint32_t p = 0; bridge->slots && p < bridge->slot_count; p++)
        give_up(bridge, &bridge->slots[p]);
    for (size_t i = 0; i < bridge->asked_count; i++) {
        struct message *message = bridge->asked[(bridge->asked_first + i) % PIPELINE];
        if (--message->unanswered == 0)
            free_message(bridge, message);
    }
    if (bridge->is_open)
        errands_close(&bridge->errands);
    trading_bus_close(bridge->bus);
    free(bridge->slots);
    bridge->bus = NULL;
    bridge->slots = NULL;
    bridge->asked_count = 0;
    bridge->is_open = bridge->is_broken = false;
}

static int32_t open_bridge(struct bridge *bridge, trading_error *error)
{
    int32_t code = trading_bus_open(&bridge->bus, bridge->serving->host, bridge->serving->bus, NULL, error);
    if (code == TRADING_OK)
        code = find_topic(bridge, error);
    if (code == TRADING_OK)
        code = open_errands(bridge, error);
    bridge->is_open = code == TRADING_OK;
    if (code == TRADING_OK)
        code = trading_bus_join(bridge->bus, bridge->group, bridge->topic, error);
    if (code == TRADING_OK) {
        bridge->slots = calloc(bridge->slot_count, sizeof *bridge->slots);
        if (!bridge->slots)
            out_of_memory();
        for (uint32_t p = 0; p < bridge->slot_count; p++)
            bridge->slots[p].last = &bridge->slots[p].first;
    }
    return code;
}

static void *run(void *argument)
{
    struct bridge *bridge = argument;
    trading_error error;
    stop_leave_to_main();
    while (!atomic_load(&bridge->stops)) {
        int32_t code = open_bridge(bridge, &error);
        while (code == TRADING_OK && !atomic_load(&bridge->stops) && !bridge->is_broken)
            do_round(bridge);
        shut(bridge);
        if (code != TRADING_OK) {
            say(bridge, &error);
            rest(REST);
        }
    }
    return NULL;
}

/* ---- life ---- */

struct bridge *bridge_start(const struct serving *serving, const char *topic, const char *group)
{
    struct bridge *bridge = calloc(1, sizeof *bridge);
    if (!bridge)
        out_of_memory();
    bridge->serving = serving;
    snprintf(bridge->topic, sizeof bridge->topic, "%s", topic);
    snprintf(bridge->group, sizeof bridge->group, "%s", group);
    if (pthread_create(&bridge->thread, NULL, run, bridge) != 0)
        out_of_memory();
    return bridge;
}

void bridge_stop(struct bridge *bridge)
{
    if (!bridge)
        return;
    atomic_store(&bridge->stops, true);
    pthread_join(bridge->thread, NULL);
    free(bridge);
}
