/* What the process takes of the machine. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stdint.h>

struct usage {
    uint64_t max_rss_bytes;  /* the most that was resident so far, pages of mapped files included */
    uint64_t rss_anon_bytes; /* resident now, without pages of files */
    uint64_t written_bytes;  /* sent to the disk so far */
};

/* What the system does not tell stays 0. */
void usage_read(struct usage *usage);

/* Nanoseconds of processor that threads of the process that have this name used so far. */
int64_t usage_of_threads(const char *name);

#endif
