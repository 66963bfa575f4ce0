#include "simulation/step.h"

#include "simulation/random.h"
#include "simulation/texts.h"

#include <inttypes.h>
#include <string.h>

static const char broken[] = "caf\xc3";
static char long_text[10000];

static trading_text text_of(const struct model_command *command, enum simulation_text which)
{
    if (command->fault == MODEL_FAULT_BROKEN_TEXT)
        return (trading_text){broken, sizeof(broken) - 1};
    if (command->fault == MODEL_FAULT_LONG_TEXT) {
        memset(long_text, 'x', sizeof(long_text));
        return (trading_text){long_text, sizeof(long_text)};
    }
    const char *text = simulation_text(command->text, which);
    return (trading_text){text, strlen(text)};
}

static void lower_opening(const struct model_command *command, trading_open_account *body)
{
    trading_open_account_init(body);
    body->currency = command->currency;
    body->deposit = command->amount;
    body->name = text_of(command, TEXT_NAME);
    body->profile_name = text_of(command, TEXT_PROFILE_NAME);
    body->profile_surname = text_of(command, TEXT_PROFILE_SURNAME);
    body->email = text_of(command, TEXT_EMAIL);
    body->phone_number = text_of(command, TEXT_PHONE_NUMBER);
    body->street = text_of(command, TEXT_STREET);
    body->postal_code = text_of(command, TEXT_POSTAL_CODE);
    body->province = text_of(command, TEXT_PROVINCE);
}

static void lower_order(const struct model_command *command, const struct names *names, trading_place_order *body)
{
    trading_place_order_init(body);
    body->side = command->side;
    body->type = command->order_type;
    body->time_in_force = command->time_in_force;
    body->portfolio = names_id(names, TRADING_ENTITY_PORTFOLIO, command->portfolio);
    body->symbol = command->symbol;
    body->quantity = command->quantity;
    body->limit_price = command->price;
    body->lot = names_id(names, TRADING_ENTITY_ORDER, command->lot);
}

static void lower_quote(const struct model_command *command, trading_set_quote *body)
{
    trading_set_quote_init(body);
    body->currency = command->currency;
    body->symbol = command->symbol;
    body->bid = command->bid;
    body->ask = command->ask;
    body->bid_size = command->bid_size;
    body->ask_size = command->ask_size;
}

static size_t lower_about_order(const struct model_command *command, const struct names *names, struct step_lowered *lowered)
{
    switch (command->type) {
    case TRADING_COMMAND_BOOK_EXECUTION:
        trading_book_execution_init(&lowered->body.book_execution);
        lowered->body.book_execution.order = names_id(names, TRADING_ENTITY_ORDER, command->order);
        lowered->body.book_execution.quantity = command->quantity;
        lowered->body.book_execution.price = command->price;
        return sizeof(lowered->body.book_execution);
    case TRADING_COMMAND_END_ORDER:
        trading_end_order_init(&lowered->body.end_order);
        lowered->body.end_order.order = names_id(names, TRADING_ENTITY_ORDER, command->order);
        lowered->body.end_order.status = command->status;
        return sizeof(lowered->body.end_order);
    default:
        trading_cancel_order_init(&lowered->body.cancel_order);
        lowered->body.cancel_order.order = names_id(names, TRADING_ENTITY_ORDER, command->order);
        return sizeof(lowered->body.cancel_order);
    }
}

