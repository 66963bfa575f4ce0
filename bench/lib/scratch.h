/* A folder for what a benchmark writes, removed with all that is in it. */
#ifndef BENCH_SCRATCH_H
#define BENCH_SCRATCH_H

#include <stdint.h>

#include <trading/error.h>

#define SCRATCH_BYTES 512

struct scratch {
    char path[SCRATCH_BYTES]; /* empty: there is none */
};

/* In $TMPDIR, or /tmp. */
int32_t scratch_open(struct scratch *scratch, trading_error *error);
void scratch_close(struct scratch *scratch);

#endif
