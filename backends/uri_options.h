/* What URIs of servers have in common: "user@host1,host2:port…?option=value&…". An option may stand in a file too, which "options=FILE" names; a
 * password stands only there, or in a file of its own that "password_file=FILE" names, never in the URI, because URIs are printed. */
#ifndef URI_OPTIONS_H
#define URI_OPTIONS_H

#include <stdbool.h>

#include <trading/error.h>

#define URI_TEXT 512u

/* Where options go. Errors name the option, and never its value where that is secret. */
struct uri_options {
    const char *whose; /* such as "a Cassandra store" */
    void *target;
    int32_t (*set)(void *target, const char *name, const char *value, trading_error *error);
    /* Whether what an option says is not to be printed, besides "password". NULL: none. */
    bool (*is_secret)(const char *name);
};

/* Copies a text with its %XX decoded. False when it is too long, or ill-formed. */
bool uri_decode(char *out, size_t size, const char *text, size_t length);

/* "user@", when it is there: moves on behind it. */
int32_t uri_read_user(const struct uri_options *options, char *user, size_t size, const char **text, size_t *length,
                      trading_error *error);

/* "host,host:port" as "host:port,host:port": those without a port have that of the last one, or the default. */
int32_t uri_read_hosts(const struct uri_options *options, char *hosts, size_t size, const char *default_port, const char *text,
                       size_t length, trading_error *error);

/* "option=value&option=value", with what the files say that they name. */
int32_t uri_read_options(const struct uri_options *options, const char *text, trading_error *error);

#endif
