/* Topics: which there are, making them, and where they end. */
#include "backends/kafka/bus.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* Milliseconds. */
#define ANSWER_LIMIT  10000 /* for an answer */
#define UNKNOWN_LIMIT 300 /* … where there is no such topic: one that another just made may not be known to every broker yet */
#define LOOK_PAUSE    50

struct topic {
    struct topic *next;
    char name[250];
    uint32_t partitions;
};

/* ---- what is known ---- */

static struct topic *find(const struct topics *topics, const char *name)
{
    struct topic *topic = topics->first;
    while (topic && strcmp(topic->name, name) != 0)
        topic = topic->next;
    return topic;
}

static bool recall(struct topics *topics, const char *name, uint32_t *count)
{
    pthread_mutex_lock(&topics->lock);
    const struct topic *topic = find(topics, name);
    if (topic)
        *count = topic->partitions;
    pthread_mutex_unlock(&topics->lock);
    return topic;
}

/* That there is no memory to remember it only makes the next question slower. */
static void remember(struct kafka_bus *bus, const char *name, uint32_t count)
{
    struct topics *topics = &bus->topics;
    pthread_mutex_lock(&topics->lock);
    struct topic *topic = find(topics, name);
    if (!topic && (topic = memory_zeroed(&bus->memory, 1, sizeof *topic))) {
        snprintf(topic->name, sizeof topic->name, "%s", name);
        topic->next = topics->first;
        topics->first = topic;
    }
    if (topic)
        topic->partitions = count;
    pthread_mutex_unlock(&topics->lock);
}

void topics_forget(struct kafka_bus *bus)
{
    for (struct topic *next, *at = bus->topics.first; at; at = next) {
        next = at->next;
        memory_release(&bus->memory, at, sizeof *at);
    }
}

/* ---- asking ---- */

/* What a topic is to be, when it is asked for. */
enum wanted {
    IS_ANYTHING, /* it may be missing, too */
    IS_THERE,
    IS_READY, /* each of its partitions has a leader, too */
};

static rd_kafka_resp_err_t judge(const struct rd_kafka_metadata_topic *topic, enum wanted wanted)
{
    if (topic->err)
        return topic->err;
    for (int i = 0; i < topic->partition_cnt && wanted == IS_READY; i++)
        if (topic->partitions[i].leader < 0)
            return RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    return topic->partition_cnt ? RD_KAFKA_RESP_ERR_NO_ERROR : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* How many partitions a topic has. */
static rd_kafka_resp_err_t look(struct kafka_bus *bus, const char *name, enum wanted wanted, uint32_t *count)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(bus->producer, name, NULL);
    if (!topic)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t err = rd_kafka_metadata(bus->producer, 0, topic, &metadata, CLIENT_QUESTION);
    rd_kafka_topic_destroy(topic);
    if (err)
        return err;
    err = metadata->topic_cnt == 1 ? judge(&metadata->topics[0], wanted) : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *count = err ? 0 : (uint32_t)metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (!err)
        remember(bus, name, *count);
    return err;
}

/* For how long it is asked again after such an answer; for a topic that is not there as long only where it was made. */
static int64_t limit_of(rd_kafka_resp_err_t err, enum wanted wanted)
{
    static const int64_t unknown[] = {[IS_ANYTHING] = 0, [IS_THERE] = UNKNOWN_LIMIT, [IS_READY] = ANSWER_LIMIT};
    if (client_is_unknown(err))
        return unknown[wanted];
    return client_may_pass(err) ? ANSWER_LIMIT : 0;
}

static int32_t ask(struct kafka_bus *bus, const char *name, enum wanted wanted, uint32_t *count, trading_error *error)
{
    int64_t start = client_clock();
    rd_kafka_resp_err_t err;
    while ((err = look(bus, name, wanted, count)) && client_clock() - start < limit_of(err, wanted))
        client_pause(LOOK_PAUSE);
    if (client_is_unknown(err) && wanted == IS_READY)
        return error_set(error, TRADING_E_TIMEOUT, "the topic \"%.80s\" was made, and no broker knows it yet", name);
    if (client_is_unknown(err))
        return error_set(error, TRADING_E_NOT_FOUND, "there is no topic \"%.80s\"", name);
    return err ? client_error(bus, error, err, "asking for the topic \"%.80s\"", name) : TRADING_OK;
}

int32_t topics_count(struct kafka_bus *bus, const char *topic, uint32_t *count, trading_error *error)
{
    return recall(&bus->topics, topic, count) ? TRADING_OK : ask(bus, topic, IS_THERE, count, error);
}

int32_t topics_check(struct kafka_bus *bus, const char *topic, uint32_t partition, trading_error *error)
{
    uint32_t count;
    int32_t code = topics_count(bus, topic, &count, error);
    if (!code && partition >= count)
        code = ask(bus, topic, IS_THERE, &count, error); /* there may be more by now */
    if (!code && partition >= count)
        code = error_set(error, TRADING_E_NOT_FOUND, "the topic \"%.80s\" has no partition %u", topic, partition);
    return code;
}

