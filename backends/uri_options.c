#include "backends/uri_options.h"

#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 1024

/* ---- text ---- */

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool uri_decode(char *out, size_t size, const char *text, size_t length)
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

/* ---- options that are kept ---- */

static int32_t keep_number(const struct uri_options *options, const struct uri_option *option, const char *text,
                           trading_error *error)
{
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < option->least || value > option->most)
        return error_set(error, TRADING_E_SYNTAX, "%s of %s is a number from %lld to %lld", option->name, options->whose,
                         (long long)option->least, (long long)option->most);
    memcpy((char *)options->target + option->offset, &(int64_t){value}, sizeof(int64_t));
    return TRADING_OK;
}

static int32_t keep_text(const struct uri_options *options, const struct uri_option *option, const char *text,
                         trading_error *error)
{
    size_t length = strlen(text);
    if (length >= option->size)
        return error_set(error, TRADING_E_SYNTAX, "%s of %s is too long", option->name, options->whose);
    memcpy((char *)options->target + option->offset, text, length + 1);
    return TRADING_OK;
}

int32_t uri_keep_option(const struct uri_options *options, const char *name, const char *value, trading_error *error)
{
    for (size_t i = 0; i < options->kept_count; i++) {
        const struct uri_option *option = &options->kept[i];
        if (strcmp(option->name, name) == 0)
            return option->size ? keep_text(options, option, value, error) : keep_number(options, option, value, error);
    }
    return error_set(error, TRADING_E_SYNTAX, "%s has no option \"%.40s\"", options->whose, name);
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
static int32_t read_options(const struct uri_options *options, const char *path, trading_error *error)
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
            code = options->set(options, line, equals + 1, error);
        else if (line[0])
            code = error_set(error, TRADING_E_SYNTAX, "a line of the options file %.80s is not option=value", path);
    }
    explicit_bzero(line, sizeof line);
    fclose(file);
    return code;
}

/* A file whose first line is the password. */
static int32_t read_password(const struct uri_options *options, const char *path, trading_error *error)
{
    FILE *file = fopen(path, "re");
    char line[LINE_BYTES] = "";
    bool failed = !file || (!fgets(line, sizeof line, file) && ferror(file));
    int native = errno;
    if (file)
        fclose(file);
    if (failed)
        return error_native(error, TRADING_E_IO, native, "the password file %.80s cannot be read: %s", path, strerror(native));
    line[strcspn(line, "\r\n")] = '\0';
    if (!line[0])
        return error_set(error, TRADING_E_INVALID, "the password file %.80s has no password in its first line", path);
    int32_t code = options->set(options, "password", line, error);
    explicit_bzero(line, sizeof line);
    return code;
}

/* ---- the URI ---- */

static int32_t refuse_secret(trading_error *error)
{
    return error_set(error, TRADING_E_INVALID,
                     "a password does not belong in a URI, which is printed; name a file with password_file= or options=");
}

static int32_t set_pair(const struct uri_options *options, const char *pair, size_t length, trading_error *error)
{
    const char *equals = memchr(pair, '=', length);
    char name[64];
    char value[URI_TEXT];
    if (!equals || !uri_decode(name, sizeof name, pair, (size_t)(equals - pair)) ||
        !uri_decode(value, sizeof value, equals + 1, length - (size_t)(equals - pair) - 1))
        return error_set(error, TRADING_E_SYNTAX, "the options of %s are ?option=value&option=value", options->whose);
    if (strcmp(name, "options") == 0)
        return read_options(options, value, error);
    if (strcmp(name, "password_file") == 0)
        return read_password(options, value, error);
    if (strcmp(name, "password") == 0 || (options->is_secret && options->is_secret(name)))
        return refuse_secret(error);
    return options->set(options, name, value, error);
}

int32_t uri_read_options(const struct uri_options *options, const char *text, trading_error *error)
{
    int32_t code = TRADING_OK;
    while (!code && *text) {
        size_t length = strcspn(text, "&");
        code = set_pair(options, text, length, error);
        text += length + (text[length] == '&');
    }
    return code;
}

int32_t uri_read_user(const struct uri_options *options, char *user, size_t size, const char **text, size_t *length,
                      trading_error *error)
{
    const char *at = memchr(*text, '@', *length);
    if (!at)
        return TRADING_OK;
    size_t part = (size_t)(at - *text);
    if (memchr(*text, ':', part))
        return refuse_secret(error);
    if (!uri_decode(user, size, *text, part))
        return error_set(error, TRADING_E_SYNTAX, "the user of %s cannot be read", options->whose);
    *text += part + 1;
    *length -= part + 1;
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

int32_t uri_read_hosts(const struct uri_options *options, char *hosts, size_t size, const char *default_port, const char *text,
                       size_t length, trading_error *error)
{
    const char *comma = memrchr(text, ',', length);
    const char *last = comma ? comma + 1 : text;
    const char *port = port_of(last, length - (size_t)(last - text));
    int port_length = port ? (int)(text + length - port) : (int)strlen(default_port);
    size_t at = 0;
    for (size_t i = 0; i <= length;) {
        const char *host = text + i;
        comma = memchr(host, ',', length - i);
        size_t part = comma ? (size_t)(comma - host) : length - i;
        bool named = port_of(host, part) != NULL;
        int written = snprintf(hosts + at, size - at, "%s%.*s%s%.*s", at ? "," : "", (int)part, host, named ? "" : ":",
                               named ? 0 : port_length, port ? port : default_port);
        if (part == 0 || written < 0 || (size_t)written >= size - at)
            return error_set(error, TRADING_E_SYNTAX, "the hosts of %s are host,host:port", options->whose);
        at += (size_t)written;
        i += part + 1;
    }
    return TRADING_OK;
}
