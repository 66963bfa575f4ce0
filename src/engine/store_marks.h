/* What a store keeps of itself among its secrets, which every store has, under names of no account: an account's id is never nearly all ones. */
#ifndef ENGINE_STORE_MARKS_H
#define ENGINE_STORE_MARKS_H

#include <trading/plugin/store.h>

/* The key that digests of bodies are made with, and letters sealed. */
extern const trading_id store_digest_key;
/* How many partitions the store has. One needs not be said. */
extern const trading_id store_partitions;

/* The secret that says how many partitions the store has; and the one that stands in its place while the store is being copied to, which gives
 * no number, so that whoever opens the store refuses it. */
trading_store_secret store_count_of(uint32_t count);
trading_store_secret store_unfinished(void);

/* The number in the secret of that name, as its value gives it. TRADING_E_INVALID: the store is an unfinished copy. */
int32_t store_count_read(const uint8_t value[32], uint32_t *count, trading_error *error);

/* TRADING_E_DAMAGED: there is a journal, and not the key that its digests were made with. */
int32_t store_digest_key_lost(trading_error *error);

#endif