/* Fills the body. @return its size; 0: the type has none. */
static size_t lower_body(const struct model_command *command, const struct names *names, struct step_lowered *lowered)
{
    switch (command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        lower_opening(command, &lowered->body.open_account);
        return sizeof(lowered->body.open_account);
    case TRADING_COMMAND_OPEN_PORTFOLIO:
        trading_open_portfolio_init(&lowered->body.open_portfolio);
        lowered->body.open_portfolio.name = text_of(command, TEXT_NAME);
        return sizeof(lowered->body.open_portfolio);
    case TRADING_COMMAND_UPDATE_CONTACT:
        trading_update_contact_init(&lowered->body.update_contact);
        lowered->body.update_contact.email = text_of(command, TEXT_EMAIL);
        lowered->body.update_contact.phone_number = text_of(command, TEXT_PHONE_NUMBER);
        return sizeof(lowered->body.update_contact);
    case TRADING_COMMAND_UPDATE_ADDRESS:
        trading_update_address_init(&lowered->body.update_address);
        lowered->body.update_address.street = text_of(command, TEXT_STREET);
        lowered->body.update_address.postal_code = text_of(command, TEXT_POSTAL_CODE);
        lowered->body.update_address.province = text_of(command, TEXT_PROVINCE);
        return sizeof(lowered->body.update_address);
    case TRADING_COMMAND_TRANSFER:
        trading_transfer_init(&lowered->body.transfer);
        lowered->body.transfer.amount = command->amount;
        lowered->body.transfer.to = names_id(names, TRADING_ENTITY_ACCOUNT, command->other);
        return sizeof(lowered->body.transfer);
    case TRADING_COMMAND_ACCEPT_REFUND:
        trading_accept_refund_init(&lowered->body.accept_refund);
        lowered->body.accept_refund.amount = command->amount;
        lowered->body.accept_refund.order = names_id(names, TRADING_ENTITY_ORDER, command->order);
        return sizeof(lowered->body.accept_refund);
    case TRADING_COMMAND_BIND_ALIAS:
        trading_bind_alias_init(&lowered->body.bind_alias);
        lowered->body.bind_alias.portfolio = names_id(names, TRADING_ENTITY_PORTFOLIO, command->portfolio);
        snprintf(lowered->space, sizeof(lowered->space), "s%d", (int)command->space);
        snprintf(lowered->name, sizeof(lowered->name), "N-%" PRId64, command->alias);
        lowered->body.bind_alias.space = (trading_text){lowered->space, strlen(lowered->space)};
        lowered->body.bind_alias.name = (trading_text){lowered->name, strlen(lowered->name)};
        return sizeof(lowered->body.bind_alias);
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        lower_order(command, names, &lowered->body.place_order);
        return sizeof(lowered->body.place_order);
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
        return lower_about_order(command, names, lowered);
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        trading_close_portfolio_init(&lowered->body.close_portfolio);
        lowered->body.close_portfolio.portfolio = names_id(names, TRADING_ENTITY_PORTFOLIO, command->portfolio);
        return sizeof(lowered->body.close_portfolio);
    case TRADING_COMMAND_SET_QUOTE:
        lower_quote(command, &lowered->body.set_quote);
        return sizeof(lowered->body.set_quote);
    case TRADING_COMMAND_DEPOSIT:
    case TRADING_COMMAND_WITHDRAW:
    case TRADING_COMMAND_CREDIT:
    case TRADING_COMMAND_DEBIT:
        trading_cash_init(&lowered->body.cash);
        lowered->body.cash.amount = command->amount;
        return sizeof(lowered->body.cash);
    default:
        return 0;
    }
}

static trading_id key_of(int64_t key, uint64_t seed)
{
    trading_id id = {{0}};
    if (!key)
        return id;
    struct chance chance = {seed ^ ((uint64_t)key << 20)};
    uint64_t halves[2] = {chance_next(&chance), chance_next(&chance)};
    memcpy(id.bytes, halves, sizeof(id.bytes));
    return id;
}

void step_lower(const struct model_command *command, const struct names *names, uint64_t seed, struct step_lowered *lowered)
{
    memset(lowered, 0, sizeof(*lowered));
    trading_command *out = &lowered->command;
    out->type = command->type;
    out->key = key_of(command->key, seed);
    out->account = names_id(names, TRADING_ENTITY_ACCOUNT, command->account);
    out->body_size = lower_body(command, names, lowered);
    out->body = out->body_size ? &lowered->body : NULL;
    if (command->fault == MODEL_FAULT_TYPE)
        out->type = command->type % 2 ? 4711 : -command->type;
    if (command->fault == MODEL_FAULT_FLAGS)
        out->flags = 0x80000000u;
    if (command->fault == MODEL_FAULT_BODY_SIZE)
        out->body_size += 3;
    if (command->fault == MODEL_FAULT_NO_BODY)
        out->body = NULL;
}

