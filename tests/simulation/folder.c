#include "simulation/folder.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

bool folder_make(struct folder *folder)
{
    const char *parent = getenv("TMPDIR");
    snprintf(folder->path, sizeof(folder->path), "%s/trading-XXXXXX", parent ? parent : "/tmp");
    if (!mkdtemp(folder->path)) {
        perror(folder->path);
        return false;
    }
    snprintf(folder->uri, sizeof(folder->uri), "lmdb:%s", folder->path);
    return true;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

void folder_remove(const struct folder *folder)
{
    nftw(folder->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
