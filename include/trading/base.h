/**
 * @file
 * What every other header needs: how functions are exported, and the plain types that cross the interface.
 *
 * Rules that hold for the whole API:
 *  - Structs that carry options, bodies of commands or records begin with `size`; set them up with their `_init` function or
 *    `_INIT` macro, so that a program built against an older header keeps working with a newer library.
 *  - Elements of arrays (commands, results, events, lots …) have a layout that never changes.
 *  - Functions return TRADING_OK or a TRADING_E_ code, and describe a failure in the trading_error that the caller owns and may
 *    leave out (NULL).
 *  - Text that comes in is bytes with a length, UTF-8; text that goes out is NUL-terminated.
 */
#ifndef TRADING_BASE_H
#define TRADING_BASE_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TRADING_API __attribute__((visibility("default")))
#else
#define TRADING_API
#endif

#ifdef __cplusplus
#define TRADING_EXTERN_C_BEGIN extern "C" {
#define TRADING_EXTERN_C_END   }
#else
#define TRADING_EXTERN_C_BEGIN
#define TRADING_EXTERN_C_END
#endif

/** Text handed to the library: `length` bytes of UTF-8, not necessarily NUL-terminated. {NULL, 0} is no text. */
typedef struct trading_text {
    const char *data;
    uint64_t length;
} trading_text;

/** A ticker symbol, NUL-padded: 1 to 15 characters of A–Z, 0–9, '.', '-', '_', '/' (FIX tag 55). */
typedef struct trading_symbol {
    char text[16];
} trading_symbol;

/** A currency by its ISO 4217 code, NUL-padded: three letters A–Z (FIX tag 15). */
typedef struct trading_currency {
    char text[4];
} trading_currency;

#endif
