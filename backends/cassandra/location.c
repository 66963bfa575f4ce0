#include "backends/cassandra/location.h"

#include "base/error.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PORT "9042"
#define LINE_BYTES   1024

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

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* Copies a text with its %XX decoded. False when it is too long, or ill-formed. */
static bool decode(char *out, size_t size, const char *text, size_t length)
{
    size_t at = 0;
    for (size_t i = 0; i < length; i++) {
        char byte = text[i];
        if (byte == '%') {
            int high = i + 2 < length ? hex_digit(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0 || high + low == 0)
                return false;
            byte = (char)(high * 16 + low);
            i += 2;
        }
        if (at + 1 >= size)
            return false;
        out[at++] = byte;
    }
    out[at] = '\0';
    return true;
}

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

static int32_t set_option(struct location *location, const char *name, const char *value, trading_error *error)
{
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

/* ---- files ---- */

/* A line without its end, white space and comment; false at the end of the file. */
static bool next_line(FILE *file, char line[LINE_BYTES])
{
    if (!fgets(line, LINE_BYTES, file))
        return false;
    size_t length = strlen(line);
    while (length && strchr(" \t\r\n", line[length - 1]))
        line[--length] = '\0';
    if (line[0] == '#')
        line[0] = '\0';
    return true;
}

/* A file of lines "option=value". */
static int32_t read_options(struct location *location, const char *path, trading_error *error)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return error_native(error, TRADING_E_IO, errno, "the options file %.80s cannot be read: %s", path, strerror(errno));
    char line[LINE_BYTES];
    int32_t code = TRADING_OK;
    while (!code && next_line(file, line)) {
        char *equals = strchr(line, '=');
        if (equals)
            *equals = '\0';
        if (equals)
            code = set_option(location, line, equals + 1, error);
        else if (line[0])
            code = error_set(error, TRADING_E_SYNTAX, "a line of the options file %.80s is not option=value", path);
    }
    explicit_bzero(line, sizeof line);
    fclose(file);
    return code;
}

/* A file whose first line is the password. */
static int32_t read_password(struct location *location, const char *path, trading_error *error)
{
    FILE *file = fopen(path, "re");
    char line[LINE_BYTES] = "";
    bool read = file && fgets(line, sizeof line, file);
    int native = errno;
    if (file)
        fclose(file);
    if (!read)
        return error_native(error, TRADING_E_IO, native, "the password file %.80s cannot be read", path);
    line[strcspn(line, "\r\n")] = '\0';
    int32_t code = set_option(location, "password", line, error);
    explicit_bzero(line, sizeof line);
    return code;
}

/* ---- the URI ---- */

static int32_t set_pair(struct location *location, const char *pair, size_t length, trading_error *error)
{
    const char *equals = memchr(pair, '=', length);
    char name[64];
    char value[LOCATION_TEXT];
    if (!equals || !decode(name, sizeof name, pair, (size_t)(equals - pair)) ||
        !decode(value, sizeof value, equals + 1, length - (size_t)(equals - pair) - 1))
        return error_set(error, TRADING_E_SYNTAX, "the options of a Cassandra store are ?option=value&option=value");
    if (strcmp(name, "options") == 0)
        return read_options(location, value, error);
    if (strcmp(name, "password_file") == 0)
        return read_password(location, value, error);
    if (strcmp(name, "password") == 0)
        return error_set(error, TRADING_E_INVALID,
                         "a password does not belong in a URI, which is printed; name a file with password_file= or options=");
    return set_option(location, name, value, error);
}

static int32_t read_pairs(struct location *location, const char *text, trading_error *error)
{
    int32_t code = TRADING_OK;
    while (!code && *text) {
        size_t length = strcspn(text, "&");
        code = set_pair(location, text, length, error);
        text += length + (text[length] == '&');
    }
    return code;
}

/* "user@", when it is there. */
static int32_t read_user(struct location *location, const char **text, size_t *length, trading_error *error)
{
    const char *at = memchr(*text, '@', *length);
    if (!at)
        return TRADING_OK;
    size_t size = (size_t)(at - *text);
    if (memchr(*text, ':', size))
        return error_set(error, TRADING_E_INVALID,
                         "a password does not belong in a URI, which is printed; name a file with password_file= or options=");
    if (!decode(location->user, sizeof location->user, *text, size))
        return error_set(error, TRADING_E_SYNTAX, "the user of a Cassandra store cannot be read");
    *text += size + 1;
    *length -= size + 1;
    return TRADING_OK;
}

/* Where a host's port is, in "host:port" or "[v6]:port"; NULL when it has none. */
static const char *port_of(const char *host, size_t size)
{
    const char *bracket = memrchr(host, ']', size);
    const char *from = bracket ? bracket : host;
    const char *colon = memchr(from, ':', size - (size_t)(from - host));
    return colon ? colon + 1 : NULL;
}

/* "host,host:port": those without a port have that of the last one. */
static int32_t read_hosts(struct location *location, const char *text, size_t length, trading_error *error)
{
    const char *comma = memrchr(text, ',', length);
    const char *last = comma ? comma + 1 : text;
    const char *port = port_of(last, length - (size_t)(last - text));
    int port_length = port ? (int)(text + length - port) : (int)strlen(DEFAULT_PORT);
    size_t at = 0;
    for (size_t i = 0; i <= length;) {
        const char *host = text + i;
        comma = memchr(host, ',', length - i);
        size_t size = comma ? (size_t)(comma - host) : length - i;
        bool named = port_of(host, size) != NULL;
        int written = snprintf(location->hosts + at, sizeof location->hosts - at, "%s%.*s%s%.*s", at ? "," : "", (int)size,
                               host, named ? "" : ":", named ? 0 : port_length, port ? port : DEFAULT_PORT);
        if (size == 0 || written < 0 || (size_t)written >= sizeof location->hosts - at)
            return error_set(error, TRADING_E_SYNTAX, "the hosts of a Cassandra store are host,host:port");
        at += (size_t)written;
        i += size + 1;
    }
    return TRADING_OK;
}

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
    text += 2;
    size_t length = strcspn(text, "/?");
    const char *rest = text + length;
    int32_t code = read_user(location, &text, &length, error);
    if (!code)
        code = read_hosts(location, text, length, error);
    if (code)
        return code;
    rest += *rest == '/';
    size_t keyspace = strcspn(rest, "?");
    if (!decode(location->keyspace, sizeof location->keyspace, rest, keyspace))
        location->keyspace[0] = '\0';
    if (rest[keyspace] == '?')
        code = read_pairs(location, rest + keyspace + 1, error);
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
