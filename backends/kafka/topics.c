/* Topics: which there are, making them, and where they end. */
#include "backends/kafka/bus.h"
#include "base/error.h"

#include <stdio.h>
#include <string.h>

/* A topic that was just made may not be known to every broker yet, whoever made it. */
#define LOOKS        6
#define LOOKS_MADE   200 /* where it is known to be there */
#define LOOK_PAUSE   50  /* milliseconds */
#define ANSWER_LIMIT 10000

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

/* How many partitions a topic has that have a leader; 0: it is not there. */
static rd_kafka_resp_err_t look(struct kafka_bus *bus, const char *name, uint32_t *count)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(bus->producer, name, NULL);
    if (!topic)
        return rd_kafka_last_error();
    rd_kafka_resp_err_t err = rd_kafka_metadata(bus->producer, 0, topic, &metadata, ANSWER_LIMIT);
    rd_kafka_topic_destroy(topic);
    if (err)
        return err;
    *count = 0;
    if (metadata->topic_cnt == 1) {
        err = metadata->topics[0].err;
        *count = err ? 0 : (uint32_t)metadata->topics[0].partition_cnt;
    }
    for (uint32_t i = 0; i < *count && !err; i++)
        err = metadata->topics[0].partitions[i].leader < 0 ? RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE : err;
    rd_kafka_metadata_destroy(metadata);
    return err;
}

static int32_t ask(struct kafka_bus *bus, const char *name, int looks, uint32_t *count, trading_error *error)
{
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *count = 0;
    for (int i = 0; i < looks; i++) {
        if (i)
            client_pause(LOOK_PAUSE);
        err = look(bus, name, count);
        if (!err && *count)
            break;
    }
    if (err && err != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART && err != RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC)
        return client_error(bus, error, err, "asking for the topic \"%.80s\"", name);
    if (err || !*count)
        return error_set(error, TRADING_E_NOT_FOUND, "there is no topic \"%.80s\"", name);
    remember(bus, name, *count);
    return TRADING_OK;
}

int32_t topics_count(struct kafka_bus *bus, const char *topic, uint32_t *count, trading_error *error)
{
    return recall(&bus->topics, topic, count) ? TRADING_OK : ask(bus, topic, LOOKS, count, error);
}

int32_t topics_check(struct kafka_bus *bus, const char *topic, uint32_t partition, trading_error *error)
{
    uint32_t count;
    int32_t code = topics_count(bus, topic, &count, error);
    if (!code && partition >= count)
        code = ask(bus, topic, LOOKS, &count, error); /* there may be more by now */
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
    rd_kafka_resp_err_t err = look(bus, topic, &count);
    int32_t code = err || !count ? create(bus, topic, partitions, compacted, error) : TRADING_OK;
    if (!code)
        code = ask(bus, topic, LOOKS_MADE, &count, error);
    if (!code && count != partitions)
        code = error_set(error, TRADING_E_INVALID, "the topic \"%.80s\" has %u partitions, not %u", topic, count, partitions);
    return code;
}
