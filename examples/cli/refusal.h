/* What is said to people when a rule refuses a command: what was wrong, by how much, and what to do. */
#ifndef CLI_REFUSAL_H
#define CLI_REFUSAL_H

#include "request.h"

/* How money of a result is written. */
struct money {
    int32_t decimals;
    char currency[4];
};

enum refusal_amounts {
    AMOUNTS_NONE,
    AMOUNTS_MONEY,
    AMOUNTS_SHARES,
};

/* What `required` and `available` of a result with this reason count. */
enum refusal_amounts refusal_amounts(int32_t reason);

#define REFUSAL_BYTES 320

/* Writes the message about a result that is not accepted. */
void refusal_message(const struct request *request, const trading_result *result, const struct money *money,
                     char message[REFUSAL_BYTES]);

#endif
