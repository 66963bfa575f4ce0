#include "request.h"

#include "request_field.h"

#include <stdio.h>
#include <string.h>

/* The most members that an op takes. */
#define FIELDS_MAX 32

#define AT(member) offsetof(struct request, member)
#define END                                                                                                                    \
    {                                                                                                                          \
        NULL, FIELD_END, false, 0                                                                                              \
    }

/* What every command may have. */
static const struct field command_fields[] = {
    {"key", FIELD_KEY, false, AT(command.key)},
    {"actor", FIELD_KEY, false, AT(command.actor)},
    {"correlation", FIELD_KEY, false, AT(command.correlation)},
    {"expected_version", FIELD_INTEGER, false, AT(command.expected_version)},
    END,
};

#define ACCOUNT_FIELD(required)                                                                                                \
    {                                                                                                                          \
        "account", FIELD_ACCOUNT, required, AT(command.account)                                                                \
    }

static const struct field open_account_fields[] = {
    {"name", FIELD_TEXT, false, AT(body.open_account.name)},
    {"profile.name", FIELD_TEXT, false, AT(body.open_account.profile_name)},
    {"profile.surname", FIELD_TEXT, false, AT(body.open_account.profile_surname)},
    {"contact.email", FIELD_TEXT, false, AT(body.open_account.email)},
    {"contact.phone_number", FIELD_TEXT, false, AT(body.open_account.phone_number)},
    {"address.street", FIELD_TEXT, false, AT(body.open_account.street)},
    {"address.postal_code", FIELD_TEXT, false, AT(body.open_account.postal_code)},
    {"address.province", FIELD_TEXT, false, AT(body.open_account.province)},
    {"currency", FIELD_CURRENCY, false, AT(body.open_account.currency)},
    {"deposit", FIELD_DECIMAL, false, AT(body.open_account.deposit)},
    END,
};
static const struct field open_portfolio_fields[] = {
    ACCOUNT_FIELD(true),
    {"name", FIELD_TEXT, false, AT(body.open_portfolio.name)},
    END,
};
static const struct field update_contact_fields[] = {
    ACCOUNT_FIELD(true),
    {"contact.email", FIELD_TEXT, true, AT(body.update_contact.email)},
    {"contact.phone_number", FIELD_TEXT, true, AT(body.update_contact.phone_number)},
    END,
};
static const struct field update_address_fields[] = {
    ACCOUNT_FIELD(true),
    {"address.street", FIELD_TEXT, true, AT(body.update_address.street)},
    {"address.postal_code", FIELD_TEXT, true, AT(body.update_address.postal_code)},
    {"address.province", FIELD_TEXT, true, AT(body.update_address.province)},
    END,
};
static const struct field cash_fields[] = {
    ACCOUNT_FIELD(true),
    {"amount", FIELD_DECIMAL, true, AT(body.cash.amount)},
    END,
};
static const struct field transfer_fields[] = {
    ACCOUNT_FIELD(true),
    {"to", FIELD_ACCOUNT, true, AT(body.transfer.to)},
    {"amount", FIELD_DECIMAL, true, AT(body.transfer.amount)},
    END,
};
static const struct field refund_fields[] = {
    ACCOUNT_FIELD(true),
    {"amount", FIELD_DECIMAL, true, AT(body.refund.amount)},
    {"order", FIELD_ORDER, false, AT(body.refund.order)},
    END,
};
static const struct field account_fields[] = {
    ACCOUNT_FIELD(true),
    END,
};
static const struct field close_portfolio_fields[] = {
    {"portfolio", FIELD_PORTFOLIO, true, AT(body.close_portfolio.portfolio)},
    ACCOUNT_FIELD(false),
    END,
};
static const struct field place_order_fields[] = {
    {"portfolio", FIELD_PORTFOLIO, true, AT(body.place_order.portfolio)},
    {"side", FIELD_SIDE, true, AT(body.place_order.side)},
    {"symbol", FIELD_SYMBOL, true, AT(body.place_order.symbol)},
    {"quantity", FIELD_DECIMAL, true, AT(body.place_order.quantity)},
    {"type", FIELD_ORDER_TYPE, true, AT(body.place_order.type)},
    {"limit_price", FIELD_DECIMAL, false, AT(body.place_order.limit_price)},
    {"time_in_force", FIELD_TIME_IN_FORCE, false, AT(body.place_order.time_in_force)},
    {"lot", FIELD_LOT, false, AT(body.place_order.lot)},
    ACCOUNT_FIELD(false),
    END,
};
static const struct field cancel_order_fields[] = {
    {"order", FIELD_ORDER, true, AT(body.cancel_order.order)},
    ACCOUNT_FIELD(false),
    END,
};
static const struct field book_execution_fields[] = {
    {"order", FIELD_ORDER, true, AT(body.book_execution.order)},
    {"quantity", FIELD_DECIMAL, true, AT(body.book_execution.quantity)},
    {"price", FIELD_DECIMAL, true, AT(body.book_execution.price)},
    ACCOUNT_FIELD(false),
    END,
};
static const struct field end_order_fields[] = {
    {"order", FIELD_ORDER, true, AT(body.end_order.order)},
    {"status", FIELD_ORDER_STATUS, false, AT(body.end_order.status)},
    ACCOUNT_FIELD(false),
    END,
};
static const struct field bind_alias_fields[] = {
    ACCOUNT_FIELD(true),
    {"portfolio", FIELD_PORTFOLIO, false, AT(body.bind_alias.portfolio)},
    {"space", FIELD_TEXT, true, AT(body.bind_alias.space)},
    {"name", FIELD_TEXT, true, AT(body.bind_alias.name)},
    END,
};
static const struct field quote_fields[] = {
    {"symbol", FIELD_SYMBOL, true, AT(body.set_quote.symbol)},
    {"bid", FIELD_DECIMAL, true, AT(body.set_quote.bid)},
    {"ask", FIELD_DECIMAL, true, AT(body.set_quote.ask)},
    {"bid_size", FIELD_SIZE, false, AT(body.set_quote.bid_size)},
    {"ask_size", FIELD_SIZE, false, AT(body.set_quote.ask_size)},
    {"size", FIELD_SIZE, false, AT(size)},
    {"currency", FIELD_CURRENCY, false, AT(body.set_quote.currency)},
    END,
};
static const struct field acknowledge_fields[] = {
    {"cursor", FIELD_TEXT, true, AT(body.acknowledge.name)},
    {"position", FIELD_INTEGER, true, AT(body.acknowledge.position)},
    END,
};
static const struct field no_fields[] = {END};

