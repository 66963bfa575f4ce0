/* What of the system that this one replaces is stood in for, and by which topics. */
#ifndef SERVE_REFERENCE_OPTIONS_H
#define SERVE_REFERENCE_OPTIONS_H

#include "wire.h"

/* Whose aliases they are: what that system calls accounts and portfolios. */
#define REFERENCE_SPACE "reference"

struct reference {
    bool on;
    char portfolio_topic[WIRE_TOPIC_BYTES]; /* its Account service tells us */
    char portfolio_group[WIRE_TOPIC_BYTES];
    char account_topic[WIRE_TOPIC_BYTES]; /* we tell its Account service */
    char order_topic[WIRE_TOPIC_BYTES];   /* we tell its Trade Order service */
    char answer_topic[WIRE_TOPIC_BYTES];  /* it answers */
    char answer_group[WIRE_TOPIC_BYTES];
    char currency[4]; /* of the accounts that it opens */
    int64_t
        retry; /* nanoseconds: what may pass later is asked again after so long at first, then after twice as long each time */
};

/* Reads what --compat has: "reference", or "reference?account_topic=…&currency=EUR". False, with the reason in `complaint`, when it is neither. */
bool reference_init(struct reference *reference, const char *text, char *complaint, size_t bytes);

/* Makes those of its topics that are not there. */
int32_t reference_make_topics(const struct reference *reference, trading_bus *bus, uint32_t partitions, trading_error *error);

#endif
