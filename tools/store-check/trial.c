#include "trial.h"

#include <stdio.h>

void trial_fail(jmp_buf escape, const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
    longjmp(escape, 1);
}

void trial_fail_answer(jmp_buf escape, const char *file, int line, const char *call, int32_t expected, int32_t answer,
                       const trading_error *error)
{
    fprintf(stderr, "%s:%d: %s answered %s, expected %s; the error has code %s and says: %s\n", file, line, call,
            trading_error_name(answer), trading_error_name(expected), trading_error_name(error->code), error->message);
    longjmp(escape, 1);
}
