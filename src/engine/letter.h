/* A message on its way between processes:
 *
 *   u8      version of this format, 1
 *   varint  partition that it is from
 *   varint  partition that it is to
 *   varint  position in the sender's journal
 *   u8      type of the command that caused it; 16 actor; 16 correlation
 *   …       the event, as in the journal (process/event.h)
 *   16      keyed BLAKE2b of all before it, under a secret of the store
 *
 * Who does not have the store cannot write one that is believed. There is one way to write each: what reads differently is refused. */
#ifndef ENGINE_LETTER_H
#define ENGINE_LETTER_H

#include "process/message.h"

#include <trading/error.h>

#define LETTER_VERSION    1u
#define LETTER_BYTES      512u /* the most */
#define LETTER_KEY_BYTES  32u
#define LETTER_SEAL_BYTES 16u

/* Bytes written; 0: there is no room. */
size_t letter_write(const struct message *message, const uint8_t key[LETTER_KEY_BYTES], uint8_t *into, size_t size);

/* Any bytes. TRADING_E_NEWER_FORMAT, TRADING_E_DAMAGED: the message is then worthless. */
int32_t letter_read(struct message *message, const uint8_t key[LETTER_KEY_BYTES], const void *data, size_t size,
                    trading_error *error);

/* Of bytes that may be anything: makes them end with the seal of what is before it. For who wrote them. */
void letter_seal(uint8_t *data, size_t size, const uint8_t key[LETTER_KEY_BYTES]);

#endif
