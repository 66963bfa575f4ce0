#include "simulation/answer.h"

#include <inttypes.h>
#include <stdio.h>

bool answer_same_status(const struct model_answer *expected, const trading_result *actual, char *failure, size_t bytes)
{
    if (expected->status == actual->status && expected->reason == actual->reason)
        return true;
    snprintf(failure, bytes, "the engine says %s %s, the model %s %s", trading_status_name(actual->status),
             trading_reason_name(actual->reason), trading_status_name(expected->status), trading_reason_name(expected->reason));
    return false;
}

bool answer_bind(struct names *names, const struct model_command *command, const struct model_answer *expected,
                 const trading_result *actual, char *failure, size_t bytes)
{
    bool fits = true;
    bool accepted = expected->status == TRADING_STATUS_ACCEPTED;
    if (accepted && command->type == TRADING_COMMAND_OPEN_ACCOUNT)
        fits = names_bind(names, TRADING_ENTITY_ACCOUNT, expected->account, &actual->account);
    if (accepted && (command->type == TRADING_COMMAND_OPEN_ACCOUNT || command->type == TRADING_COMMAND_OPEN_PORTFOLIO))
        fits = fits && names_bind(names, TRADING_ENTITY_PORTFOLIO, expected->portfolio, &actual->portfolio);
    if (model_places_order(command->type) && expected->order)
        fits = fits && names_bind(names, TRADING_ENTITY_ORDER, expected->order, &actual->order);
    if (!fits)
        snprintf(failure, bytes, "the id of what was made is zero or another's");
    return fits;
}

/* An order that trades with so many others that it may not fit a commit is answered with what the first of its commits did. */
enum { MAY_PAUSE = 100 };

static bool is_first_part(const struct model_answer *expected, const trading_result *actual)
{
    return expected->executions > MAY_PAUSE && actual->order_status == TRADING_ORDER_STATUS_PARTIALLY_FILLED &&
           actual->filled_quantity > 0 && actual->filled_quantity <= expected->filled;
}

bool answer_same(const struct names *names, const struct model_answer *expected, const trading_result *actual, char *failure,
                 size_t bytes)
{
    if (expected->status != TRADING_STATUS_ACCEPTED && expected->status != TRADING_STATUS_REJECTED)
        return true;
    const struct {
        const char *what;
        int64_t expected;
        int64_t actual;
    } parts[] = {
        {"account", expected->account, names_name(names, TRADING_ENTITY_ACCOUNT, &actual->account)},
        {"portfolio", expected->portfolio, names_name(names, TRADING_ENTITY_PORTFOLIO, &actual->portfolio)},
        {"order", expected->order, names_name(names, TRADING_ENTITY_ORDER, &actual->order)},
        {"order_status", expected->order_status, actual->order_status},
        {"filled_quantity", expected->filled, actual->filled_quantity},
        {"average_price", expected->average, actual->average_price},
        {"required", expected->required, actual->required},
        {"available", expected->available, actual->available},
    };
    bool paused = is_first_part(expected, actual);
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        bool of_progress = i >= 3 && i <= 5;
        if (parts[i].expected != parts[i].actual && !(paused && of_progress)) {
            snprintf(failure, bytes, "%s is %" PRId64 " in the engine, %" PRId64 " in the model", parts[i].what,
                     parts[i].actual, parts[i].expected);
            return false;
        }
    }
    return true;
}
