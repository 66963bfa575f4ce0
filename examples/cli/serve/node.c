/* The loop of a process: polls the bus, deals out what it brings, and starts and ends the partitions as the group shares them out. It never
 * waits for a partition: each has a thread of its own. */
#include "node.h"

#include "metrics.h"
#include "monotonic.h"
#include "output.h"
#include "owned.h"
#include "patience.h"
#include "quote_board.h"
#include "record.h"
#include "reference.h"
#include "subcommand.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define NOTICES      512
#define WAIT         INT64_C(100000000)
#define WAIT_CHANGES INT64_C(10000000) /* while partitions are opened or ended */

/* Until what failed of a partition is tried again: first the group must have its say on whose it is. Twice as long each time. */
#define REST     INT64_C(1000000000)
#define REST_MAX INT64_C(30000000000)

struct rest {
    int64_t length;
    int64_t end;
};

/* How long a bus may be away at the start; and partitions may take to end in good order: what is not published then is asked for again. */
#define PATIENCE INT64_C(30000000000)

/* A partition, as far as this process has to do with it. */
struct slot {
    struct owned *owned; /* NULL: it is not run here */
    bool is_assigned;    /* the group says that it is ours */
    bool is_revoked;     /* the group waits until it is released */
    bool is_read;        /* its commands come in */
    bool hears_letters;  /* and its letters, by topic */
    struct rest start;   /* until it is opened again */
    struct rest hear;    /* until its letters are asked for again */
};

struct node {
    const struct node_options *options;
    trading_bus *bus;
    struct slot slots[SERVING_PARTITIONS_MAX];
    json_t *quotes;
    struct metrics metrics;
    bool is_stopping;
    int code; /* an exit_code */
};

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "trading serve: ");
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
}

static const struct wire *wire_of(const struct node *node)
{
    return &node->options->serving.wire;
}

static int64_t end_of_patience(const struct node *node)
{
    return monotonic_now() + (node->options->patience ? node->options->patience : PATIENCE);
}

/* What the bus fails in here is said, and its own to mend: the next poll tries on. */
static void check(struct node *node, int32_t code, const trading_error *error)
{
    if (code == TRADING_OK || code == TRADING_E_TIMEOUT)
        return;
    say("%s", error->message);
    if (error->flags & TRADING_ERROR_FATAL) {
        node->code = EXIT_STORE;
        node->is_stopping = true;
    }
}

static void rest_longer(struct rest *rest)
{
    rest->length = rest->length == 0 ? REST : rest->length < REST_MAX ? 2 * rest->length : REST_MAX;
    rest->end = monotonic_now() + rest->length;
}

/* ---- one partition ---- */

static void start(struct node *node, uint32_t partition)
{
    node->slots[partition].owned = owned_start(&node->options->serving, partition);
}

/* Until its letters come by topic, it finds them in the journals that they were written to, only later. */
static void hear_letters(struct node *node, uint32_t partition)
{
    trading_error error;
    struct slot *slot = &node->slots[partition];
    if (node->options->serving.partitions == 1 || slot->hears_letters || node->is_stopping || monotonic_now() < slot->hear.end)
        return;
    int32_t code = trading_bus_follow(node->bus, wire_of(node)->letters, partition, TRADING_BUS_END, &error);
    check(node, code, &error);
    slot->hears_letters = code == TRADING_OK;
    if (code != TRADING_OK)
        rest_longer(&slot->hear);
}

/* Now that it is open, its commands may come. */
static void begin_reading(struct node *node, uint32_t partition)
{
    trading_error error;
    struct slot *slot = &node->slots[partition];
    int64_t cursor = owned_cursor(slot->owned);
    say("partition %" PRIu32 " is open, its commands go on at %" PRId64, partition, cursor);
    slot->is_read = true;
    slot->start = slot->hear = (struct rest){0};
    inbox_want(owned_inbox(slot->owned), cursor);
    quote_board_tell(node->quotes, wire_of(node), owned_inbox(slot->owned));
    check(node, trading_bus_seek(node->bus, wire_of(node)->commands, partition, cursor, &error), &error);
}