static const char *const type_names[] = {
    [TRADING_COMMAND_OPEN_ACCOUNT] = "open account",
    [TRADING_COMMAND_OPEN_PORTFOLIO] = "open portfolio",
    [TRADING_COMMAND_UPDATE_CONTACT] = "contact",
    [TRADING_COMMAND_UPDATE_ADDRESS] = "address",
    [TRADING_COMMAND_DEPOSIT] = "deposit",
    [TRADING_COMMAND_WITHDRAW] = "withdraw",
    [TRADING_COMMAND_CREDIT] = "credit",
    [TRADING_COMMAND_DEBIT] = "debit",
    [TRADING_COMMAND_ACCEPT_REFUND] = "refund",
    [TRADING_COMMAND_FREEZE_ACCOUNT] = "freeze",
    [TRADING_COMMAND_UNFREEZE_ACCOUNT] = "unfreeze",
    [TRADING_COMMAND_CLOSE_ACCOUNT] = "close account",
    [TRADING_COMMAND_PLACE_ORDER] = "place order",
    [TRADING_COMMAND_CANCEL_ORDER] = "cancel",
    [TRADING_COMMAND_CLOSE_PORTFOLIO] = "close portfolio",
    [TRADING_COMMAND_SET_QUOTE] = "quote",
    [TRADING_COMMAND_END_SESSION] = "end session",
    [TRADING_COMMAND_TRANSFER] = "transfer",
    [TRADING_COMMAND_ROUTE_ORDER] = "route order",
    [TRADING_COMMAND_BOOK_EXECUTION] = "execution",
    [TRADING_COMMAND_END_ORDER] = "end order",
    [TRADING_COMMAND_BIND_ALIAS] = "alias",
};

static void print_name(const char *what, int64_t name, FILE *out)
{
    if (name)
        fprintf(out, " %s #%" PRId64 ".%" PRId64, what, MODEL_NUMBER_OF(name), name % 256);
}

static void print_decimal(const char *what, int64_t value, FILE *out)
{
    char text[TRADING_DECIMAL_TEXT] = "unlimited";
    if (!value)
        return;
    if (value != TRADING_SIZE_UNLIMITED)
        trading_decimal_format(value, 0, text);
    fprintf(out, " %s %s", what, text);
}

static void print_order(const struct model_command *command, FILE *out)
{
    fprintf(out, " %s %s %s", trading_side_name(command->side), trading_order_type_name(command->order_type),
            trading_time_in_force_name(command->time_in_force));
    print_name("lot", command->lot, out);
}

void step_print(const struct step *step, FILE *out)
{
    const struct model_command *command = &step->command;
    if (step->action != STEP_COMMAND) {
        fprintf(out, "  batch %d: %s and open again\n", step->batch, step->action == STEP_CLOSE ? "close" : "abandon");
        return;
    }
    fprintf(out, "  batch %d, #%" PRId64 ", key %" PRId64 ": %s", step->batch, command->number, command->key,
            type_names[command->type]);
    if (command->fault || command->version)
        fprintf(out, " (fault %d, version %d)", (int)command->fault, (int)command->version);
    print_name("account", command->account, out);
    print_name("portfolio", command->portfolio, out);
    print_name("order", command->order, out);
    print_name("to", command->other, out);
    if (model_places_order(command->type))
        print_order(command, out);
    if (command->symbol.text[0])
        fprintf(out, " %.16s", command->symbol.text);
    if (command->currency.text[0])
        fprintf(out, " %.4s", command->currency.text);
    print_decimal("amount", command->amount, out);
    print_decimal("quantity", command->quantity, out);
    print_decimal("price", command->price, out);
    print_decimal("bid", command->bid, out);
    print_decimal("size", command->bid_size, out);
    print_decimal("ask", command->ask, out);
    print_decimal("size", command->ask_size, out);
    fprintf(out, "\n");
}
