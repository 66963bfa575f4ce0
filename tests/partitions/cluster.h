/* One engine for each partition of a store that they share, as if each were in a process of its own, and letters between them by a carrier
 * that loses, repeats and reorders. Whatever goes wrong ends the program, saying where. */
#ifndef PARTITIONS_CLUSTER_H
#define PARTITIONS_CLUSTER_H

#include "fail.h"
#include "lines.h"
#include "shared_store.h"

#include <pthread.h>
#include <stdatomic.h>

enum { CLUSTER_MOST = 4 };

struct carried {
    uint32_t to;
    uint64_t size;
    uint8_t data[TRADING_LETTER_BYTES];
};

struct cluster {
    struct shared_store store;
    trading_host *host;
    char uri[48];
    uint32_t partitions;
    uint32_t flags;
    trading_engine *seats[CLUSTER_MOST];
    struct chance chance; /* the carrier's */
    int32_t honest;       /* it loses nothing */
    struct carried *bag;
    size_t count;
    size_t room;
};

/* With an engine in each seat. */
void cluster_open(struct cluster *cluster, uint32_t partitions, uint32_t flags, uint64_t seed);
void cluster_close(struct cluster *cluster);

/* Another engine of the partition, over the same store; the caller's. */
trading_engine *cluster_engine(struct cluster *cluster, uint32_t partition);
/* A read-only engine of all partitions. */
trading_engine *cluster_reader(struct cluster *cluster);

/* Takes what an engine has for others into the bag, as far as it is not lost; hands over some of what is in it, in any order. */
void cluster_collect(struct cluster *cluster, trading_engine *engine);
void cluster_deliver(struct cluster *cluster);
void cluster_look(struct cluster *cluster);
/* Of manual engines: until nothing is on its way. */
void cluster_settle(struct cluster *cluster);

/* Executes in the seat that the command belongs to; in all, where it belongs to all: the first one's result. */
trading_result cluster_execute(struct cluster *cluster, const trading_command *command);
/* Tells every other engine what each book quotes. */
void cluster_hint(struct cluster *cluster);

/* Proves all partitions from a read-only engine over the store. */
void cluster_verify(struct cluster *cluster);

#endif
