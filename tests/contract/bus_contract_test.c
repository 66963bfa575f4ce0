/* The bus contract over the bus within a process. */
#include "backends/memory/memory_bus.h"
#include "bus_contract.h"

#include <stdio.h>
#include <stdlib.h>

static void *allocate(void *context, size_t bytes)
{
    return memory_allocate(context, bytes);
}

static void release(void *context, void *block, size_t bytes)
{
    memory_release(context, block, bytes);
}

static void write_line(void *context, int32_t level, const char *line)
{
    (void)context;
    fprintf(stderr, "the bus says (%d): %s\n", (int)level, line);
}

int main(void)
{
    struct memory memory;
    memory_init(&memory);
    const trading_host_functions host = {.size = sizeof host,
                                         .abi = TRADING_PLUGIN_ABI,
                                         .context = &memory,
                                         .allocate = allocate,
                                         .release = release,
                                         .log = write_line};
    struct bus_contract contract = {.ops = &memory_bus_ops, .host = &host, .patience = INT64_C(10000000000), .silence = 0};
    contract.request =
        (struct bus_request){.size = sizeof contract.request, .location = "", .broker = memory_broker_open(&memory)};
    int failed = bus_contract_run(&contract);
    memory_broker_close(contract.request.broker);
    if (memory.bytes)
        fprintf(stderr, "%llu bytes were not given back\n", (unsigned long long)memory.bytes);
    return failed || memory.bytes ? EXIT_FAILURE : EXIT_SUCCESS;
}
