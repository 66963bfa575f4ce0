#include "bench/lib/failure.h"

#include <stdarg.h>
#include <stdio.h>

int32_t bench_fail(trading_error *error, int32_t code, const char *format, ...)
{
    va_list arguments;
    *error = (trading_error){.code = code};
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return code;
}
