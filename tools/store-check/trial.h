/* What the trials of all contracts have in common: checks that end the case. A `struct trial` has the `error` that its calls fill and the
 * `escape` that ends it; what else a case needs is its contract's. */
#ifndef TRIAL_H
#define TRIAL_H

#include <setjmp.h>
#include <stdint.h>

#include <trading/error.h>

#define CHECK(trial, condition)                                                                                                \
    do {                                                                                                                       \
        if (!(condition))                                                                                                      \
            trial_fail((trial)->escape, __FILE__, __LINE__, #condition);                                                       \
    } while (0)

/* That a call answers as expected, and that the error it filled says the same where it failed. */
#define ANSWERS(trial, expected, call)                                                                                         \
    do {                                                                                                                       \
        (trial)->error = (trading_error){0};                                                                                   \
        int32_t answer_ = (call);                                                                                              \
        if (answer_ != (expected) || (answer_ != TRADING_OK && (trial)->error.code != answer_))                                \
            trial_fail_answer((trial)->escape, __FILE__, __LINE__, #call, expected, answer_, &(trial)->error);                 \
    } while (0)

/* End the case, from the thread that runs it. */
_Noreturn void trial_fail(jmp_buf escape, const char *file, int line, const char *what);
_Noreturn void trial_fail_answer(jmp_buf escape, const char *file, int line, const char *call, int32_t expected, int32_t answer,
                                 const trading_error *error);

#endif