static void stop_reading(struct node *node, uint32_t partition)
{
    trading_error error;
    struct slot *slot = &node->slots[partition];
    if (slot->hears_letters)
        check(node, trading_bus_release(node->bus, wire_of(node)->letters, partition, &error), &error);
    slot->is_read = slot->hears_letters = false;
}

static void end(struct node *node, uint32_t partition)
{
    trading_error error;
    struct slot *slot = &node->slots[partition];
    stop_reading(node, partition);
    if (owned_end(slot->owned, &error) != TRADING_OK) {
        say("partition %" PRIu32 " ended: %s", partition, error.message);
        rest_longer(&slot->start);
    } else {
        say("partition %" PRIu32 " is closed", partition);
    }
    slot->owned = NULL;
}

static void release(struct node *node, uint32_t partition)
{
    trading_error error;
    node->slots[partition].is_revoked = false;
    check(node, trading_bus_release(node->bus, wire_of(node)->commands, partition, &error), &error);
}

static void read_again(struct node *node, uint32_t partition)
{
    trading_error error;
    int64_t position;
    if (inbox_wants_again(owned_inbox(node->slots[partition].owned), &position))
        check(node, trading_bus_seek(node->bus, wire_of(node)->commands, partition, position, &error), &error);
}

static void tend(struct node *node, uint32_t partition)
{
    struct slot *slot = &node->slots[partition];
    if (slot->owned && owned_state(slot->owned) == OWNED_ENDED)
        end(node, partition);
    if (slot->owned && slot->is_assigned && owned_state(slot->owned) == OWNED_OPEN) {
        if (!slot->is_read)
            begin_reading(node, partition);
        hear_letters(node, partition);
        read_again(node, partition);
    }
    if (!slot->owned && slot->is_revoked)
        release(node, partition);
    if (!slot->owned && slot->is_assigned && !node->is_stopping && monotonic_now() >= slot->start.end)
        start(node, partition);
}

/* ---- what the bus tells ---- */

static void deal_quote(struct node *node, const trading_bus_record *record)
{
    if (!quote_board_take(node->quotes, record))
        return;
    for (uint32_t p = 0; p < node->options->serving.partitions; p++)
        if (node->slots[p].is_read)
            inbox_put(owned_inbox(node->slots[p].owned), record);
}

static void deal(struct node *node, const trading_bus_record *record)
{
    if (!strcmp(record->topic, wire_of(node)->quotes)) {
        deal_quote(node, record);
        return;
    }
    const struct slot *slot = &node->slots[record->partition];
    if (!slot->is_read)
        return;
    if (!strcmp(record->topic, wire_of(node)->commands))
        inbox_put_command(owned_inbox(slot->owned), record);
    else
        inbox_put_letter(owned_inbox(slot->owned), record);
}

static void give_up(struct node *node, uint32_t partition, bool in_order)
{
    struct slot *slot = &node->slots[partition];
    slot->is_assigned = false;
    slot->is_revoked = in_order;
    if (slot->owned)
        owned_stop(slot->owned, in_order);
}

static void take(struct node *node, const trading_bus_notice *notice)
{
    uint32_t partition = notice->record.partition;
    switch (notice->kind) {
    case TRADING_BUS_RECORD:
        deal(node, &notice->record);
        break;
    case TRADING_BUS_OWNED:
        node->slots[partition].is_assigned = true;
        node->slots[partition].start.end = 0;
        break;
    case TRADING_BUS_REVOKED:
        give_up(node, partition, true);
        break;
    default:
        give_up(node, partition, false);
        break;
    }
}

/* ---- the loop ---- */

static bool is_changing(const struct node *node)
{
    for (uint32_t p = 0; p < node->options->serving.partitions; p++) {
        const struct slot *slot = &node->slots[p];
        if (slot->is_revoked || (slot->is_assigned != slot->is_read) || (slot->owned && !slot->is_assigned))
            return true;
    }
    return false;
}

static bool is_running_any(const struct node *node)
{
    for (uint32_t p = 0; p < node->options->serving.partitions; p++)
        if (node->slots[p].owned)
            return true;
    return false;
}

