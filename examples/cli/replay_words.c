#include "replay_words.h"

#include "output.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Cents; a currency that has more decimals shows those that are not zero. */
#define LEAST_DECIMALS 2

const char *words_amount(trading_decimal value, int32_t decimals, char buffer[AMOUNT_TEXT])
{
    char text[TRADING_DECIMAL_TEXT];
    trading_decimal_format(value, decimals, text);
    output_grouped(text, buffer);
    return buffer;
}

const char *words_count(size_t count, char buffer[AMOUNT_TEXT])
{
    char text[24];
    snprintf(text, sizeof text, "%zu", count);
    output_grouped(text, buffer);
    return buffer;
}

static bool same_id(const trading_id *a, const trading_id *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

const struct strategy_line *words_line_of_order(const struct strategy *strategy, const trading_id *order)
{
    for (size_t i = 0; i < strategy->count; i++)
        if (strategy->lines[i].command == TRADING_COMMAND_PLACE_ORDER && same_id(&strategy->lines[i].order, order))
            return &strategy->lines[i];
    return NULL;
}

const char *words_account(const struct strategy *strategy, const trading_id *account, char buffer[TRADING_ID_TEXT])
{
    buffer[0] = '\0';
    if (trading_id_is_zero(account))
        return buffer;
    for (size_t i = 0; i < strategy->count; i++) {
        const struct strategy_line *line = &strategy->lines[i];
        if (line->command == TRADING_COMMAND_OPEN_ACCOUNT && line->as && same_id(&line->account, account))
            return line->as;
    }
    trading_id_format(TRADING_ENTITY_ACCOUNT, account, buffer);
    return buffer;
}

/* Appends to the words; what does not fit is left out. */
__attribute__((format(printf, 3, 4))) static void say(char *words, size_t bytes, const char *format, ...)
{
    size_t length = strlen(words);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words + length, bytes - length, format, arguments);
    va_end(arguments);
}

/* An order as the strategy names it; nothing when it does not. */
static void say_order(const struct strategy *strategy, const trading_id *order, char words[WORDS])
{
    const struct strategy_line *line = words_line_of_order(strategy, order);
    if (line && line->as)
        say(words, WORDS, " @%s", line->as);
}

static void say_placing(const struct strategy *strategy, const trading_place_order *order, char words[WORDS])
{
    static const char *const until[] = {
        [TRADING_TIME_IN_FORCE_DAY] = "today",
        [TRADING_TIME_IN_FORCE_GTC] = "good till canceled",
        [TRADING_TIME_IN_FORCE_IOC] = "at once or not at all",
    };
    char amount[AMOUNT_TEXT];
    say(words, WORDS, "%ss %s %s", trading_side_name(order->side), words_amount(order->quantity, 0, amount),
        order->symbol.text);
    if (order->type == TRADING_ORDER_TYPE_MARKET)
        say(words, WORDS, " at the market");
    else
        say(words, WORDS, " at %s, %s", words_amount(order->limit_price, LEAST_DECIMALS, amount),
            until[order->time_in_force ? order->time_in_force : TRADING_TIME_IN_FORCE_DAY]);
    if (trading_id_is_zero(&order->lot))
        return;
    say(words, WORDS, ", of lot");
    say_order(strategy, &order->lot, words);
}

/* What is said of a command in which there is nothing, or but an amount, to tell. */
static const char *verb_of(int32_t command)
{
    static const char *const verbs[] = {
        [TRADING_COMMAND_OPEN_PORTFOLIO] = "opens a further portfolio",
        [TRADING_COMMAND_UPDATE_CONTACT] = "has a new contact",
        [TRADING_COMMAND_UPDATE_ADDRESS] = "has a new address",
        [TRADING_COMMAND_DEPOSIT] = "deposits",
        [TRADING_COMMAND_WITHDRAW] = "withdraws",
        [TRADING_COMMAND_CREDIT] = "is credited",
        [TRADING_COMMAND_DEBIT] = "is debited",
        [TRADING_COMMAND_FREEZE_ACCOUNT] = "is frozen",
        [TRADING_COMMAND_UNFREEZE_ACCOUNT] = "is free again",
        [TRADING_COMMAND_CLOSE_ACCOUNT] = "closes the account",
        [TRADING_COMMAND_CLOSE_PORTFOLIO] = "closes the portfolio",
        [TRADING_COMMAND_SET_QUOTE] = "a quote",
        [TRADING_COMMAND_END_SESSION] = "the session ends",
    };
    bool known = command > 0 && (size_t)command < sizeof verbs / sizeof verbs[0] && verbs[command];
    return known ? verbs[command] : request_op_of_command(command);
}

void words_of_request(const struct strategy *strategy, const struct request *request, char words[WORDS])
{
    char amount[AMOUNT_TEXT];
    words[0] = '\0';
    switch (request->command.type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        say(words, WORDS, "opens an account with %s", words_amount(request->body.open_account.deposit, LEAST_DECIMALS, amount));
        break;
    case TRADING_COMMAND_DEPOSIT:
    case TRADING_COMMAND_WITHDRAW:
    case TRADING_COMMAND_CREDIT:
    case TRADING_COMMAND_DEBIT:
        say(words, WORDS, "%s %s", verb_of(request->command.type),
            words_amount(request->body.cash.amount, LEAST_DECIMALS, amount));
        break;
    case TRADING_COMMAND_ACCEPT_REFUND:
        say(words, WORDS, "is refunded %s", words_amount(request->body.refund.amount, LEAST_DECIMALS, amount));
        break;
    case TRADING_COMMAND_PLACE_ORDER:
        say_placing(strategy, &request->body.place_order, words);
        break;
    case TRADING_COMMAND_CANCEL_ORDER:
        say(words, WORDS, "cancels the order");
        say_order(strategy, &request->body.cancel_order.order, words);
        break;
    default:
        say(words, WORDS, "%s", verb_of(request->command.type));
        break;
    }
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* What became of an order when it was placed. */
static void say_fill(const struct request *request, const json_t *outcome, char words[REFUSAL_BYTES])
{
    char quantity[AMOUNT_TEXT];
    char filled[AMOUNT_TEXT];
    char price[AMOUNT_TEXT];
    const char *status = text_of(outcome, "status");
    const char *done = output_grouped(text_of(outcome, "filled_quantity"), filled);
    const char *at = output_grouped(text_of(outcome, "average_price"), price);
    words_amount(request->body.place_order.quantity, 0, quantity);
    bool rests = !strcmp(status, "new") || !strcmp(status, "partially_filled");
    if (!strcmp(status, "filled"))
        say(words, REFUSAL_BYTES, "filled at %s", at);
    else if (strcmp(done, "0") != 0)
        say(words, REFUSAL_BYTES, "%s of %s filled at %s, the rest %s", done, quantity, at, rests ? "waits" : status);
    else
        say(words, REFUSAL_BYTES, "%s", rests ? "waits in the book" : status);
}

void words_of_outcome(const struct request *request, const json_t *outcome, char words[REFUSAL_BYTES])
{
    words[0] = '\0';
    if (!json_is_true(json_object_get(outcome, "ok")))
        say(words, REFUSAL_BYTES, "refused: %s", text_of(outcome, "message"));
    else if (request->command.type == TRADING_COMMAND_PLACE_ORDER)
        say_fill(request, outcome, words);
    else if (request->command.type == TRADING_COMMAND_CLOSE_PORTFOLIO)
        say(words, REFUSAL_BYTES, "%s", text_of(outcome, "status"));
    else
        say(words, REFUSAL_BYTES, "done");
}
