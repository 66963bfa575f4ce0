/* What src/plugin/bus.h promises, as tests to run over any bus. */
#ifndef BUS_CONTRACT_H
#define BUS_CONTRACT_H

#include "plugin/bus.h"

struct bus_contract {
    const struct bus_ops *ops;
    struct bus_request request;
    const trading_host_functions *host;
    int64_t patience; /* nanoseconds for what must come */
    int64_t silence;  /* … and after which it is believed that nothing comes */
};

/* Each case uses a topic and groups of its own, named after it. Returns how many failed. */
int bus_contract_run(const struct bus_contract *contract);

#endif
