/* Messages between partitions. A message is an event of the sender's journal that is to another partition, together with its cause; its
 * id is its position there. The receiver's journal has an entry for each that it applies, which names it, so that after any crash it is
 * known which came last: each is applied once, in the order in which they were sent. docs/partitions.md tells the whole. */
#ifndef PROCESS_MESSAGE_H
#define PROCESS_MESSAGE_H

#include "journal/commit.h"
#include "process/emit.h"

struct message {
    uint32_t from; /* partition */
    uint32_t to;
    struct cause cause; /* at the sender: its type, actor and correlation go on with it */
    struct event event;
};

/* Reads the messages of a commit's body, one after another. */
struct message_reader {
    struct reader reader;
    uint32_t partition; /* that the commit is of */
    int64_t position;   /* of the next event */
    uint32_t entries;   /* left */
    uint32_t events;    /* left of the entry */
    struct cause cause;
};

void message_reader_begin(struct message_reader *messages, const struct commit *commit);
/* The next event that is to another partition. False at the end, or when the body cannot be read: then reader.bad. */
bool message_reader_next(struct message_reader *messages, struct message *message);

enum message_turn {
    MESSAGE_NEXT,  /* it is the next of its sender */
    MESSAGE_KNOWN, /* it was applied before */
    MESSAGE_EARLY, /* one before it is missing */
};
enum message_turn message_turn(const struct domain *domain, const struct message *message);

/* Applies a message that is the next of its sender, and writes its entry. Look at process->broken and domain_failed before trusting it. */
void process_message(struct process *process, const struct message *message);

#endif