static void do_round(struct node *node, trading_bus_notice *notices)
{
    trading_error error;
    size_t count = 0;
    check(node, trading_bus_poll(node->bus, notices, NOTICES, &count, is_changing(node) ? WAIT_CHANGES : WAIT, &error), &error);
    for (size_t i = 0; i < count; i++)
        take(node, &notices[i]);
    for (uint32_t p = 0; p < node->options->serving.partitions; p++)
        tend(node, p);
}

static void tell_metrics(struct node *node)
{
    if (!metrics_due(&node->metrics, monotonic_now()))
        return;
    metrics_begin(&node->metrics, node->bus, monotonic_now());
    for (uint32_t p = 0; p < node->options->serving.partitions; p++)
        if (node->slots[p].is_read)
            metrics_tell(&node->metrics, p, node->slots[p].owned);
}

static void stop_all(struct node *node, bool drain)
{
    for (uint32_t p = 0; p < node->options->serving.partitions; p++)
        if (node->slots[p].owned)
            owned_stop(node->slots[p].owned, drain);
}

static void loop(struct node *node, struct bridge *bridges[2])
{
    trading_bus_notice notices[NOTICES];
    while (!node->is_stopping) {
        do_round(node, notices);
        tell_metrics(node);
        if (node->options->stopped(node->options->context))
            node->is_stopping = true;
    }
    for (size_t i = 0; i < 2; i++)
        bridge_stop(bridges[i]);
    stop_all(node, true);
    for (int64_t end = end_of_patience(node); is_running_any(node); do_round(node, notices))
        if (monotonic_now() > end)
            stop_all(node, false);
}

/* ---- joining ---- */

typedef int32_t (*join_step)(struct node *node, trading_error *error);

static int32_t open_bus(struct node *node, trading_error *error)
{
    return trading_bus_open(&node->bus, node->options->serving.host, node->options->serving.bus, NULL, error);
}

static int32_t make_topics(struct node *node, trading_error *error)
{
    const struct serving *serving = &node->options->serving;
    int32_t code = TRADING_OK;
    if (serving->reference.on)
        code = reference_make_topics(&serving->reference, node->bus, serving->partitions, error);
    return code == TRADING_OK ? wire_make_topics(&serving->wire, node->bus, serving->partitions, error) : code;
}

static int32_t follow_quotes(struct node *node, trading_error *error)
{
    if (node->options->serving.partitions == 1)
        return TRADING_OK;
    return trading_bus_follow(node->bus, wire_of(node)->quotes, 0, TRADING_BUS_OLDEST, error);
}

static int32_t join_group(struct node *node, trading_error *error)
{
    return trading_bus_join(node->bus, node->options->group, wire_of(node)->commands, error);
}

/* A bus that is not there yet, or has not told all its servers of a topic, is given some time. */
static int32_t join(struct node *node, trading_error *error)
{
    static const join_step steps[] = {open_bus, make_topics, follow_quotes, join_group};
    const struct node_options *options = node->options;
    struct patience patience = {
        .who = "trading serve", .end = end_of_patience(node), .stopped = options->stopped, .context = options->context};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
        while (steps[i](node, error) != TRADING_OK)
            if (!patience_lasts(&patience, error))
                return error->code;
    return TRADING_OK;
}

/* The bridges first: what they ask for, the partitions answer. */
static void serve(struct node *node)
{
    const struct serving *serving = &node->options->serving;
    const struct reference *reference = &serving->reference;
    struct bridge *bridges[2] = {NULL};
    if (reference->on) {
        bridges[0] = bridge_start(serving, reference->portfolio_topic, reference->portfolio_group);
        bridges[1] = bridge_start(serving, reference->answer_topic, reference->answer_group);
    }
    loop(node, bridges);
}

int node_run(const struct node_options *options)
{
    trading_error error;
    struct node node = {.options = options, .code = EXIT_DONE, .quotes = new_object()};
    metrics_init(&node.metrics, &options->serving.wire, options->metrics);
    if (join(&node, &error) != TRADING_OK)
        node.code = output_failure(&error);
    else
        serve(&node);
    trading_bus_close(node.bus);
    metrics_free(&node.metrics);
    json_decref(node.quotes);
    return node.code;
}
