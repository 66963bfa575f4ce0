#include "shared_store.h"

#include "../plain_host.h"
#include "backends/memory/memory_store.h"

#include <stdio.h>
#include <stdlib.h>

static int32_t open_shared(const trading_store_request *request, const trading_host_functions *host, void **handle,
                           trading_error *error)
{
    (void)host;
    (void)error;
    const struct shared_store *store = (const struct shared_store *)(uintptr_t)strtoull(request->location, NULL, 16);
    *handle = store->inner;
    return TRADING_OK;
}

static void close_shared(void *handle)
{
    (void)handle;
}

void shared_store_make(struct shared_store *store)
{
    const trading_store_request request = {.size = sizeof request, .location = "", .durability = TRADING_DURABILITY_SYNC};
    trading_error error;
    if (memory_store_ops.open(&request, &plain_host, &store->inner, &error)) {
        fprintf(stderr, "no store: %s\n", error.message);
        exit(1);
    }
    store->ops = memory_store_ops;
    store->ops.open = open_shared;
    store->ops.close = close_shared;
    snprintf(store->location, sizeof store->location, "%llx", (unsigned long long)(uintptr_t)store);
}

void shared_store_unmake(struct shared_store *store)
{
    memory_store_ops.close(store->inner);
}
