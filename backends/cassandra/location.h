/* Where a store is and how it is to be used: "//user@host1,host2:port/keyspace?option=value&…", docs/cassandra.md lists the options. */
#ifndef CASSANDRA_LOCATION_H
#define CASSANDRA_LOCATION_H

#include "backends/cassandra/driver.h"
#include "backends/uri_options.h"

#include <trading/error.h>

#define LOCATION_TEXT  URI_TEXT
#define KEYSPACE_BYTES 48u
#define JOURNAL_BYTES  96u

struct location {
    char hosts[LOCATION_TEXT]; /* each with its port */
    char keyspace[KEYSPACE_BYTES + 1];
    char journal[JOURNAL_BYTES + 1];
    char user[128];
    char password[256];
    char datacentre[128];
    char tls_ca[LOCATION_TEXT];
    char tls_certificate[LOCATION_TEXT];
    char tls_key[LOCATION_TEXT];
    int64_t tls;
    int64_t local;              /* consistency=local_quorum */
    int64_t create;             /* copies of what is created; 0: nothing is */
    int64_t connect_timeout_ms; /* … */
    int64_t request_timeout_ms;
    int64_t resolve_timeout_ms; /* how long the fate of an append is asked for */
    int64_t page_rows;          /* blocks fetched at a time */
    int64_t inline_bytes;       /* larger blocks are written before their transaction */
    int64_t bucket_bytes;       /* a bucket is sealed when it has this many */
    int64_t in_flight;          /* appends begun and not polled that are worked on at a time */
};

/* Reads a location; TRADING_E_SYNTAX or TRADING_E_INVALID, with the option named and never its value where that is secret. */
int32_t location_read(struct location *location, const char *text, trading_error *error);

/* Overwrites the password. */
void location_forget(struct location *location);

/* As the driver takes it; points into `location`. */
struct driver_settings location_settings(const struct location *location);

#endif
