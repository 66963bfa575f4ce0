/* One process of a deployment: a member of the group whose partitions it runs, as the bus deals them out. */
#ifndef SERVE_NODE_H
#define SERVE_NODE_H

#include "serving.h"

struct node_options {
    struct serving serving;
    const char *group;
    int64_t metrics;  /* nanoseconds between lines of metrics; 0: none */
    int64_t patience; /* nanoseconds that a bus may be away at the start, and partitions may take to end; 0: half a minute */
    bool (*stopped)(void *context); /* asked between any two polls: true ends it, in good order */
    void *context;
};

/* Serves until it is asked to stop. @return an exit_code, having said on stderr what failed */
int node_run(const struct node_options *options);

#endif
