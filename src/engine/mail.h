/* Messages on their way to one partition from the others, of the same engine or elsewhere. They are handed over in memory once they are durable;
 * what memory does not have, after opening, a failure, a flood, or a letter that was lost, is read from the sender's journal, which is the
 * outbox. */
#ifndef ENGINE_MAIL_H
#define ENGINE_MAIL_H

#include "base/memory.h"
#include "process/message.h"

#include <pthread.h>
#include <stdatomic.h>

/* More letters than this of one sender are left in its journal. */
#define MAILBOX_MOST 16384u

/* From one sender. */
struct mailbox {
    struct message *letters; /* in order; from `first`, `count` of them */
    size_t first;
    size_t count;
    size_t room;
    bool behind;     /* its journal may have some that are not here */
    bool missed;     /* one was not put since the journal was last read, as the box was behind */
    int64_t scanned; /* all before this position of the journal are here, or were taken */
    uint64_t losses; /* how often what was taken was lost */
};

/* A sender's journal that is read beside the decider. */
struct mail_scan {
    int64_t from;
    int64_t reached; /* the position up to which all letters were put */
    uint64_t losses;
};

struct mail {
    struct memory *memory;
    pthread_mutex_t mutex;
    struct mailbox *boxes; /* by sender; NULL: there is no other partition */
    uint32_t count;
    _Atomic bool waits; /* something may be there to be taken */
};

/* False when there is no memory. No journal is read before mail_reread or a message that comes early asks for it. */
bool mail_open(struct mail *mail, struct memory *memory, uint32_t partitions);
void mail_close(struct mail *mail);

/* A message that is durable. Any thread. False when it is not kept: then the decider will read it from the journal. */
bool mail_put(struct mail *mail, const struct message *message);

/* mail_put, or what else takes letters out of a journal. */
typedef bool (*mail_keep)(struct mail *mail, const struct message *message);

/* What was taken and is not durable is forgotten: the journals are to be read again. */
void mail_reread(struct mail *mail);

/* Begins to read a sender's journal on another thread, to put what it has; where the receiver's durable state has received up to a position.
 * False when the decider is about to do so itself. mail_end_scan: all was put, up to what was reached. */
bool mail_begin_scan(struct mail *mail, uint32_t sender, int64_t received, struct mail_scan *scan);
void mail_end_scan(struct mail *mail, uint32_t sender, const struct mail_scan *scan);

static inline bool mail_waits(const struct mail *mail)
{
    return atomic_load_explicit(&mail->waits, memory_order_acquire);
}

#endif
