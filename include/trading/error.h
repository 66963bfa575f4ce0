/**
 * @file
 * Failures of the machinery. What the domain answers to a command is a trading_result, never one of these.
 */
#ifndef TRADING_ERROR_H
#define TRADING_ERROR_H

#include <trading/base.h>

TRADING_EXTERN_C_BEGIN

/** @name Status codes of functions */
/**@{*/
#define TRADING_OK                0
#define TRADING_E_INVALID         1  /**< an argument is wrong; nothing was done */
#define TRADING_E_NO_MEMORY       2  /**< the allocator returned NULL, or a limit on memory was reached */
#define TRADING_E_BUSY            3  /**< a queue is full, or the object is in use; try again */
#define TRADING_E_TIMEOUT         4  /**< the time that the caller gave is over */
#define TRADING_E_NOT_FOUND       5  /**< no such entity, position, snapshot, secret or scheme */
#define TRADING_E_LOCKED          6  /**< another engine, in this process or another, has the store open */
#define TRADING_E_READ_ONLY       7  /**< the store cannot be written */
#define TRADING_E_NO_SPACE        8  /**< the disk, or the map, is full; nothing was appended */
#define TRADING_E_IO              9  /**< the operating system or a server failed; native_code says how */
#define TRADING_E_DAMAGED         10 /**< stored bytes are not what was written; the message says where */
#define TRADING_E_NEWER_FORMAT    11 /**< written by a newer version of the library than this one */
#define TRADING_E_POSITION        12 /**< the partition's next position is not the one that the append expected */
#define TRADING_E_OUTCOME_UNKNOWN 13 /**< it may or may not have happened; ask again by key or nonce */
#define TRADING_E_CLOSED          14 /**< the object is closing or closed */
#define TRADING_E_POISONED        15 /**< an invariant broke; the engine refuses everything until it is opened again */
#define TRADING_E_FORKED          16 /**< the handle was made before a fork and belongs to the parent */
#define TRADING_E_UNSUPPORTED     17 /**< this store or build does not offer it */
#define TRADING_E_VIEW_EXPIRED    18 /**< the view was held longer than its memory limit allows; open a new one */
#define TRADING_E_SYNTAX          19 /**< text that cannot be read as a number, id, time or URI */
#define TRADING_E_OVERFLOW        20 /**< a number is larger than its type holds */
#define TRADING_E_ABI             21 /**< a plugin or caller was built for another interface version */
#define TRADING_E_STOPPED         22 /**< a callback of the host asked to stop */
#define TRADING_E_FENCED                                                                                                       \
    23 /**< another writer took over, of the engine's partition or under the bus's writer name: this one is only to close */
/**@}*/

/** @name Flags of an error */
/**@{*/
#define TRADING_ERROR_RETRYABLE       1u /**< the same call may succeed later, unchanged */
#define TRADING_ERROR_FATAL           2u /**< the handle is of no further use but to be closed */
#define TRADING_ERROR_OUTCOME_UNKNOWN 4u /**< it may have taken effect; repeat with the same key to learn */
/**@}*/

/** Describes the failure of one call. Owned by the caller, of fixed size, safe to copy; the library keeps no pointer to it. */
typedef struct trading_error {
    int32_t code;        /**< a TRADING_E_ code, or TRADING_OK */
    uint32_t flags;      /**< TRADING_ERROR_ flags */
    int64_t native_code; /**< errno, MDB_ code or a server's code; 0 where there is none */
    char message[232];   /**< what was wrong, where, and what to do; UTF-8, NUL-terminated */
} trading_error;

/** The name of a TRADING_E_ code without its prefix, such as "NO_SPACE". Never NULL; static storage. Any thread. */
TRADING_API const char *trading_error_name(int32_t code);

TRADING_EXTERN_C_END

#endif