/* ---- making them ---- */

static rd_kafka_resp_err_t describe(rd_kafka_NewTopic_t *topic, bool compacted)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;
    if (compacted) {
        err = rd_kafka_NewTopic_set_config(topic, "cleanup.policy", "compact");
        /* The newest segment is never compacted: small ones keep what is to be read short. */
        if (!err)
            err = rd_kafka_NewTopic_set_config(topic, "segment.bytes", "16777216");
    }
    return err;
}

/* The answer for the one topic. */
static rd_kafka_resp_err_t read_answer(rd_kafka_event_t *event, char *why, size_t size)
{
    if (!event)
        return RD_KAFKA_RESP_ERR__TIMED_OUT;
    size_t count = 0;
    rd_kafka_resp_err_t err = rd_kafka_event_error(event);
    const char *text = rd_kafka_event_error_string(event);
    const rd_kafka_CreateTopics_result_t *result = err ? NULL : rd_kafka_event_CreateTopics_result(event);
    const rd_kafka_topic_result_t **topics = result ? rd_kafka_CreateTopics_result_topics(result, &count) : NULL;
    if (count == 1) {
        err = rd_kafka_topic_result_error(topics[0]);
        text = rd_kafka_topic_result_error_string(topics[0]);
    }
    snprintf(why, size, "%s", text ? text : "");
    return err;
}

static rd_kafka_resp_err_t request(struct kafka_bus *bus, rd_kafka_NewTopic_t *topic, char *why, size_t size)
{
    rd_kafka_queue_t *queue = rd_kafka_queue_new(bus->producer);
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(bus->producer, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_AdminOptions_set_operation_timeout(options, ANSWER_LIMIT, NULL, 0);
    rd_kafka_AdminOptions_set_request_timeout(options, 2 * ANSWER_LIMIT, NULL, 0);
    rd_kafka_CreateTopics(bus->producer, &topic, 1, options, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 3 * ANSWER_LIMIT);
    rd_kafka_resp_err_t err = read_answer(event, why, size);
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return err;
}

static int32_t create(struct kafka_bus *bus, const char *name, uint32_t partitions, bool compacted, trading_error *error)
{
    char why[160] = "";
    int copies = bus->location.replication ? (int)bus->location.replication : -1;
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, (int)partitions, copies, why, sizeof why);
    if (!topic)
        return error_set(error, TRADING_E_INVALID, "the topic \"%.80s\" cannot be: %s", name, why);
    rd_kafka_resp_err_t err = describe(topic, compacted);
    if (!err)
        err = request(bus, topic, why, sizeof why);
    rd_kafka_NewTopic_destroy(topic);
    if (err && err != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return client_error(bus, error, err, "making the topic \"%.80s\": %s", name, why);
    return TRADING_OK;
}

int32_t topics_create(struct kafka_bus *bus, const char *topic, uint32_t partitions, bool compacted, trading_error *error)
{
    uint32_t count = 0;
    int32_t code = ask(bus, topic, IS_ANYTHING, &count, error);
    if (code == TRADING_E_NOT_FOUND) {
        code = create(bus, topic, partitions, compacted, error);
        if (!code)
            code = ask(bus, topic, IS_READY, &count, error);
    }
    if (!code && count != partitions)
        code = error_set(error, TRADING_E_INVALID, "the topic \"%.80s\" has %u partitions, not %u", topic, count, partitions);
    return code;
}

/* ---- where their partitions begin and end ---- */

/* Who leads the partitions of a topic by now. Librdkafka learns it by itself of what it reads or writes only. */
static void learn_leaders(rd_kafka_t *client, const char *name)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    if (topic && !rd_kafka_metadata(client, 0, topic, &metadata, CLIENT_QUESTION))
        rd_kafka_metadata_destroy(metadata);
    if (topic)
        rd_kafka_topic_destroy(topic);
}

/* By the question for times, of which the beginning and the end are two: rd_kafka_query_watermark_offsets knows no time-out in librdkafka 2.0,
 * and waits for a broker that died. */
static rd_kafka_resp_err_t ask_offset(rd_kafka_t *client, const struct topics_place *place, int64_t *offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *asked = rd_kafka_topic_partition_list_add(list, place->topic, (int32_t)place->partition);
    asked->offset = place->which;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(client, list, CLIENT_QUESTION);
    if (!err)
        err = asked->err;
    *offset = asked->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return err;
}

rd_kafka_resp_err_t topics_offset(rd_kafka_t *client, const struct topics_place *place, int64_t limit, int64_t *offset)
{
    rd_kafka_resp_err_t err;
    while ((err = ask_offset(client, place, offset)) && (client_may_pass(err) || client_is_unknown(err)) &&
           client_clock() < limit) {
        client_pause(LOOK_PAUSE); /* a partition that is new or has moved is not known everywhere */
        learn_leaders(client, place->topic);
    }
    return err;
}