/* What every view takes: as of when, and what it must have seen. */
#define VIEW_FIELDS                                                                                                            \
    {"at", FIELD_POINT, false, AT(at)},                                                                                        \
    {                                                                                                                          \
        "at_least", FIELD_INTEGER, false, AT(at_least)                                                                         \
    }

static const struct field view_account_fields[] = {{"id", FIELD_ACCOUNT, true, AT(id)}, VIEW_FIELDS, END};
static const struct field view_portfolio_fields[] = {
    {"id", FIELD_PORTFOLIO, true, AT(id)},
    {"all", FIELD_BOOLEAN, false, AT(all)},
    VIEW_FIELDS,
    END,
};
static const struct field view_order_fields[] = {{"id", FIELD_ORDER, true, AT(id)}, VIEW_FIELDS, END};
static const struct field view_symbol_fields[] = {{"symbol", FIELD_SYMBOL, true, AT(symbol)}, VIEW_FIELDS, END};
static const struct field point_fields[] = {VIEW_FIELDS, END};
static const struct field orders_fields[] = {
    {"portfolio", FIELD_PORTFOLIO, true, AT(id)},
    {"open", FIELD_BOOLEAN, false, AT(open)},
    VIEW_FIELDS,
    END,
};
static const struct field lots_fields[] = {{"portfolio", FIELD_PORTFOLIO, true, AT(id)}, VIEW_FIELDS, END};
static const struct field history_fields[] = {
    {"id", FIELD_ENTITY, true, AT(id)},
    {"limit", FIELD_INTEGER, false, AT(limit)},
    VIEW_FIELDS,
    END,
};
static const struct field activity_fields[] = {
    {"account", FIELD_ACCOUNT, true, AT(id)},
    {"at_least", FIELD_INTEGER, false, AT(at_least)},
    END,
};
static const struct field statement_fields[] = {
    {"account", FIELD_ACCOUNT, true, AT(id)},
    {"from", FIELD_TIME, false, AT(from)},
    {"to", FIELD_TIME, false, AT(to)},
    VIEW_FIELDS,
    END,
};

static const struct field forget_fields[] = {{"account", FIELD_ACCOUNT, true, AT(id)}, END};

