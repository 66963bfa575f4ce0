/* The store contract over the stores that are linked in. Argument: only the cases whose names contain it. */
#include "backends/lmdb/lmdb_store.h"
#include "backends/memory/memory_store.h"
#include "scratch.h"
#include "store_contract.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    const char *only = argc > 1 ? argv[1] : NULL;
    char location[SCRATCH_PATH];
    scratch_make(location);
    struct store_contract memory = {.ops = &memory_store_ops, .location = "memory/", .only = only};
    struct store_contract lmdb = {.ops = &lmdb_store_ops, .location = location, .flags = STORE_CONTRACT_LOCKS, .only = only};
    int failed = store_contract_run(&memory) + store_contract_run(&lmdb);
    scratch_remove(location);
    return failed != 0;
}
