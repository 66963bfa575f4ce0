/* A folder for a store, gone after the test. */
#ifndef SIMULATION_FOLDER_H
#define SIMULATION_FOLDER_H

#include <stdbool.h>

struct folder {
    char path[256];
    char uri[272]; /* "lmdb:" and the path */
};

bool folder_make(struct folder *folder);
void folder_remove(const struct folder *folder);

#endif