/* Bodies as their commands begin with. */
static const trading_open_account open_account_body = TRADING_OPEN_ACCOUNT_INIT;
static const trading_open_portfolio open_portfolio_body = TRADING_OPEN_PORTFOLIO_INIT;
static const trading_update_contact update_contact_body = TRADING_UPDATE_CONTACT_INIT;
static const trading_update_address update_address_body = TRADING_UPDATE_ADDRESS_INIT;
static const trading_cash cash_body = TRADING_CASH_INIT;
static const trading_transfer transfer_body = TRADING_TRANSFER_INIT;
static const trading_accept_refund refund_body = TRADING_ACCEPT_REFUND_INIT;
static const trading_place_order place_order_body = TRADING_PLACE_ORDER_INIT;
static const trading_cancel_order cancel_order_body = TRADING_CANCEL_ORDER_INIT;
static const trading_book_execution book_execution_body = TRADING_BOOK_EXECUTION_INIT;
static const trading_end_order end_order_body = TRADING_END_ORDER_INIT;
static const trading_bind_alias bind_alias_body = TRADING_BIND_ALIAS_INIT;
static const trading_close_portfolio close_portfolio_body = TRADING_CLOSE_PORTFOLIO_INIT;
static const trading_set_quote quote_body = TRADING_SET_QUOTE_INIT;
static const trading_acknowledge acknowledge_body = TRADING_ACKNOWLEDGE_INIT;

#define BODY(name) &(name), sizeof(name)

static const struct op_rule {
    const char *name;
    enum op op;
    int32_t command; /* TRADING_COMMAND_, or 0 */
    const struct field *fields;
    const void *body;
    size_t body_size;
} op_rules[] = {
    {"open_account", OP_COMMAND, TRADING_COMMAND_OPEN_ACCOUNT, open_account_fields, BODY(open_account_body)},
    {"open_portfolio", OP_COMMAND, TRADING_COMMAND_OPEN_PORTFOLIO, open_portfolio_fields, BODY(open_portfolio_body)},
    {"update_contact", OP_COMMAND, TRADING_COMMAND_UPDATE_CONTACT, update_contact_fields, BODY(update_contact_body)},
    {"update_address", OP_COMMAND, TRADING_COMMAND_UPDATE_ADDRESS, update_address_fields, BODY(update_address_body)},
    {"deposit", OP_COMMAND, TRADING_COMMAND_DEPOSIT, cash_fields, BODY(cash_body)},
    {"withdraw", OP_COMMAND, TRADING_COMMAND_WITHDRAW, cash_fields, BODY(cash_body)},
    {"credit", OP_COMMAND, TRADING_COMMAND_CREDIT, cash_fields, BODY(cash_body)},
    {"debit", OP_COMMAND, TRADING_COMMAND_DEBIT, cash_fields, BODY(cash_body)},
    {"transfer", OP_COMMAND, TRADING_COMMAND_TRANSFER, transfer_fields, BODY(transfer_body)},
    {"refund", OP_COMMAND, TRADING_COMMAND_ACCEPT_REFUND, refund_fields, BODY(refund_body)},
    {"freeze", OP_COMMAND, TRADING_COMMAND_FREEZE_ACCOUNT, account_fields, NULL, 0},
    {"unfreeze", OP_COMMAND, TRADING_COMMAND_UNFREEZE_ACCOUNT, account_fields, NULL, 0},
    {"close_account", OP_COMMAND, TRADING_COMMAND_CLOSE_ACCOUNT, account_fields, NULL, 0},
    {"bind_alias", OP_COMMAND, TRADING_COMMAND_BIND_ALIAS, bind_alias_fields, BODY(bind_alias_body)},
    {"close_portfolio", OP_COMMAND, TRADING_COMMAND_CLOSE_PORTFOLIO, close_portfolio_fields, BODY(close_portfolio_body)},
    {"place_order", OP_COMMAND, TRADING_COMMAND_PLACE_ORDER, place_order_fields, BODY(place_order_body)},
    {"cancel_order", OP_COMMAND, TRADING_COMMAND_CANCEL_ORDER, cancel_order_fields, BODY(cancel_order_body)},
    {"route_order", OP_COMMAND, TRADING_COMMAND_ROUTE_ORDER, place_order_fields, BODY(place_order_body)},
    {"book_execution", OP_COMMAND, TRADING_COMMAND_BOOK_EXECUTION, book_execution_fields, BODY(book_execution_body)},
    {"end_order", OP_COMMAND, TRADING_COMMAND_END_ORDER, end_order_fields, BODY(end_order_body)},
    {"quote", OP_COMMAND, TRADING_COMMAND_SET_QUOTE, quote_fields, BODY(quote_body)},
    {"end_session", OP_COMMAND, TRADING_COMMAND_END_SESSION, no_fields, NULL, 0},
    {"acknowledge", OP_COMMAND, TRADING_COMMAND_ACKNOWLEDGE, acknowledge_fields, BODY(acknowledge_body)},
    {"view_account", OP_VIEW_ACCOUNT, 0, view_account_fields, NULL, 0},
    {"view_portfolio", OP_VIEW_PORTFOLIO, 0, view_portfolio_fields, NULL, 0},
    {"view_order", OP_VIEW_ORDER, 0, view_order_fields, NULL, 0},
    {"view_quote", OP_VIEW_QUOTE, 0, view_symbol_fields, NULL, 0},
    {"view_book", OP_VIEW_BOOK, 0, view_symbol_fields, NULL, 0},
    {"accounts", OP_ACCOUNTS, 0, point_fields, NULL, 0},
    {"quotes", OP_QUOTES, 0, point_fields, NULL, 0},
    {"lots", OP_LOTS, 0, lots_fields, NULL, 0},
    {"orders", OP_ORDERS, 0, orders_fields, NULL, 0},
    {"history", OP_HISTORY, 0, history_fields, NULL, 0},
    {"activity", OP_ACTIVITY, 0, activity_fields, NULL, 0},
    {"statement", OP_STATEMENT, 0, statement_fields, NULL, 0},
    {"verify", OP_VERIFY, 0, no_fields, NULL, 0},
    {"info", OP_INFO, 0, no_fields, NULL, 0},
    {"checkpoint", OP_CHECKPOINT, 0, no_fields, NULL, 0},
    {"forget", OP_FORGET, 0, forget_fields, NULL, 0},
};
#define OP_COUNT (sizeof op_rules / sizeof op_rules[0])

