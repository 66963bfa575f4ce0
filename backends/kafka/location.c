#include "backends/kafka/location.h"

#include "base/error.h"

#include <string.h>

#define DEFAULT_PORT "9092"

/* ---- options ---- */

static const struct uri_option kept[] = {
    URI_OPTION_TEXT(struct location, user),
    URI_OPTION_TEXT(struct location, password),
    URI_OPTION_TEXT(struct location, member),
    URI_OPTION_TEXT(struct location, marks),
    URI_OPTION_NUMBER("replication", struct location, replication, 0, 100),
    URI_OPTION_NUMBER("connect_timeout", struct location, connect_timeout_ms, 1, 3600000),
    URI_OPTION_NUMBER("publish_timeout", struct location, publish_timeout_ms, 1000, 300000),
};

/* Properties of librdkafka on which what the bus promises rests, or that are said otherwise. */
static const char *const refused[] = {
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "bootstrap.servers",
    "delivery.report.only.error",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "isolation.level",
    "log.queue",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "partitioner",
    "plugin.library.paths",
    "request.required.acks",
    "transaction.timeout.ms",
    "transactional.id",
};

static bool is_secret(const char *name)
{
    return strstr(name, "password") || strstr(name, "secret") || strstr(name, "oauthbearer") ||
           strcmp(name, "ssl.key.pem") == 0;
}

/* Whether there is such a property, and its value can be, librdkafka says when the bus is opened. */
static int32_t add_setting(struct location *location, const char *name, const char *value, trading_error *error)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(refused[i], name) == 0)
            return error_set(error, TRADING_E_INVALID, "%s of librdkafka is not to be set: what a bus promises rests on it",
                             name);
    struct setting *setting = &location->settings[location->setting_count];
    if (location->setting_count == SETTINGS_MOST)
        return error_set(error, TRADING_E_INVALID, "a Kafka bus takes at most %d properties of librdkafka", SETTINGS_MOST);
    if (strlen(name) >= sizeof setting->name || strlen(value) >= sizeof setting->value)
        return error_set(error, TRADING_E_SYNTAX, "%.60s of a Kafka bus is too long", name);
    memcpy(setting->name, name, strlen(name) + 1);
    memcpy(setting->value, value, strlen(value) + 1);
    location->setting_count++;
    return TRADING_OK;
}

static int32_t set_option(const struct uri_options *own, const char *name, const char *value, trading_error *error)
{
    if (strchr(name, '.') || strcmp(name, "acks") == 0 || strcmp(name, "partitioner") == 0)
        return add_setting(own->target, name, value, error);
    return uri_keep_option(own, name, value, error);
}

/* ---- the URI ---- */

static int32_t check(const struct location *location, trading_error *error)
{
    if (!location->user[0] != !location->password[0])
        return error_set(error, TRADING_E_INVALID,
                         "logging in to Kafka takes a user and a password, in a file that password_file= or options= names");
    const char *marks = location->marks;
    if (!marks[0] || strspn(marks, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != strlen(marks))
        return error_set(error, TRADING_E_SYNTAX, "the topic of marks is named by letters, digits, '.', '_' and '-'");
    return TRADING_OK;
}

int32_t location_read(struct location *location, const char *text, trading_error *error)
{
    *location = (struct location){.marks = "trading.marks", .connect_timeout_ms = 10000, .publish_timeout_ms = 30000};
    const struct uri_options own = {.whose = "a Kafka bus",
                                    .target = location,
                                    .kept = kept,
                                    .kept_count = sizeof kept / sizeof *kept,
                                    .set = set_option,
                                    .is_secret = is_secret};
    if (strncmp(text, "//", 2) != 0)
        return error_set(error, TRADING_E_SYNTAX, "a Kafka bus is called kafka://host:port/");
    text += 2;
    size_t length = strcspn(text, "/?");
    const char *rest = text + length;
    int32_t code = uri_read_user(&own, location->user, sizeof location->user, &text, &length, error);
    if (!code)
        code = uri_read_hosts(&own, location->hosts, sizeof location->hosts, DEFAULT_PORT, text, length, error);
    if (code)
        return code;
    rest += *rest == '/';
    if (*rest && *rest != '?')
        return error_set(error, TRADING_E_SYNTAX, "a Kafka bus is called kafka://host:port/?option=value, without a path");
    if (*rest == '?')
        code = uri_read_options(&own, rest + 1, error);
    return code ? code : check(location, error);
}

void location_forget(struct location *location)
{
    explicit_bzero(location->password, sizeof location->password);
    explicit_bzero(location->settings, sizeof location->settings);
    location->setting_count = 0;
}
