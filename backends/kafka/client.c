#include "backends/kafka/client.h"

#include "backends/kafka/bus.h"
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t client_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

void client_pause(int milliseconds)
{
    struct timespec pause = {.tv_nsec = milliseconds * 1000000L};
    nanosleep(&pause, NULL);
}

/* ---- what they say ---- */

static int32_t host_level(int level, const char *text)
{
    if (strstr(text, ": retrying"))
        return TRADING_LOG_INFO; /* librdkafka goes on by itself */
    return level <= 3   ? TRADING_LOG_ERROR
           : level <= 5 ? TRADING_LOG_WARNING
           : level == 6 ? TRADING_LOG_INFO
                        : TRADING_LOG_DEBUG;
}

/* Called by librdkafka within calls of it that the bus makes, as the next one: its own threads call nothing of the host. */
static void tell_line(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    const struct kafka_bus *bus = rd_kafka_opaque(client);
    char line[400];
    if (strstr(text, "property and will be ignored by this")) /* all clients are given all that the location says */
        return;
    snprintf(line, sizeof line, "kafka: %s: %s", facility, text);
    bus->host->log(bus->host->context, host_level(level, text), line);
}

static void note_error(rd_kafka_t *client, int err, const char *reason, void *opaque)
{
    struct kafka_bus *bus = opaque;
    (void)client;
    pthread_mutex_lock(&bus->troubles.lock);
    bus->troubles.count++;
    /* "no broker is left" says less than what came before it */
    if (err != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || !bus->troubles.newest[0])
        snprintf(bus->troubles.newest, sizeof bus->troubles.newest, "%s", reason);
    pthread_mutex_unlock(&bus->troubles.lock);
}

/* ---- errors ---- */

static int32_t code_of(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
        return TRADING_E_TIMEOUT;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return TRADING_E_NOT_FOUND;
    case RD_KAFKA_RESP_ERR__FENCED:
    case RD_KAFKA_RESP_ERR_PRODUCER_FENCED:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
        return TRADING_E_FENCED;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
        return TRADING_E_INVALID;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return TRADING_E_BUSY;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
        return TRADING_E_POSITION;
    default:
        return TRADING_E_IO;
    }
}

bool client_is_unknown(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || err == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           err == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
}

bool client_may_pass(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__STATE:
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION:
    case RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS:
    case RD_KAFKA_RESP_ERR_NOT_COORDINATOR:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS:
    case RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS:
    case RD_KAFKA_RESP_ERR_NOT_CONTROLLER:
        return true;
    default:
        return false;
    }
}

int32_t client_error(struct kafka_bus *bus, trading_error *error, rd_kafka_resp_err_t err, const char *format, ...)
{
    char what[160];
    char why[sizeof bus->troubles.newest];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&bus->troubles.lock);
    memcpy(why, bus->troubles.newest, sizeof why);
    pthread_mutex_unlock(&bus->troubles.lock);
    bool connected = err != RD_KAFKA_RESP_ERR__TIMED_OUT && err != RD_KAFKA_RESP_ERR__TRANSPORT;
    int32_t code = error_native(error, code_of(err), err, "%s: %s%s%s", what, rd_kafka_err2str(err),
                                !connected && why[0] ? "; " : "", connected ? "" : why);
    if (error && code == TRADING_E_IO && client_may_pass(err))
        error->flags |= TRADING_ERROR_RETRYABLE;
    return code;
}

int32_t client_failure(struct kafka_bus *bus, trading_error *error, rd_kafka_error_t *failure, const char *what)
{
    int32_t code = client_error(bus, error, rd_kafka_error_code(failure), "%s: %s", what, rd_kafka_error_string(failure));
    if (error && rd_kafka_error_is_retriable(failure))
        error->flags |= TRADING_ERROR_RETRYABLE;
    if (error && rd_kafka_error_is_fatal(failure))
        error->flags = (error->flags & ~TRADING_ERROR_RETRYABLE) | TRADING_ERROR_FATAL;
    rd_kafka_error_destroy(failure);
    return code;
}

/* ---- making them ---- */

/* The value of a property is not said: it may be a secret. */
static int32_t set(rd_kafka_conf_t *conf, const char *name, const char *value, trading_error *error)
{
    char why[200];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, why, sizeof why);
    if (result == RD_KAFKA_CONF_OK)
        return TRADING_OK;
    if (result == RD_KAFKA_CONF_UNKNOWN)
        return error_set(error, TRADING_E_SYNTAX, "librdkafka has no property \"%.60s\"", name);
    return error_set(error, TRADING_E_SYNTAX, "the value of %.60s is none that librdkafka takes", name);
}

/* Who logs in does it over TLS and without sending the password, unless the location says otherwise. */
static int32_t set_login(rd_kafka_conf_t *conf, const struct location *location, trading_error *error)
{
    if (!location->user[0])
        return TRADING_OK;
    int32_t code = set(conf, "sasl.username", location->user, error);
    if (!code)
        code = set(conf, "sasl.password", location->password, error);
    if (!code)
        code = set(conf, "security.protocol", "SASL_SSL", error);
    return code ? code : set(conf, "sasl.mechanism", "SCRAM-SHA-512", error);
}

static int32_t configure(rd_kafka_conf_t *conf, const struct location *location, const char *const (*settings)[2],
                         trading_error *error)
{
    int32_t code = set(conf, "bootstrap.servers", location->hosts, error);
    if (!code)
        code = set(conf, "log.queue", "true", error);
    if (!code)
        code = set(conf, "log.connection.close", "false", error);
    if (!code)
        code = set(conf, "fetch.wait.max.ms", "100", error); /* what is read from next waits for the fetch before */
    if (!code)
        code = set(conf, "allow.auto.create.topics", "false", error); /* asking for a topic is not to make one */
    if (!code)
        code = set_login(conf, location, error);
    for (uint32_t i = 0; !code && i < location->setting_count; i++)
        code = set(conf, location->settings[i].name, location->settings[i].value, error);
    for (size_t i = 0; !code && settings[i][0]; i++)
        code = set(conf, settings[i][0], settings[i][1], error);
    return code;
}

rd_kafka_t *client_open(struct kafka_bus *bus, rd_kafka_type_t type, const char *const (*settings)[2], client_notes notes,
                        trading_error *error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    if (configure(conf, &bus->location, settings, error)) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    rd_kafka_conf_set_opaque(conf, bus);
    rd_kafka_conf_set_log_cb(conf, tell_line);
    rd_kafka_conf_set_error_cb(conf, note_error);
    if (notes)
        notes(conf);
    char why[200];
    rd_kafka_t *client = rd_kafka_new(type, conf, why, sizeof why);
    if (!client) {
        rd_kafka_conf_destroy(conf);
        error_set(error, TRADING_E_INVALID, "librdkafka does not take the settings of this bus: %s", why);
        return NULL;
    }
    rd_kafka_set_log_queue(client, NULL);
    return client;
}

void client_wake_on(struct kafka_bus *bus, rd_kafka_queue_t *queue)
{
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(queue, bus->wake, &one, sizeof one);
}
