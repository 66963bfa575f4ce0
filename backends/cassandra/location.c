#include "backends/cassandra/location.h"

#include "backends/uri_options.h"
#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT "9042"

/* ---- options ---- */

struct option {
    const char *name;
    size_t offset;
    size_t size; /* of a text; 0: a number */
    int64_t least;
    int64_t most;
};

#define TEXT(member)                                                                                                           \
    {                                                                                                                          \
#member, offsetof(struct location, member), sizeof((struct location *)0)->member, 0, 0                                 \
    }
#define NUMBER(name, member, least, most)                                                                                      \
    {                                                                                                                          \
        name, offsetof(struct location, member), 0, least, most                                                                \
    }

static const struct option options[] = {
    TEXT(journal),
    TEXT(user),
    TEXT(password),
    TEXT(datacentre),
    TEXT(tls_ca),
    TEXT(tls_certificate),
    TEXT(tls_key),
    NUMBER("tls", tls, 0, 1),
    NUMBER("create", create, 0, 100),
    NUMBER("connect_timeout", connect_timeout_ms, 1, 3600000),
    NUMBER("request_timeout", request_timeout_ms, 1, 3600000),
    NUMBER("resolve_timeout", resolve_timeout_ms, 1, 3600000),
    NUMBER("page_rows", page_rows, 1, 100000),
    NUMBER("inline_bytes", inline_bytes, 0, 4 << 20),
    NUMBER("bucket_bytes", bucket_bytes, 1, INT64_C(1) << 40),
    NUMBER("in_flight", in_flight, 1, 64),
};

static int32_t set_number(struct location *location, const struct option *option, const char *text, trading_error *error)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < option->least || value > option->most)
        return error_set(error, TRADING_E_SYNTAX, "%s of a Cassandra store is a number from %lld to %lld", option->name,
                         (long long)option->least, (long long)option->most);
    memcpy((char *)location + option->offset, &(int64_t){value}, sizeof(int64_t));
    return TRADING_OK;
}

static int32_t set_consistency(struct location *location, const char *text, trading_error *error)
{
    location->local = strcmp(text, "local_quorum") == 0;
    if (location->local || strcmp(text, "quorum") == 0)
        return TRADING_OK;
    return error_set(error, TRADING_E_SYNTAX, "consistency of a Cassandra store is quorum or local_quorum");
}

static int32_t set_option(void *target, const char *name, const char *value, trading_error *error)
{
    struct location *location = target;
    if (strcmp(name, "consistency") == 0)
        return set_consistency(location, value, error);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const struct option *option = &options[i];
        if (strcmp(option->name, name) != 0)
            continue;
        if (option->size == 0)
            return set_number(location, option, value, error);
        if (strlen(value) >= option->size)
            return error_set(error, TRADING_E_SYNTAX, "%s of a Cassandra store is too long", option->name);
        memcpy((char *)location + option->offset, value, strlen(value) + 1);
        return TRADING_OK;
    }
    return error_set(error, TRADING_E_SYNTAX, "a Cassandra store has no option \"%.40s\"", name);
}

/* ---- the URI ---- */

static bool is_name(const char *text, const char *allowed)
{
    return text[0] && text[strspn(text, allowed)] == '\0';
}

#define LETTERS "abcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

static int32_t check(const struct location *location, trading_error *error)
{
    if (!is_name(location->keyspace, LETTERS DIGITS "_") || !strchr(LETTERS, location->keyspace[0]))
        return error_set(error, TRADING_E_SYNTAX,
                         "the keyspace of a Cassandra store is 1 to %u letters a-z, digits and '_', a letter first",
                         KEYSPACE_BYTES);
    if (!is_name(location->journal, LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "._-"))
        return error_set(error, TRADING_E_SYNTAX, "a journal is called by 1 to %u letters, digits, '.', '_' and '-'",
                         JOURNAL_BYTES);
    if (!location->user[0] != !location->password[0])
        return error_set(error, TRADING_E_INVALID,
                         "logging in to Cassandra takes a user and a password, in a file that "
                         "password_file= or options= names");
    return TRADING_OK;
}

int32_t location_read(struct location *location, const char *text, trading_error *error)
{
    *location = (struct location){
        .journal = "main",
        .connect_timeout_ms = 5000,
        .request_timeout_ms = 5000,
        .resolve_timeout_ms = 30000,
        .page_rows = 100,
        .inline_bytes = 4 << 10,
        .bucket_bytes = 64 << 20,
        .in_flight = 4,
    };
    if (strncmp(text, "//", 2) != 0)
        return error_set(error, TRADING_E_SYNTAX, "a Cassandra store is called cassandra://host:port/keyspace");
    const struct uri_options own = {.whose = "a Cassandra store", .target = location, .set = set_option};
    text += 2;
    size_t length = strcspn(text, "/?");
    const char *rest = text + length;
    int32_t code = uri_read_user(&own, location->user, sizeof location->user, &text, &length, error);
    if (!code)
        code = uri_read_hosts(&own, location->hosts, sizeof location->hosts, DEFAULT_PORT, text, length, error);
    if (code)
        return code;
    rest += *rest == '/';
    size_t keyspace = strcspn(rest, "?");
    if (!uri_decode(location->keyspace, sizeof location->keyspace, rest, keyspace))
        location->keyspace[0] = '\0';
    if (rest[keyspace] == '?')
        code = uri_read_options(&own, rest + keyspace + 1, error);
    return code ? code : check(location, error);
}

void location_forget(struct location *location)
{
    explicit_bzero(location->password, sizeof location->password);
}

static const char *given(const char *text)
{
    return text[0] ? text : NULL;
}

struct driver_settings location_settings(const struct location *location)
{
    return (struct driver_settings){
        .hosts = location->hosts,
        .keyspace = location->keyspace,
        .user = given(location->user),
        .password = given(location->password),
        .datacentre = given(location->datacentre),
        .tls_ca = given(location->tls_ca),
        .tls_certificate = given(location->tls_certificate),
        .tls_key = given(location->tls_key),
        .tls = location->tls != 0 || location->tls_ca[0],
        .local = (int32_t)location->local,
        .connect_timeout_ms = location->connect_timeout_ms,
        .request_timeout_ms = location->request_timeout_ms,
    };
}
