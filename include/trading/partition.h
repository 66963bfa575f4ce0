/**
 * @file
 * One partition of a store here, the others elsewhere: an engine opened with TRADING_ENGINE_ONE_PARTITION, and what goes between it and
 * theirs. docs/partitions.md tells which messages there are; here they are letters, bytes that any carrier may lose, repeat and reorder.
 *
 *      trading_letters_take → a topic, a socket, … → trading_letters_put        the fast way
 *      trading_letters_look                                                     the sure way: out of the other partitions' journals
 */
#ifndef TRADING_PARTITION_H
#define TRADING_PARTITION_H

#include <trading/engine.h>

TRADING_EXTERN_C_BEGIN

/** @name Partitions that are no number */
/**@{*/
#define TRADING_EVERY_PARTITION UINT32_MAX       /**< the command goes to each of them */
#define TRADING_ANY_PARTITION   (UINT32_MAX - 1) /**< it may go to whichever one likes */
/**@}*/

/**
 * The partition that a command belongs to: that of its account, its symbol's book, or the account that its key opens. TRADING_EVERY_PARTITION
 * for END_SESSION; TRADING_ANY_PARTITION for OPEN_ACCOUNT without a key, and for ACKNOWLEDGE, whose cursors are each partition's own.
 * @param partitions  how many the store has, 1 to 64
 * @param partition   receives it
 * @return TRADING_OK; TRADING_E_INVALID where the body is not what the type has, so that the command belongs nowhere: any engine says
 *         what is wrong with it. Any thread; no engine is needed.
 */
TRADING_API int32_t trading_command_partition(const trading_command *command, uint32_t partitions, uint32_t *partition,
                                              trading_error *error);

/**
 * The partition of the engine's store that has an account, its portfolios and their orders, or a symbol's book: whose positions their
 * events have. They need not be there.
 * @param entity     TRADING_ENTITY_ACCOUNT, _PORTFOLIO or _ORDER with its id; TRADING_ENTITY_INSTRUMENT with the symbol's 16 bytes as id
 * @param partition  receives it; 0 where the store has but one
 * @return TRADING_OK or TRADING_E_INVALID. Any thread.
 */
TRADING_API int32_t trading_engine_partition_of(trading_engine *engine, int32_t entity, const trading_id *id,
                                                uint32_t *partition, trading_error *error);

/** A message to another partition. The layout is frozen. */
typedef struct trading_letter {
    uint32_t from; /**< partition that sends it */
    uint32_t to;
    int64_t position; /**< in the sender's journal; the three name the letter */
    const void *data; /**< all of it, the three included; versioned, and sealed with a secret of the store */
    uint64_t size;
} trading_letter;

/** A letter's data is never longer. */
#define TRADING_LETTER_BYTES 512u

/**
 * Takes letters that became durable, in order. What is not taken in time (16,384 wait at most), and what was sent before the engine was
 * opened or while it recovered, is not seen here: its receivers find it in the journal.
 * @param letters  receives up to `max`; what they point to is valid until the next take
 * @param count    receives how many; 0: none waits
 * @return TRADING_OK; TRADING_E_INVALID for an engine that is not of one partition; TRADING_E_READ_ONLY. An engine that stopped still gives
 *         what it has. One thread at a time.
 */
TRADING_API int32_t trading_letters_take(trading_engine *engine, trading_letter *letters, size_t max, size_t *count,
                                         trading_error *error);

/**
 * Hands letters over that came from other partitions, in any order, any number of times. They are applied by the engine's own thread, or by
 * trading_engine_step; one that comes before its turn makes the engine read those before it from the sender's journal.
 * @param letters  of each, data and size; what else it says is read out of data. Copied
 * @return TRADING_OK; TRADING_E_INVALID for a letter to another partition, TRADING_E_NEWER_FORMAT, TRADING_E_DAMAGED for one that
 *         this store's engines did not write as it is: then none of them was taken. TRADING_E_FENCED and others of a stopped engine.
 *         Any thread.
 */
TRADING_API int32_t trading_letters_put(trading_engine *engine, const trading_letter *letters, size_t count,
                                        trading_error *error);

/**
 * Reads the other partitions' journals for letters to this one that did not come, on the caller's thread, from where the last look ended.
 * Call it after opening, and every few seconds: it is what makes every letter arrive.
 * @return TRADING_OK, or a code of the store: look again later, nothing is lost. Any thread.
 */
TRADING_API int32_t trading_letters_look(trading_engine *engine, trading_error *error);

/**
 * Says what another partition's book quotes, for orders whose book is there: a market buy holds funds by the ask. The newest hint counts; without
 * one a market buy is rejected with TRADING_REASON_NO_QUOTE, and a limit order is taken in the account's currency, and ended by the
 * book's partition (TRADING_REASON_OTHER_CURRENCY) should it trade in another. Hints are in memory alone. A symbol's own partition needs none.
 * @param bid  0: none; @param ask  0: none
 * @return TRADING_OK, TRADING_E_INVALID for what is no quote, TRADING_E_NO_MEMORY. Any thread.
 */
TRADING_API int32_t trading_quote_hint(trading_engine *engine, const trading_symbol *symbol, const trading_currency *currency,
                                       trading_decimal bid, trading_decimal ask, trading_error *error);

TRADING_EXTERN_C_END

#endif
