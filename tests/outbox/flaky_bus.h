/* The bus within the process, "memory:", with faults where they are asked for: "flaky:NAME". */
#ifndef FLAKY_BUS_H
#define FLAKY_BUS_H

#include <trading.h>

enum fault {
    FAULT_NONE,
    FAULT_REFUSED,        /* nothing was published, and the bus says so */
    FAULT_UNKNOWN_UNDONE, /* nothing was published, and the bus cannot tell */
    FAULT_UNKNOWN_DONE,   /* it was published, and the bus cannot tell */
    FAULTS
};

/* What the buses of a host do next. */
struct flaky {
    trading_host *host;
    enum fault next;  /* of the next call of publish; then none */
    uint32_t puzzled; /* how many calls of mark cannot tell it yet */
    uint64_t publishes;
};

/* The one plan of this program, which runs one thread. */
extern struct flaky flaky;

void flaky_register(trading_host *host);

#endif
