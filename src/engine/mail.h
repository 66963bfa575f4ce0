/* Messages on their way to one partition from the others of the same engine. They are handed over in memory once they are durable; what memory
 * does not have, after opening, a failure, or a flood, is read from the sender's journal, which is the outbox. */
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
    bool behind; /* its journal may have some that are not here */
};

struct mail {
    struct memory *memory;
    pthread_mutex_t mutex;
    struct mailbox *boxes; /* by sender; NULL: there is no other partition */
    uint32_t count;
    _Atomic bool waits; /* something may be there to be taken */
};

/* All journals are to be read. False when there is no memory. */
bool mail_open(struct mail *mail, struct memory *memory, uint32_t partitions);
void mail_close(struct mail *mail);

/* A message that is durable. Any thread. */
void mail_put(struct mail *mail, const struct message *message);

/* What was taken and is not durable is forgotten: the journals are to be read again. */
void mail_reread(struct mail *mail);

static inline bool mail_waits(const struct mail *mail)
{
    return atomic_load_explicit(&mail->waits, memory_order_acquire);
}

#endif