const char *request_op_of_command(int32_t command)
{
    for (size_t i = 0; i < OP_COUNT; i++)
        if (command != 0 && op_rules[i].command == command)
            return op_rules[i].name;
    return NULL;
}

/* The members that an op takes, its own and those of every command, and which of them were given. */
struct reading {
    struct request *request;
    struct complaint *complaint;
    const char *op;
    const struct field *fields[FIELDS_MAX];
    bool given[FIELDS_MAX];
    size_t count;
};

static void add_fields(struct reading *reading, const struct field *fields)
{
    while (fields->type != FIELD_END && reading->count < FIELDS_MAX)
        reading->fields[reading->count++] = fields++;
}

/* The same member in the spelling of clients of the system that this one replaces. */
static const char *canonical(const char *key)
{
    if (!strcmp(key, "phoneNumber"))
        return "phone_number";
    if (!strcmp(key, "postalCode"))
        return "postal_code";
    return key;
}

/* True when the field is the member `key` of the member `parent`, or of the request itself where that is NULL. */
static bool is_field(const struct field *field, const char *parent, const char *key)
{
    const char *name = field->key;
    if (parent) {
        size_t length = strlen(parent);
        if (strncmp(name, parent, length) != 0 || name[length] != '.')
            return false;
        name += length + 1;
    }
    return !strchr(name, '.') && !strcmp(name, parent ? canonical(key) : key);
}

/* The start of a field's key, when fields are members of `key`: "contact" for contact.email. */
static bool is_parent(const struct reading *reading, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i < reading->count; i++)
        if (!strncmp(reading->fields[i]->key, key, length) && reading->fields[i]->key[length] == '.')
            return true;
    return false;
}

static bool read_member(struct reading *reading, const char *parent, const char *key, const json_t *value)
{
    char start[EXCERPT_BYTES];
    reading->complaint->parent = parent;
    reading->complaint->key = key;
    for (size_t i = 0; i < reading->count; i++) {
        if (!is_field(reading->fields[i], parent, key))
            continue;
        if (reading->given[i])
            return complain(reading->complaint, TRADING_REASON_BAD_REQUEST, "%s: is given twice", reading->fields[i]->key);
        reading->given[i] = true;
        return field_read(reading->fields[i], value, reading->request, reading->complaint);
    }
    return complain(reading->complaint, TRADING_REASON_BAD_REQUEST, "%s%s%s: op %s takes no such key", parent ? parent : "",
                    parent ? "." : "", excerpt(key, start), reading->op);
}

static bool read_members(struct reading *reading, json_t *document)
{
    const char *key;
    const char *inner;
    json_t *value;
    json_t *member;
    json_object_foreach(document, key, value)
    {
        if (!strcmp(key, "op"))
            continue;
        if (!is_parent(reading, key)) {
            if (!read_member(reading, NULL, key, value))
                return false;
            continue;
        }
        reading->complaint->key = key;
        if (!json_is_object(value))
            return complain(reading->complaint, TRADING_REASON_BAD_REQUEST, "%s: must be an object", key);
        json_object_foreach(value, inner, member)
        {
            if (!read_member(reading, key, inner, member))
                return false;
        }
    }
    return true;
}

