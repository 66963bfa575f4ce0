#include "bench/lib/scratch.h"

#include "bench/lib/failure.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int32_t scratch_open(struct scratch *scratch, trading_error *error)
{
    const char *parent = getenv("TMPDIR");
    int length = snprintf(scratch->path, sizeof scratch->path, "%s/trading-bench-XXXXXX", parent && *parent ? parent : "/tmp");
    if (length < (int)sizeof scratch->path && mkdtemp(scratch->path))
        return TRADING_OK;
    bench_fail(error, TRADING_E_IO, "no folder can be made in %.100s: %s", parent ? parent : "/tmp", strerror(errno));
    scratch->path[0] = '\0';
    return error->code;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void scratch_close(struct scratch *scratch)
{
    if (scratch->path[0])
        nftw(scratch->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    scratch->path[0] = '\0';
}
