/* An entry: one command in a commit, with the events that it caused.
 *
 *   u8      type of the command (TRADING_COMMAND_), not 0
 *   u8      flags: 1 = actor follows, 2 = correlation follows, 4 = goes on with a command of an earlier commit, 8 = applies a message
 *   16      key; not when it applies a message
 *   8       keyed digest of the body, little endian; only of a command
 *   varint  when it applies a message: the partition that sent it
 *   varint  and the message's position there; below 2⁶³. The type is that of the command which caused it
 *   varint  account number whose scope the key is in; 0: none
 *   16      actor, when flagged; then not zero
 *   16      correlation, when flagged; then not zero
 *   u16     events, ≥ 1, little endian
 *   …       events, one after another (process/event.h)
 *   varint  version of the entity that the command names, after it; below 2⁶³
 *
 * There is one way to write each entry: what reads differently is refused.
 */
#ifndef JOURNAL_ENTRY_H
#define JOURNAL_ENTRY_H

#include "base/bytes.h"

#include <trading/id.h>

#define ENTRY_ACTOR       1u
#define ENTRY_CORRELATION 2u
#define ENTRY_CONTINUED   4u
#define ENTRY_MESSAGE     8u /* and not ENTRY_CONTINUED: work that a message left goes on as a command's does */
#define ENTRY_FLAGS       15u
#define ENTRY_EVENTS_MAX  65535u
/* An entry's bytes without its events are at most this. */
#define ENTRY_FRAME_BYTES 96u

/* The type of the entry that closes a partition's journal of before it was split. No command has it. */
#define ENTRY_SPLIT 255

/* Who asked for what: the cause of the events. */
struct cause {
    int32_t type;   /* TRADING_COMMAND_ */
    uint32_t flags; /* ENTRY_ */
    trading_id key;
    uint64_t digest;
    uint32_t account; /* number; 0: none */
    trading_id actor;
    trading_id correlation;
    uint32_t partition; /* of a message: where it is from, and at which position there; the key follows from them */
    int64_t position;
};

/* The key of an entry that applies a message: what it makes is told apart by it. */
void entry_message_key(trading_id *key, uint32_t partition, int64_t position);

/* Where an entry that is being written counts its events; NULL when the writer was full. */
struct entry_mark {
    uint8_t *count;
};

/* Writes all up to the events; makes the writer full where ENTRY_FRAME_BYTES are not free. Of the flags, ENTRY_CONTINUED and
 * ENTRY_MESSAGE are taken from the cause, those for actor and correlation follow from
 * their being nonzero. A type that is no byte makes the writer full. */
void entry_begin(struct writer *writer, const struct cause *cause, struct entry_mark *mark);
/* Fills in the count and writes the version. A count that is not 1 to ENTRY_EVENTS_MAX, or a version below 0, makes the writer full. */
void entry_end(struct writer *writer, const struct entry_mark *mark, uint32_t events, int64_t version);

/* Reads up to the events, and how many there are; bad when it is not an entry, and then the cause is all zero and there are none. */
void entry_read(struct reader *reader, struct cause *cause, uint32_t *events);
/* Reads what stands after the events. */
int64_t entry_read_version(struct reader *reader);

#endif
