/* What the other system's services tell, as requests. */
#include "output.h"
#include "record.h"
#include "reference.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 256
#define KEY_BYTES    (WIRE_TOPIC_BYTES + 96)

/* A message on its way to be requests. */
struct message {
    const struct reference *reference;
    const trading_bus_record *record;
    json_t *body;
    struct reference_fault *fault;
    json_t *requests[REFERENCE_REQUESTS];
    size_t count;
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct message *message, const char *reason, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(message->fault->message, sizeof message->fault->message, format, list);
    va_end(list);
    message->fault->reason = reason;
    return false;
}

/* ---- its members ---- */

/* A text, or a number as it was written; NULL when it is neither, or not there. */
static const char *text_of(const json_t *body, const char *key)
{
    return json_string_value(json_object_get(body, key));
}

static bool need_text(struct message *message, const json_t *body, const char *key, const char **text)
{
    *text = text_of(body, key);
    if (!*text || !**text) {
        refuse(message, "BAD_REQUEST", "%s: is missing, or no text", key);
        return false;
    }
    return true;
}

/* What the other system calls something, which is kept as an alias. */
static bool need_name(struct message *message, const char *key, const char **name)
{
    if (!need_text(message, message->body, key, name))
        return false;
    return strlen(*name) <= TRADING_ALIAS_NAME_BYTES ||
           refuse(message, "BAD_TEXT", "%s: is longer than %d bytes", key, TRADING_ALIAS_NAME_BYTES);
}

static bool put_number(struct message *message, json_t *request, const char *name, const json_t *body, const char *key)
{
    char plain[NUMBER_BYTES];
    const char *text;
    if (!need_text(message, body, key, &text))
        return false;
    if (!reference_plain_number(text, plain, sizeof plain))
        return refuse(message, "BAD_AMOUNT", "%s: \"%.40s\" is no number", key, text);
    put_text(request, name, plain);
    return true;
}

/* ---- requests ---- */

static json_t *add_request(struct message *message, const char *op)
{
    json_t *request = new_object();
    put_text(request, "op", op);
    message->requests[message->count++] = request;
    return request;
}

/* The key by which an account is opened, and so known. */
static void account_key(const char *account, char key[KEY_BYTES])
{
    snprintf(key, KEY_BYTES, REFERENCE_SPACE "/%s", account);
}

static void opened_ids(const char *account, trading_id *id, trading_id *portfolio)
{
    char text[KEY_BYTES];
    trading_id key;
    account_key(account, text);
    trading_key_from_text(text, strlen(text), &key);
    trading_opened_ids(&key, id, portfolio);
}

/* Of a message that tells of something new each time: where it stands. */
static void put_place_as_key(const struct message *message, json_t *request)
{
    char place[WIRE_PLACE_BYTES];
    wire_place(message->record, place);
    put_text(request, "key", place);
}

static void add_alias(struct message *message, const char *account, const char *name, bool of_portfolio)
{
    char key[KEY_BYTES];
    trading_id id;
    trading_id portfolio;
    opened_ids(account, &id, &portfolio);
    json_t *request = add_request(message, "bind_alias");
    put_id(request, "account", TRADING_ENTITY_ACCOUNT, &id);
    if (of_portfolio)
        put_id(request, "portfolio", TRADING_ENTITY_PORTFOLIO, &portfolio);
    put_text(request, "space", REFERENCE_SPACE);
    put_text(request, "name", name);
    snprintf(key, sizeof key, REFERENCE_SPACE "/%s/%s", account, of_portfolio ? "portfolio" : "alias");
    put_text(request, "key", key);
}

/* Told twice, it is done once: its keys follow from the account. */
static bool read_opening(struct message *message)
{
    char key[KEY_BYTES];
    const char *account;
    const char *portfolio;
    if (!need_name(message, "accountId", &account) || !need_name(message, "portfolio", &portfolio))
        return false;
    json_t *request = add_request(message, "open_account");
    account_key(account, key);
    put_text(request, "key", key);
    put_text(request, "currency", message->reference->currency);
    if (text_of(message->body, "name"))
        put_text(request, "name", text_of(message->body, "name"));
    if (json_object_get(message->body, "fund") && !put_number(message, request, "deposit", message->body, "fund"))
        return false;
    add_alias(message, account, account, false);
    add_alias(message, account, portfolio, true);
    return true;
}

