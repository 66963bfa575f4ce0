/* The store contract over the plugin: contract PLUGIN LOCATION [CASE]. The location ends where the case's name is put behind. */
#include "plugin_store.h"
#include "store_contract.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s PLUGIN LOCATION [CASE]\n", argv[0]);
        return 2;
    }
    struct store_contract contract = {
        .ops = plugin_store(argv[1]), .location = argv[2], .flags = STORE_CONTRACT_LASTS, .only = argc > 3 ? argv[3] : NULL};
    return store_contract_run(&contract) != 0;
}
