/* A whole deployment in one process: nodes as threads over one store and one bus in memory, and a client. */
#ifndef SERVE_DEPLOYMENT_H
#define SERVE_DEPLOYMENT_H

#include "partitions/shared_store.h"
#include "serve/errands.h"
#include "serve/node.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <cmocka.h>

enum { DEPLOYMENT_NODES = 3 };

struct seat {
    struct node_options options;
    pthread_t thread;
    atomic_bool stops;
    bool runs;
    int code;
};

struct deployment {
    trading_host *host;
    struct shared_store store;
    char store_uri[48];
    char bus_uri[48];
    uint32_t partitions;
    struct seat seats[DEPLOYMENT_NODES];
    struct errands client;
};

/* So many nodes at work on so many partitions, and a client. */
void deployment_open(struct deployment *deployment, size_t nodes, uint32_t partitions, bool record_time);
/* The same, with what `prepare` sets of each node. */
void deployment_open_with(struct deployment *deployment, size_t nodes, uint32_t partitions, void (*prepare)(struct serving *));
/* Ends all that runs, each of which must end well. */
void deployment_close(struct deployment *deployment);

/* Lets the client send nothing twice, for those who count records and positions, where nothing is lost. */
void deployment_send_once(struct deployment *deployment);

void deployment_start(struct deployment *deployment, size_t node);
void deployment_stop(struct deployment *deployment, size_t node);

/* Sends a line, and gives its answer: to be released. */
json_t *deployment_ask(struct deployment *deployment, const char *line);
/* The same, of a line that is written like printf; the answer must be ok. */
json_t *deployment_do(struct deployment *deployment, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same of a market order without a key: placed anew while the partition of its account was not told of the quote, of which the answer to who set it
 * says nothing (docs/serve.md: quotes of other partitions lag by the bus). */
json_t *deployment_do_once_quoted(struct deployment *deployment, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Waits a little for answers to what was sent, and drops those that came; the store must have failed in none. */
void deployment_take_answers(struct deployment *deployment);

/* Proves all partitions from a read-only engine over the store. */
void deployment_verify(struct deployment *deployment);

#endif
