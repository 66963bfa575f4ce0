/* Several partitions as plain domains, their journals in memory, and messages carried between them by hand: what the pure rooms promise
 * is put to the test without an engine. Whatever goes wrong ends the program, saying where. */
#ifndef PARTITIONS_SYSTEM_H
#define PARTITIONS_SYSTEM_H

#include "journal/commit.h"
#include "partitions/fail.h"
#include "process/message.h"
#include "process/process.h"

#include <trading.h>

#define PARTITIONS_MAX 4u

/* One commit, kept. */
struct kept_commit {
    struct commit header;
    uint8_t *body;
};

struct partition {
    uint32_t number;
    struct domain domain;
    struct kept_commit *commits;
    size_t commit_count;
    size_t commit_room;
    /* the batch that is open */
    bool open;
    uint8_t *buffer;
    struct writer out;
    struct process process;
    uint32_t entries;
};

struct system {
    struct memory memory;
    uint32_t partitions;
    struct partition at[PARTITIONS_MAX];
    trading_time now;
};

void system_open(struct system *system, uint32_t partitions);
void system_close(struct system *system);

/* Where an id is, and a symbol's book. */
struct partition *system_of_id(struct system *system, const trading_id *id);
struct partition *system_of_symbol(struct system *system, const trading_symbol *symbol);

/* Decides a command in the partition that it belongs to, in its open batch. An order whose book is elsewhere is stamped first. */
trading_result system_command(struct system *system, struct partition *partition, const trading_command *command);

/* Goes on with paused work, if there is some. */
bool partition_continue(struct system *system, struct partition *partition);

/* Makes what was decided durable; drops it; drops everything and folds the journal anew, which must come to the same. */
void partition_commit(struct system *system, struct partition *partition);
void partition_crash(struct system *system, struct partition *partition);
void partition_reopen(struct system *system, struct partition *partition);

/* The message of the sender's durable journal to the receiver that is `ahead` after the next; false when there is none. */
bool system_message(const struct system *system, const struct partition *from, const struct partition *to, size_t ahead,
                    struct message *message);

/* Applies a message, if it is its turn. */
enum message_turn system_deliver(struct system *system, struct partition *to, const struct message *message);

/* Delivers and commits until nothing is left to do. */
void system_settle(struct system *system);

/* Proves every partition by itself, and the sums over all with what is in flight between them; nothing may be undecided. */
void system_check(struct system *system);

/* After system_settle: nothing is in flight, and each order is in its home what it is in its book. */
void system_check_settled(struct system *system);

#endif