static bool read_cash(struct message *message, const char *op)
{
    trading_id id;
    trading_id portfolio;
    const char *account;
    if (!need_name(message, "accountId", &account))
        return false;
    opened_ids(account, &id, &portfolio);
    json_t *request = add_request(message, op);
    put_id(request, "account", TRADING_ENTITY_ACCOUNT, &id);
    put_place_as_key(message, request);
    return put_number(message, request, "amount", message->body, "amount");
}

static bool read_completion(struct message *message)
{
    const char *order;
    const json_t *trade = json_object_get(message->body, "trade");
    if (!need_text(message, message->body, "orderId", &order))
        return false;
    json_t *request = add_request(message, "book_execution");
    put_text(request, "order", order);
    put_place_as_key(message, request);
    return put_number(message, request, "quantity", trade, "shares") &&
           put_number(message, request, "price", trade, "sharePrice");
}

static bool read_failure(struct message *message)
{
    const char *order;
    if (!need_text(message, message->body, "orderId", &order))
        return false;
    json_t *request = add_request(message, "end_order");
    put_text(request, "order", order);
    put_place_as_key(message, request);
    return true;
}

/* ---- which message it is ---- */

static bool is_type(const trading_bus_header *type, const char *name)
{
    return type->size == strlen(name) && !memcmp(type->value, name, (size_t)type->size);
}

static bool read_typed(struct message *message)
{
    const trading_bus_header *type = wire_header(message->record, "EVENT_TYPE");
    bool answers = !strcmp(message->record->topic, message->reference->answer_topic);
    if (!type)
        return refuse(message, "UNKNOWN_TYPE", "the header EVENT_TYPE is missing");
    if (answers && is_type(type, "COMPLETE"))
        return read_completion(message);
    if (answers && is_type(type, "FAILED"))
        return read_failure(message);
    if (!answers && is_type(type, "OPENPORTFOLIO_EVENT"))
        return read_opening(message);
    if (!answers && is_type(type, "DEPOSIT_FUNDS_EVENT"))
        return read_cash(message, "deposit");
    if (!answers && is_type(type, "WITHDRAWAL_EVENT"))
        return read_cash(message, "withdraw");
    return refuse(message, "UNKNOWN_TYPE", "EVENT_TYPE: \"%.*s\" is none of this topic's",
                  (int)(type->size < 60 ? type->size : 60), (const char *)type->value);
}

static bool read_body(struct message *message)
{
    json_error_t failure;
    const trading_bus_record *record = message->record;
    if (record->value && memchr(record->value, '\0', (size_t)record->value_size))
        return refuse(message, "NOT_JSON", "the value has a zero byte");
    char *quoted = reference_quote_numbers(record->value ? record->value : "", (size_t)record->value_size);
    message->body = json_loads(quoted, JSON_REJECT_DUPLICATES, &failure);
    free(quoted);
    if (json_is_object(message->body))
        return true;
    return refuse(message, "NOT_JSON", "the value is no JSON object: %s",
                  message->body ? "it is something else" : failure.text);
}

size_t reference_read(const struct reference *reference, const trading_bus_record *record, char *requests[REFERENCE_REQUESTS],
                      struct reference_fault *fault)
{
    struct message message = {.reference = reference, .record = record, .fault = fault};
    *fault = (struct reference_fault){0};
    bool reads = read_body(&message) && read_typed(&message);
    for (size_t i = 0; i < message.count; i++) {
        requests[i] = reads ? output_text(message.requests[i]) : NULL;
        json_decref(message.requests[i]);
    }
    json_decref(message.body);
    return reads ? message.count : 0;
}
