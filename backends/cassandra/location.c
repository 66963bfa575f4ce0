#include "backends/cassandra/location.h"

#include "backends/uri_options.h"
#include "base/error.h"

#include <stdbool.h>
#include <string.h>

#define DEFAULT_PORT "9042"

/* ---- options ---- */

static const struct uri_option kept[] = {
    URI_OPTION_TEXT(struct location, journal),
    URI_OPTION_TEXT(struct location, user),
    URI_OPTION_TEXT(struct location, password),
    URI_OPTION_TEXT(struct location, datacentre),
    URI_OPTION_TEXT(struct location, tls_ca),
    URI_OPTION_TEXT(struct location, tls_certificate),
    URI_OPTION_TEXT(struct location, tls_key),
    URI_OPTION_NUMBER("tls", struct location, tls, 0, 1),
    URI_OPTION_NUMBER("create", struct location, create, 0, 100),
    URI_OPTION_NUMBER("connect_timeout", struct location, connect_timeout_ms, 1, 3600000),
    URI_OPTION_NUMBER("request_timeout", struct location, request_timeout_ms, 1, 3600000),
    URI_OPTION_NUMBER("resolve_timeout", struct location, resolve_timeout_ms, 1, 3600000),
    URI_OPTION_NUMBER("page_rows", struct location, page_rows, 1, 100000),
    URI_OPTION_NUMBER("inline_bytes", struct location, inline_bytes, 0, 4 << 20),
    URI_OPTION_NUMBER("bucket_bytes", struct location, bucket_bytes, 1, INT64_C(1) << 40),
    URI_OPTION_NUMBER("in_flight", struct location, in_flight, 1, 64),
};

static int32_t set_consistency(struct location *location, const char *text, trading_error *error)
{
    location->local = strcmp(text, "local_quorum") == 0;
    if (location->local || strcmp(text, "quorum") == 0)
        return TRADING_OK;
    return error_set(error, TRADING_E_SYNTAX, "consistency of a Cassandra store is quorum or local_quorum");
}

static int32_t set_option(const struct uri_options *own, const char *name, const char *value, trading_error *error)
{
    if (strcmp(name, "consistency") == 0)
        return set_consistency(own->target, value, error);
    return uri_keep_option(own, name, value, error);
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
    if (!location->tls_certificate[0] != !location->tls_key[0])
        return error_set(error, TRADING_E_INVALID, "a certificate for Cassandra takes tls_certificate and tls_key, both");
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
    const struct uri_options own = {.whose = "a Cassandra store",
                                    .target = location,
                                    .kept = kept,
                                    .kept_count = sizeof kept / sizeof *kept,
                                    .set = set_option};
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
        .tls = location->tls != 0 || location->tls_ca[0] || location->tls_certificate[0],
        .local = (int32_t)location->local,
        .connect_timeout_ms = location->connect_timeout_ms,
        .request_timeout_ms = location->request_timeout_ms,
    };
}
