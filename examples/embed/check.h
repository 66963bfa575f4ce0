/* What the examples do about failures: say what went wrong, and stop. */
#ifndef EXAMPLES_EMBED_CHECK_H
#define EXAMPLES_EMBED_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include <trading.h>

/* Ends the program unless the call worked. */
static inline void check(int32_t code, const trading_error *error)
{
    if (code == TRADING_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", trading_error_name(code), error->message);
    exit(EXIT_FAILURE);
}

/* Ends the program unless the domain said yes, now or before under the same key. */
static inline void check_accepted(const trading_result *result)
{
    if (result->status == TRADING_STATUS_ACCEPTED || result->status == TRADING_STATUS_DUPLICATE)
        return;
    (void)fprintf(stderr, "%s: %s\n", trading_status_name(result->status), trading_reason_text(result->reason));
    exit(EXIT_FAILURE);
}

/* A string literal or variable as the text that a command's body takes. The string must stay until the command is done. */
static inline trading_text text_of(const char *string)
{
    uint64_t length = 0;
    while (string[length] != '\0')
        length++;
    return (trading_text){.data = string, .length = length};
}

#endif