static bool has_all(struct reading *reading)
{
    reading->complaint->parent = NULL;
    reading->complaint->key = NULL;
    for (size_t i = 0; i < reading->count; i++)
        if (reading->fields[i]->required && !reading->given[i])
            return complain(reading->complaint, TRADING_REASON_BAD_REQUEST, "%s: is missing; op %s needs it",
                            reading->fields[i]->key, reading->op);
    return true;
}

static bool was_given(const struct reading *reading, const char *key)
{
    for (size_t i = 0; i < reading->count; i++)
        if (reading->given[i] && !strcmp(reading->fields[i]->key, key))
            return true;
    return false;
}

/* Complains of a member that does not go with the others. */
static bool misfit(struct reading *reading, const char *key, const char *why)
{
    reading->complaint->key = key;
    return complain(reading->complaint, TRADING_REASON_BAD_REQUEST, "%s: %s", key, why);
}

/* `size` of a quote is that of both its sides. */
static bool spread_size(struct reading *reading)
{
    if (!was_given(reading, "size"))
        return true;
    if (was_given(reading, "bid_size") || was_given(reading, "ask_size"))
        return misfit(reading, "size", "is that of both sides; give it, or bid_size and ask_size");
    reading->request->body.set_quote.bid_size = reading->request->size;
    reading->request->body.set_quote.ask_size = reading->request->size;
    return true;
}

static bool order_fits(struct reading *reading)
{
    const trading_place_order *order = &reading->request->body.place_order;
    if (order->type == TRADING_ORDER_TYPE_MARKET && order->time_in_force && order->time_in_force != TRADING_TIME_IN_FORCE_IOC)
        return misfit(reading, "time_in_force", "a market order is filled at once or canceled; leave it out, or give a limit");
    if (order->side == TRADING_SIDE_BUY && !trading_id_is_zero(&order->lot))
        return misfit(reading, "lot", "only a sell order is of a lot; a buy order makes one");
    return true;
}

static bool transfer_fits(struct reading *reading)
{
    const struct request *request = reading->request;
    bool other = memcmp(&request->body.transfer.to, &request->command.account, sizeof(trading_id)) != 0;
    return other || misfit(reading, "to", "is the account itself; name another");
}

/* Whether members that are right by themselves are so together. */
static bool fits_together(struct reading *reading)
{
    switch (reading->request->command.type) {
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        return order_fits(reading);
    case TRADING_COMMAND_TRANSFER:
        return transfer_fits(reading);
    case TRADING_COMMAND_SET_QUOTE:
        return spread_size(reading);
    default:
        return true;
    }
}

static const struct op_rule *find_rule(const json_t *document, struct complaint *complaint)
{
    char start[EXCERPT_BYTES];
    const json_t *op = json_object_get(document, "op");
    if (!json_is_object(document)) {
        complain(complaint, TRADING_REASON_BAD_REQUEST, "a request is a JSON object: {\"op\":\"...\"}");
        return NULL;
    }
    if (!json_is_string(op)) {
        complaint->key = op ? "op" : NULL;
        complain(complaint, TRADING_REASON_BAD_REQUEST, op ? "op: must be a string" : "op: is missing; it says what to do");
        return NULL;
    }
    for (size_t i = 0; i < OP_COUNT; i++)
        if (!strcmp(op_rules[i].name, json_string_value(op)))
            return &op_rules[i];
    complaint->key = "op";
    complain(complaint, TRADING_REASON_BAD_REQUEST, "op: there is no op \"%s\"; docs/json-lines.md lists them",
             excerpt(json_string_value(op), start));
    return NULL;
}

bool request_read(struct request *request, json_t *document, struct complaint *complaint)
{
    *complaint = (struct complaint){0};
    const struct op_rule *rule = find_rule(document, complaint);
    if (!rule)
        return false;
    *request = (struct request){.op = rule->op, .limit = UINT64_MAX, .at_least = -1};
    request->command.type = rule->command;
    struct reading reading = {.request = request, .complaint = complaint, .op = rule->name};
    add_fields(&reading, rule->fields);
    if (rule->op == OP_COMMAND)
        add_fields(&reading, command_fields);
    if (rule->body) {
        memcpy(&request->body, rule->body, rule->body_size);
        request->command.body = &request->body;
        request->command.body_size = rule->body_size;
    }
    return read_members(&reading, document) && has_all(&reading) && fits_together(&reading);
}
