/* Filling in a caller's trading_error. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <trading/error.h>

/* Fills `error`, when there is one, and returns `code`, so that a failure is one statement: return error_set(...). The flags
 * follow from the code: BUSY, TIMEOUT, NO_SPACE, LOCKED and NO_MEMORY are retryable, and so on. */
__attribute__((format(printf, 3, 4))) int32_t error_set(trading_error *error, int32_t code, const char *format, ...);

/* The same with the number of the operating system or library that failed. */
__attribute__((format(printf, 4, 5))) int32_t error_native(trading_error *error, int32_t code, int64_t native_code,
                                                           const char *format, ...);

/* No failure: clears `error`, when there is one, and returns TRADING_OK. */
int32_t error_clear(trading_error *error);

int32_t error_no_memory(trading_error *error, const char *what);

#endif
