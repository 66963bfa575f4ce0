/* How ids are compared, hashed and derived. */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <endian.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <trading/id.h>

/* The account's 16-bit slot, which its portfolios and orders share. */
static inline uint16_t id_slot(const trading_id *id)
{
    return (uint16_t)(id->bytes[0] | id->bytes[1] << 8);
}

static inline bool id_equal(const trading_id *a, const trading_id *b)
{
    return !memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

static inline bool id_is_zero(const trading_id *id)
{
    uint64_t halves[2];
    memcpy(halves, id->bytes, sizeof halves);
    return !(halves[0] | halves[1]);
}

/* For tables of ids: an id's second half is the output of a hash, and what the ids of an account have in common is in its first.
 * Not for keys, whose bytes the caller chooses. */
static inline uint64_t id_hash(const trading_id *id)
{
    uint64_t half;
    memcpy(&half, id->bytes + 8, sizeof half);
    return le64toh(half);
}

/* The id of what the command with `key` makes as its `ordinal`-th entity; never zero. The layout is for ever, as journals hold ids:
 *
 *      out = SipHash-2-4-128("libtrading/id/v1", message)       key and message as bytes
 *      message, 40 bytes: entity u32, scope 16 bytes, key 16 bytes, ordinal u32; integers little-endian
 *
 * then bytes 0 and 1 are overwritten with those of `scope`, unless the entity is an account, whose slot they become as they are.
 * Should all 16 be zero, byte 15 becomes 1. The hash's key is public, so who chooses keys can search for two that collide: whoever
 * makes an entity checks that its id is free. `scope` is the account's id, zero for an account; out may be scope or key. */
void id_derive(trading_id *out, int32_t entity, const trading_id *scope, const trading_id *key, uint32_t ordinal);

#endif
