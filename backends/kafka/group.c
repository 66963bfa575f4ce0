/* Membership of a group: who owns which partition. The member's client reads nothing, so what it is assigned is paused at once; and what is
 * revoked it gives back only when all of that is released, which librdkafka and the group wait for. */
#include "backends/kafka/bus.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* How long a member waits at most for its first assignment before it closes, where librdkafka needs that; in milliseconds. */
#define ASSIGNMENT_LIMIT 10000
#define ASSIGNMENT_PAUSE 100
#define ASSIGNOR_MENDED  0x02030000

/* For so long after the joining not every broker may know of the topic, which one had told of; it is asked for again after each pause.
 * Milliseconds. */
#define UNKNOWN_LIMIT 10000
#define UNKNOWN_PAUSE 50

/* ---- shares ---- */

static struct share *share_of(struct kafka_bus *bus, int32_t partition)
{
    struct group *group = &bus->group;
    uint32_t needed = (uint32_t)partition + 1;
    size_t capacity = group->partitions;
    void *shares = group->shares;
    if (needed <= group->partitions)
        return &group->shares[partition];
    if (memory_grow(&bus->memory, &shares, &capacity, needed, sizeof *group->shares))
        return NULL; /* it is not told, and not read: another member would do as little */
    group->shares = shares;
    memset(group->shares + group->partitions, 0, (capacity - group->partitions) * sizeof *group->shares);
    group->partitions = (uint32_t)capacity;
    return &group->shares[partition];
}

enum share_state group_state(const struct kafka_bus *bus, const char *topic, uint32_t partition)
{
    const struct group *group = &bus->group;
    if (!group->client || strcmp(group->topic, topic) != 0 || partition >= group->partitions)
        return NOT_OWNED;
    enum share_state state = group->shares[partition].state;
    return state == TO_TELL_OWNED ? NOT_OWNED : state == TO_TELL_REVOKED ? OWNED : state;
}

/* ---- what librdkafka asks ---- */

static void drop(rd_kafka_error_t *failure)
{
    if (failure) /* it goes on with what the group says next */
        rd_kafka_error_destroy(failure);
}

static void begin(struct kafka_bus *bus, rd_kafka_t *client, rd_kafka_topic_partition_list_t *list)
{
    bus->group.was_assigned = true;
    for (int i = 0; i < list->cnt; i++) {
        struct share *share = share_of(bus, list->elems[i].partition);
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
        if (share)
            share->state = TO_TELL_OWNED;
    }
    drop(rd_kafka_incremental_assign(client, list));
    rd_kafka_pause_partitions(client, list);
}

/* They are another's by now, or nobody's. */
static void lose(struct kafka_bus *bus, rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct share *share = share_of(bus, list->elems[i].partition);
        if (!share)
            continue;
        share->lost = share->lost || (share->state != NOT_OWNED && share->state != TO_TELL_OWNED);
        share->state = NOT_OWNED;
        reader_stop(bus, bus->group.topic, (uint32_t)list->elems[i].partition);
    }
    drop(rd_kafka_incremental_unassign(client, list));
}

/* Gives back what was revoked, when all of it is released. */
static void give_back(struct kafka_bus *bus)
{
    struct group *group = &bus->group;
    for (int i = 0; i < group->revoked->cnt; i++) {
        const struct share *share = share_of(bus, group->revoked->elems[i].partition);
        if (share && share->state != NOT_OWNED)
            return;
    }
    drop(rd_kafka_incremental_unassign(group->client, group->revoked));
    rd_kafka_topic_partition_list_destroy(group->revoked);
    group->revoked = NULL;
}

static void revoke(struct kafka_bus *bus, const rd_kafka_topic_partition_list_t *list)
{
    for (int i = 0; i < list->cnt; i++) {
        struct share *share = share_of(bus, list->elems[i].partition);
        if (!share)
            continue;
        share->state = share->state == OWNED ? TO_TELL_REVOKED : NOT_OWNED; /* of what nobody knows there is nothing to tell */
        reader_stop(bus, bus->group.topic, (uint32_t)list->elems[i].partition);
    }
    bus->group.revoked = rd_kafka_topic_partition_list_copy(list);
    give_back(bus);
}

/* Called by librdkafka when what is owned is to change. */
static void note_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t err, rd_kafka_topic_partition_list_t *list, void *opaque)
{
    struct kafka_bus *bus = opaque;
    if (err == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
        begin(bus, client, list);
    else if (bus->group.closing || rd_kafka_assignment_lost(client))
        lose(bus, client, list);
    else
        revoke(bus, list);
}

/* ---- joining and leaving ---- */

static void note_rebalances(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_rebalance_cb(conf, note_rebalance);
}

static int32_t subscribe(struct kafka_bus *bus, trading_error *error)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, bus->group.topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t err = rd_kafka_subscribe(bus->group.client, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return err ? client_error(bus, error, err, "joining a group for \"%.80s\"", bus->group.topic) : TRADING_OK;
}

int32_t group_join(struct kafka_bus *bus, const char *name, const char *topic, trading_error *error)
{
    struct group *group = &bus->group;
    const char *member = bus->location.member[0] ? bus->location.member : NULL;
    const char *const settings[][2] = {
        {"group.id", name},
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"enable.auto.commit", "false"},
        {member ? "group.instance.id" : NULL, member},
        {NULL, NULL},
    };
    uint32_t count;
    if (group->client)
        return error_set(error, TRADING_E_INVALID, "this bus has joined a group already, for \"%.80s\"", group->topic);
    int32_t code = topics_count(bus, topic, &count, error);
    if (code)
        return code;
    group->client = client_open(bus, RD_KAFKA_CONSUMER, settings, note_rebalances, error);
    if (!group->client)
        return TRADING_E_INVALID;
    snprintf(group->topic, sizeof group->topic, "%s", topic);
    group->known_by = client_clock() + UNKNOWN_LIMIT;
    rd_kafka_poll_set_consumer(group->client);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(group->client);
    client_wake_on(bus, queue);
    rd_kafka_queue_destroy(queue);
    return subscribe(bus, error);
}

