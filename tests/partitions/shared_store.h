/* A store in memory that several engines have open at once, as processes have a store on a server. */
#ifndef PARTITIONS_SHARED_STORE_H
#define PARTITIONS_SHARED_STORE_H

#include <trading/plugin/store.h>

struct shared_store {
    void *inner;
    trading_store_ops ops; /* whose open gives the same store each time */
    char location[32];     /* where they open it */
};

void shared_store_make(struct shared_store *store);
void shared_store_unmake(struct shared_store *store);

#endif
