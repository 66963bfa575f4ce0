/* What the cases of the store contract share: one open store after another, and a host that counts. */
#ifndef STORE_TRIAL_H
#define STORE_TRIAL_H

#include "store_contract.h"
#include "trial.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#define TRIAL_CHILDREN 4

struct trial {
    const struct store_contract *contract;
    const trading_store_ops *ops;
    char location[512];
    trading_host_functions host;
    _Atomic uint64_t held; /* bytes that the store has of the host */
    _Atomic bool mistaken; /* it gave back another size than it asked for */
    trading_error error;
    pid_t children[TRIAL_CHILDREN]; /* that were not waited for; 0: none */
    jmp_buf escape;
};

/* Another process finds what is written: so it is for stores that lock, and for those that are shared. */
#define STORE_CONTRACT_OTHERS 0x80000000u

struct store_case {
    const char *name;
    void (*run)(struct trial *trial);
    uint32_t needs; /* STORE_CONTRACT_ flags, and STORE_CONTRACT_OTHERS */
};

/* The lists end with a name of NULL. */
extern const struct store_case journal_cases[];
extern const struct store_case keeping_cases[]; /* snapshots and secrets */
extern const struct store_case sharing_cases[]; /* reopening, other processes, threads */
extern const struct store_case writers_cases[]; /* several writers */

int32_t trial_try_open(struct trial *trial, uint32_t flags, int32_t durability, void **store);
void *trial_open(struct trial *trial); /* for writing, synced */
void trial_close(struct trial *trial, void *store);

/* Bytes that follow from what they are for, so that whoever reads them can tell whether they are right. */
void fill_bytes(void *bytes, size_t size, uint32_t partition, int64_t position);
bool bytes_are_right(const void *bytes, size_t size, uint32_t partition, int64_t position);
trading_id nonce_of(uint32_t partition, int64_t position);

/* Runs a function in a child process, which is ended should the case end before it; and waits for what it returns, or 1000
 * and the signal that ended it. */
pid_t start_child(struct trial *trial, int (*run)(struct trial *trial, int channel), int channel);
int wait_for(struct trial *trial, pid_t child);

/* Appends one commit of bytes of its own. */
void append_one(struct trial *trial, void *store, uint32_t partition, int64_t position, int64_t events, size_t size);

/* Reads from a position, expecting commits that follow one another, are right, and of which the first holds the position. */
struct reading {
    uint32_t partition;
    int64_t from;
    int64_t next; /* where the next should begin; −1 before the first */
    uint64_t commits;
    uint64_t stop_after; /* commits; 0: never */
    bool any_nonce;      /* the writers drew their own */
    bool wrong;
};
struct reading reading_from(uint32_t partition, int64_t from);
int32_t visit_reading(void *reading, const trading_store_commit *commit);
/* … and says how many commits there were, the last one ending at `end`. */
uint64_t read_back(struct trial *trial, void *store, uint32_t partition, int64_t from, int64_t end);

#endif
