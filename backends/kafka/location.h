/* Where a bus is and how it is to be used: "//user@host1,host2:port/?option=value&…", docs/kafka.md lists the options. */
#ifndef KAFKA_LOCATION_H
#define KAFKA_LOCATION_H

#include "backends/uri_options.h"

#define SETTINGS_MOST 32

/* A property of librdkafka, passed through. */
struct setting {
    char name[64];
    char value[URI_TEXT];
};

struct location {
    char hosts[URI_TEXT]; /* each with its port */
    char user[128];
    char password[256];
    char member[128];           /* of a group, kept over a restart; "": the group gives it a name */
    char marks[250];            /* the topic of marks */
    int64_t replication;        /* of topics that are created; 0: what the brokers have by default */
    int64_t connect_timeout_ms; /* … */
    int64_t publish_timeout_ms; /* how long brokers may take to have a record */
    uint32_t setting_count;
    struct setting settings[SETTINGS_MOST];
};

/* Reads a location; TRADING_E_SYNTAX or TRADING_E_INVALID, with the option named and never its value where that is secret. */
int32_t location_read(struct location *location, const char *text, trading_error *error);

/* Overwrites what is secret. */
void location_forget(struct location *location);

#endif
