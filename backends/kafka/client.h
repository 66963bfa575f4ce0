/* Clients of librdkafka: how they are configured, what they log, and their errors as the bus's. */
#ifndef KAFKA_CLIENT_H
#define KAFKA_CLIENT_H

#include "backends/kafka/location.h"
#include "base/memory.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>

#include <trading/plugin/bus.h>

struct kafka_bus;

/* What went wrong with connections. */
struct troubles {
    pthread_mutex_t lock;
    char newest[160];
    uint64_t count;
};

/* Sets what librdkafka calls, with the bus: for deliveries, or for what is owned. */
typedef void (*client_notes)(rd_kafka_conf_t *conf);

/* Makes a client, with what the location says and then these properties of librdkafka, in pairs of name and value that end with NULL; `notes`
 * may be NULL. NULL, and `error` filled. */
rd_kafka_t *client_open(struct kafka_bus *bus, rd_kafka_type_t type, const char *const (*settings)[2], client_notes notes,
                        trading_error *error);

/* Wakes the thread that polls when something comes into a queue. */
void client_wake_on(struct kafka_bus *bus, rd_kafka_queue_t *queue);

/* Fills `error` with what failed and why, and returns its code. */
__attribute__((format(printf, 4, 5))) int32_t client_error(struct kafka_bus *bus, trading_error *error, rd_kafka_resp_err_t err,
                                                           const char *format, ...);
/* The same for an error object, which is destroyed. */
int32_t client_failure(struct kafka_bus *bus, trading_error *error, rd_kafka_error_t *failure, const char *what);

/* Milliseconds for the answer of a broker. Who can wait longer asks again, and another one than a broker that died over the question. */
#define CLIENT_QUESTION 2000

/* Whether the same question may be answered later: of what befalls who asks while brokers die, come back, or tell each other who leads. */
bool client_may_pass(rd_kafka_resp_err_t err);
/* Whether there is no such topic or partition, as far as who answered knows. */
bool client_is_unknown(rd_kafka_resp_err_t err);

/* Milliseconds of the monotonic clock; and waiting for less than a second. */
int64_t client_clock(void);
void client_pause(int milliseconds);

#endif
