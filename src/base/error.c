#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const names[] = {
    [TRADING_OK] = "OK",
    [TRADING_E_INVALID] = "INVALID",
    [TRADING_E_NO_MEMORY] = "NO_MEMORY",
    [TRADING_E_BUSY] = "BUSY",
    [TRADING_E_TIMEOUT] = "TIMEOUT",
    [TRADING_E_NOT_FOUND] = "NOT_FOUND",
    [TRADING_E_LOCKED] = "LOCKED",
    [TRADING_E_READ_ONLY] = "READ_ONLY",
    [TRADING_E_NO_SPACE] = "NO_SPACE",
    [TRADING_E_IO] = "IO",
    [TRADING_E_DAMAGED] = "DAMAGED",
    [TRADING_E_NEWER_FORMAT] = "NEWER_FORMAT",
    [TRADING_E_POSITION] = "POSITION",
    [TRADING_E_OUTCOME_UNKNOWN] = "OUTCOME_UNKNOWN",
    [TRADING_E_CLOSED] = "CLOSED",
    [TRADING_E_POISONED] = "POISONED",
    [TRADING_E_FORKED] = "FORKED",
    [TRADING_E_UNSUPPORTED] = "UNSUPPORTED",
    [TRADING_E_VIEW_EXPIRED] = "VIEW_EXPIRED",
    [TRADING_E_SYNTAX] = "SYNTAX",
    [TRADING_E_OVERFLOW] = "OVERFLOW",
    [TRADING_E_ABI] = "ABI",
    [TRADING_E_STOPPED] = "STOPPED",
    [TRADING_E_FENCED] = "FENCED",
};

const char *trading_error_name(int32_t code)
{
    if (code < 0 || (size_t)code >= sizeof names / sizeof *names || !names[code])
        return "UNKNOWN";
    return names[code];
}

static uint32_t flags_of(int32_t code)
{
    switch (code) {
    case TRADING_E_NO_MEMORY:
    case TRADING_E_BUSY:
    case TRADING_E_TIMEOUT:
    case TRADING_E_LOCKED:
    case TRADING_E_NO_SPACE:
    case TRADING_E_VIEW_EXPIRED:
        return TRADING_ERROR_RETRYABLE;
    case TRADING_E_OUTCOME_UNKNOWN:
        return TRADING_ERROR_RETRYABLE | TRADING_ERROR_OUTCOME_UNKNOWN;
    case TRADING_E_POISONED:
    case TRADING_E_CLOSED:
    case TRADING_E_FORKED:
    case TRADING_E_FENCED:
        return TRADING_ERROR_FATAL;
    default:
        return 0;
    }
}

/* Takes the last character off a message that was cut, when it may be half of one, so that the message stays UTF-8. */
static void end_at_character(char *message, size_t length)
{
    while (length && (message[length - 1] & 0xc0) == 0x80)
        length--;
    if (length && (message[length - 1] & 0x80))
        length--;
    message[length] = '\0';
}

__attribute__((format(printf, 4, 0))) static int32_t fill(trading_error *error, int32_t code, int64_t native_code,
                                                          const char *format, va_list arguments)
{
    if (!error)
        return code;
    error->code = code;
    error->flags = flags_of(code);
    error->native_code = native_code;
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it was started by whoever calls */
    int length = vsnprintf(error->message, sizeof error->message, format, arguments);
    if (length >= (int)sizeof error->message)
        end_at_character(error->message, sizeof error->message - 1);
    return code;
}

int32_t error_set(trading_error *error, int32_t code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, 0, format, arguments);
    va_end(arguments);
    return code;
}

int32_t error_native(trading_error *error, int32_t code, int64_t native_code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(error, code, native_code, format, arguments);
    va_end(arguments);
    return code;
}

int32_t error_clear(trading_error *error)
{
    if (error) {
        error->code = TRADING_OK;
        error->flags = 0;
        error->native_code = 0;
        error->message[0] = '\0';
    }
    return TRADING_OK;
}

int32_t error_no_memory(trading_error *error, const char *what)
{
    return error_set(error, TRADING_E_NO_MEMORY, "no memory for %s", what);
}
