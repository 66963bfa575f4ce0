/* How a benchmark says why it cannot go on: in the library's terms. */
#ifndef BENCH_FAILURE_H
#define BENCH_FAILURE_H

#include <stdint.h>

#include <trading/error.h>

/* Fills the error. @return `code` */
__attribute__((format(printf, 3, 4))) int32_t bench_fail(trading_error *error, int32_t code, const char *format, ...);

#endif
