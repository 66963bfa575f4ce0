/**
 * @file
 * Identifiers: 16 bytes, derived from the key of the command that made the entity, so that a retry names the same things.
 *
 * The first two bytes are the account's slot, which its portfolios and orders share; a slot maps to a partition.
 * As text: `A-`, `P-` or `ORD-` and 26 digits of Crockford's base 32, upper case.
 */
#ifndef TRADING_ID_H
#define TRADING_ID_H

#include <trading/error.h>

TRADING_EXTERN_C_BEGIN

/** An identifier or an idempotency key. All zero is none. */
typedef struct trading_id {
    uint8_t bytes[16];
} trading_id;

/** @name Kinds of entity */
/**@{*/
#define TRADING_ENTITY_ACCOUNT    1
#define TRADING_ENTITY_PORTFOLIO  2
#define TRADING_ENTITY_ORDER      3
#define TRADING_ENTITY_INSTRUMENT 4 /**< named by its symbol, not by an id */
/**@}*/

/** Bytes that hold any id as text and its NUL. */
#define TRADING_ID_TEXT 32

/**
 * Writes an id as text.
 * @param entity  TRADING_ENTITY_ACCOUNT, _PORTFOLIO or _ORDER
 * @param buffer  receives the text and a NUL; TRADING_ID_TEXT bytes
 * @return the length without the NUL, or 0 when `entity` has no textual ids. Any thread.
 */
TRADING_API size_t trading_id_format(int32_t entity, const trading_id *id, char *buffer);

/**
 * Reads an id. Lower case is accepted, and I, L, O for 1, 1, 0, as Crockford defines; the prefix must be the entity's.
 * @param text    the characters; need not be NUL-terminated
 * @param entity  the kind expected
 * @return TRADING_OK or TRADING_E_SYNTAX (id untouched). Any thread.
 */
TRADING_API int32_t trading_id_parse(int32_t entity, const char *text, size_t length, trading_id *id);

/** 1 when every byte is zero, else 0. Any thread. */
TRADING_API int32_t trading_id_is_zero(const trading_id *id);

/**
 * Makes an idempotency key of any text of the caller's (an order number, a UUID, a message id): the first 16 bytes of its
 * BLAKE2b-128. The same text always gives the same key; the empty text gives the zero key, which means "none".
 * @return TRADING_OK, or TRADING_E_INVALID when text is NULL and length is not 0. Any thread.
 */
TRADING_API int32_t trading_key_from_text(const char *text, size_t length, trading_id *key);

/**
 * The ids that OPEN_ACCOUNT makes under a key: so that who opens an account by a key that he can make again knows it without asking.
 * @param account    receives the account's id
 * @param portfolio  receives that of its first portfolio
 * @return TRADING_OK, or TRADING_E_INVALID when the key is zero or anything is NULL. Any thread.
 */
TRADING_API int32_t trading_opened_ids(const trading_id *key, trading_id *account, trading_id *portfolio);

TRADING_EXTERN_C_END

#endif
