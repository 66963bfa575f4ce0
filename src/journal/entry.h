/* An entry: one command in a commit, with the events that it caused.
 *
 *   u8      type of the command (TRADING_COMMAND_)
 *   u8      flags: 1 = actor follows, 2 = correlation follows, 4 = goes on with a command of an earlier commit
 *   16      key
 *   8       keyed digest of the body, little endian; not when it goes on
 *   varint  account number whose scope the key is in; 0: none
 *   16      actor, when flagged
 *   16      correlation, when flagged
 *   u16     events, ≥ 1, little endian
 *   …       events, one after another (process/event.h)
 *   varint  version of the entity that the command names, after it
 */
#ifndef JOURNAL_ENTRY_H
#define JOURNAL_ENTRY_H

#include "base/bytes.h"

#include <trading/id.h>

#define ENTRY_ACTOR       1u
#define ENTRY_CORRELATION 2u
#define ENTRY_CONTINUED   4u
#define ENTRY_FLAGS       7u
#define ENTRY_EVENTS_MAX  65535u
/* An entry's bytes without its events are at most this. */
#define ENTRY_FRAME_BYTES 96u

/* Who asked for what: the cause of the events. */
struct cause {
    int32_t type;   /* TRADING_COMMAND_ */
    uint32_t flags; /* ENTRY_ */
    trading_id key;
    uint64_t digest;
    uint32_t account; /* number; 0: none */
    trading_id actor;
    trading_id correlation;
};

/* Where an entry that is being written counts its events. */
struct entry_mark {
    uint8_t *count;
};

/* Writes all up to the events. The flags for actor and correlation follow from their being nonzero. */
void entry_begin(struct writer *writer, const struct cause *cause, struct entry_mark *mark);
/* Fills in the count and writes the version. */
void entry_end(struct writer *writer, const struct entry_mark *mark, uint32_t events, int64_t version);

/* Reads up to the events, and how many there are; bad when it is not an entry. */
void entry_read(struct reader *reader, struct cause *cause, uint32_t *events);
/* Reads what stands after the events. */
int64_t entry_read_version(struct reader *reader);

#endif
