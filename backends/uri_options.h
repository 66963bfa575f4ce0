/* What URIs of servers have in common: "user@host1,host2:port…?option=value&…". An option may stand in a file too, which "options=FILE" names; a
 * password stands only there, or in a file of its own that "password_file=FILE" names, never in the URI, because URIs are printed. */
#ifndef URI_OPTIONS_H
#define URI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <trading/error.h>

#define URI_TEXT 512u

/* An option that is kept as it is: where in the target. */
struct uri_option {
    const char *name;
    size_t offset;
    size_t size; /* of a text; 0: a number, an int64_t */
    int64_t least;
    int64_t most;
};

#define URI_OPTION_TEXT(type, member)                                                                                          \
    {                                                                                                                          \
#member, offsetof(type, member), sizeof((type *)0)->member, 0, 0                                                       \
    }
#define URI_OPTION_NUMBER(name, type, member, least, most)                                                                     \
    {                                                                                                                          \
        name, offsetof(type, member), 0, least, most                                                                           \
    }

/* Where options go. Errors name the option, and never its value where that is secret. */
struct uri_options {
    const char *whose; /* such as "a Cassandra store" */
    void *target;
    const struct uri_option *kept;
    size_t kept_count;
    /* Takes any option: those that are particular itself, the others by uri_keep_option. */
    int32_t (*set)(const struct uri_options *options, const char *name, const char *value, trading_error *error);
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

/* Puts the value of an option where it is kept; TRADING_E_SYNTAX when it is none of those, too long, or no number within the bounds. */
int32_t uri_keep_option(const struct uri_options *options, const char *name, const char *value, trading_error *error);

/* "option=value&option=value", with what the files say that they name. */
int32_t uri_read_options(const struct uri_options *options, const char *text, trading_error *error);

#endif
