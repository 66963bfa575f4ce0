/* What became of a command, told from its events: the same whether they were just decided or are read again for a duplicate. */
#ifndef PROCESS_OUTCOME_H
#define PROCESS_OUTCOME_H

#include "base/sum.h"
#include "process/domain.h"

struct request;

struct outcome {
    int32_t type;     /* TRADING_COMMAND_ */
    uint32_t account; /* numbers; 0: none */
    uint32_t portfolio;
    uint32_t order;
    int32_t order_status;
    int32_t reason; /* of a rejection */
    trading_decimal required;
    trading_decimal available;
    trading_decimal filled;   /* of the order, by this command */
    struct wide_sum notional; /* of what it filled */
    int64_t last_position;
};

void outcome_begin(struct outcome *outcome, const struct cause *cause);
void outcome_note(struct outcome *outcome, const struct event *event);

/* Fills in all of a result but the version. The request is the command's, as it was located. */
void outcome_result(const struct outcome *outcome, const struct domain *domain, const struct request *request,
                    trading_result *result);

#endif
