/* What the store needs of a Cassandra driver, so that the driver can be changed: connect, prepare, run statements with bound values
 * (several at a time), walk through rows page by page, close.
 *
 * driver_scylla/ implements it in Rust on the scylla crate. Another, on the `cass_*` functions of cassandra.h say, goes beside it as
 * driver_NAME/ and is chosen in meson.build; nothing else here knows which it is.
 *
 * Threads: all functions may be called from any thread; one thread at a time uses a request or its rows. After a fork the child gets
 * DRIVER_FORKED from every call, and closing is without effect there. */
#ifndef CASSANDRA_DRIVER_H
#define CASSANDRA_DRIVER_H

#include <stdint.h>

#define DRIVER_OK          0
#define DRIVER_REFUSED     1 /* it had no effect, and would be refused again */
#define DRIVER_UNAVAILABLE 2 /* it had no effect: too few nodes were there; it may succeed later */
#define DRIVER_UNCERTAIN   3 /* nobody knows whether it had an effect */
#define DRIVER_FORKED      4
#define DRIVER_BROKEN      5 /* the driver itself failed */

struct driver;
struct driver_statement;
struct driver_request;
struct driver_rows;

struct driver_failure {
    int32_t code; /* DRIVER_ */
    char message[252];
};

/* Texts are NUL-terminated, and NULL where nothing was given; read during driver_connect only. */
struct driver_settings {
    const char *hosts;    /* "host:port,host:port" */
    const char *keyspace; /* whose tokens the driver should know; need not be there yet */
    const char *user;
    const char *password;
    const char *datacentre; /* nodes elsewhere are not talked to */
    const char *tls_ca;     /* files in PEM form */
    const char *tls_certificate;
    const char *tls_key;
    int32_t tls;
    int32_t local; /* a quorum of the datacentre is asked, not one of all nodes */
    int64_t connect_timeout_ms;
    int64_t request_timeout_ms;
};

#define DRIVER_NULL    0
#define DRIVER_INT32   1 /* int */
#define DRIVER_INT64   2 /* bigint */
#define DRIVER_BOOLEAN 3
#define DRIVER_BYTES   4 /* blob, text */

struct driver_value {
    int32_t type; /* DRIVER_ */
    int64_t number;
    const void *bytes;
    uint64_t size;
};

#define DRIVER_READ        0 /* at quorum */
#define DRIVER_READ_SERIAL 1 /* sees every transaction that was answered, and ends those that were left in the middle */
#define DRIVER_WRITE       2 /* at quorum; may be sent again by the driver */
#define DRIVER_TRANSACTION 3 /* lightweight; never sent again by the driver */

int32_t driver_connect(const struct driver_settings *settings, struct driver **driver, struct driver_failure *failure);
void driver_close(struct driver *driver);

/* Runs a statement that changes the schema. */
int32_t driver_define(struct driver *driver, const char *cql, struct driver_failure *failure);
/* Waits until all nodes that are there have the same schema, whoever changed it. */
int32_t driver_agree(struct driver *driver, struct driver_failure *failure);

int32_t driver_prepare(struct driver *driver, const char *cql, int32_t mode, int32_t rows_a_page,
                       struct driver_statement **statement, struct driver_failure *failure);
void driver_release(struct driver_statement *statement);

/* Starts a prepared statement; the values are copied. Every request that was begun is awaited, once. */
int32_t driver_begin(struct driver *driver, const struct driver_statement *statement, const struct driver_value *values,
                     uint64_t count, struct driver_request **request, struct driver_failure *failure);
/* Waits until the server has answered, or the request timeout is over. `rows` may be NULL where none are wanted. */
int32_t driver_await(struct driver_request *request, struct driver_rows **rows, struct driver_failure *failure);

/* Goes to the next row, the first one to begin with. `found`: 0 after the last one. */
int32_t driver_next(struct driver_rows *rows, int32_t *found, struct driver_failure *failure);
/* A column of the row, from 0. Each returns 1, or 0 when it is null or not of that type. Bytes stay until the next row. */
int32_t driver_number(const struct driver_rows *rows, uint32_t column, int64_t *number); /* int, bigint or boolean */
int32_t driver_bytes(const struct driver_rows *rows, uint32_t column, const void **bytes, uint64_t *size);
void driver_rows_close(struct driver_rows *rows);

#endif