/* librdkafka before 2.3 aborts the program when a member is closed that has joined and not yet been assigned anything. */
static void await_assignment(struct group *group)
{
    rd_kafka_message_t *message;
    for (int waited = 0; !group->was_assigned && waited < ASSIGNMENT_LIMIT; waited += ASSIGNMENT_PAUSE)
        if ((message = rd_kafka_consumer_poll(group->client, ASSIGNMENT_PAUSE)))
            rd_kafka_message_destroy(message);
}

void group_close(struct kafka_bus *bus)
{
    struct group *group = &bus->group;
    if (!group->client)
        return;
    if (rd_kafka_version() < ASSIGNOR_MENDED)
        await_assignment(group);
    group->closing = true;
    for (uint32_t i = 0; i < group->partitions; i++)
        group->shares[i].state = NOT_OWNED;
    if (group->revoked)
        give_back(bus);
    rd_kafka_consumer_close(group->client);
    rd_kafka_destroy(group->client);
    memory_release(&bus->memory, group->shares, group->partitions * sizeof *group->shares);
}

/* ---- taking part ---- */

void group_release(struct kafka_bus *bus, uint32_t partition)
{
    struct share *share = &bus->group.shares[partition];
    reader_stop(bus, bus->group.topic, partition);
    if (share->state == OWNED) {
        share->state = TO_TELL_OWNED; /* the group knows of no giving up: it is this member's again */
        return;
    }
    share->state = NOT_OWNED;
    if (bus->group.revoked)
        give_back(bus);
}

/* Of what the client says: what its user is told. A topic that a broker does not know yet librdkafka would ask for again in minutes only. */
static int32_t judge(struct kafka_bus *bus, rd_kafka_resp_err_t err, trading_error *error)
{
    struct group *group = &bus->group;
    if (!err || err == RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED || err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
        return TRADING_OK;
    if (!client_is_unknown(err) || client_clock() >= group->known_by)
        return client_error(bus, error, err, "taking part in the group for \"%.60s\"", group->topic);
    client_pause(UNKNOWN_PAUSE);
    return subscribe(bus, error);
}

/* Lets librdkafka do what it does within calls: that is also how the group knows that the owner is alive. */
static int32_t serve(struct kafka_bus *bus, trading_error *error)
{
    struct group *group = &bus->group;
    int32_t code = TRADING_OK;
    for (rd_kafka_message_t *message; !code && (message = rd_kafka_consumer_poll(group->client, 0));) {
        code = judge(bus, message->err, error);
        rd_kafka_message_destroy(message);
    }
    char why[120];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(group->client, why, sizeof why);
    if (fatal) {
        code = client_error(bus, error, fatal, "taking part in the group for \"%.60s\"", group->topic);
        if (error)
            error->flags = TRADING_ERROR_FATAL;
    }
    if (group->revoked && rd_kafka_assignment_lost(group->client)) { /* there was no release in time */
        rd_kafka_topic_partition_list_t *list = group->revoked;
        group->revoked = NULL;
        lose(bus, group->client, list);
        rd_kafka_topic_partition_list_destroy(list);
    }
    return code;
}

/* What there is to tell of a partition; 0: nothing. */
static int32_t next_kind(struct share *share)
{
    if (share->lost) {
        share->lost = false;
        return TRADING_BUS_LOST;
    }
    if (share->state != TO_TELL_OWNED && share->state != TO_TELL_REVOKED)
        return 0;
    bool owned = share->state == TO_TELL_OWNED;
    share->state = owned ? OWNED : REVOKED;
    return owned ? TRADING_BUS_OWNED : TRADING_BUS_REVOKED;
}

int32_t group_take(struct kafka_bus *bus, trading_bus_notice *notices, size_t max, size_t *count, trading_error *error)
{
    struct group *group = &bus->group;
    if (!group->client)
        return TRADING_OK;
    int32_t code = serve(bus, error);
    for (uint32_t i = 0; i < group->partitions && !code; i++)
        for (int32_t kind; *count < max && (kind = next_kind(&group->shares[i]));)
            notices[(*count)++] =
                (trading_bus_notice){.kind = kind, .record = {.topic = group->topic, .partition = i, .position = -1}};
    return code;
}
