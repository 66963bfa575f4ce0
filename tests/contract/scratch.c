#include "scratch.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void scratch_make(char path[SCRATCH_PATH])
{
    const char *parent = getenv("TMPDIR");
    char made[SCRATCH_PATH - 1];
    snprintf(made, sizeof made, "%s/trading-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(made)) {
        perror(made);
        exit(1);
    }
    snprintf(path, SCRATCH_PATH, "%s/", made);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void scratch_remove(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
