/* The state store's contract over both of them. */
#include "scratch.h"
#include "state_contract.h"

int main(void)
{
    char location[SCRATCH_PATH];
    scratch_make(location);
    int failed = state_contract_run(&memory_state_store_ops, "memory/", false);
    failed += state_contract_run(&lmdb_state_store_ops, location, true);
    scratch_remove(location);
    return failed != 0;
}
