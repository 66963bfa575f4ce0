#include "request_field.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool complain(struct complaint *complaint, int32_t reason, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(complaint->message, sizeof complaint->message, format, list);
    va_end(list);
    complaint->reason = reason;
    return false;
}

const char *excerpt(const char *text, char buffer[EXCERPT_BYTES])
{
    size_t length = strlen(text);
    if (length < EXCERPT_BYTES)
        return memcpy(buffer, text, length + 1);
    size_t cut = EXCERPT_BYTES - sizeof "...";
    while (cut > 0 && ((unsigned char)text[cut] & 0xc0) == 0x80)
        cut--;
    memcpy(buffer, text, cut);
    memcpy(buffer + cut, "...", sizeof "...");
    return buffer;
}

static bool bad(const struct field *field, struct complaint *complaint, const char *text, const char *wanted)
{
    char start[EXCERPT_BYTES];
    return complain(complaint, TRADING_REASON_BAD_REQUEST, "%s: \"%s\" is not %s", field->key, excerpt(text, start), wanted);
}

static bool read_text(const json_t *value, trading_text *text)
{
    *text = (trading_text){json_string_value(value), json_string_length(value)};
    return true;
}

/* The key itself, as events show it, after "=": 32 hexadecimal digits. */
static bool read_whole_key(const char *text, size_t length, trading_id *key)
{
    static const char digits[] = "0123456789abcdef";
    if (length != 1 + 2 * sizeof key->bytes || text[0] != '=')
        return false;
    for (size_t i = 0; i < 2 * sizeof key->bytes; i++) {
        const char *digit = strchr(digits, text[1 + i]);
        if (!digit)
            return false;
        key->bytes[i / 2] = (uint8_t)(key->bytes[i / 2] << 4 | (digit - digits));
    }
    return true;
}

static bool read_key(const struct field *field, const json_t *value, trading_id *key, struct complaint *complaint)
{
    if (json_string_length(value) == 0)
        return complain(complaint, TRADING_REASON_BAD_REQUEST, "%s: is empty; leave it out, or give it a text", field->key);
    if (!read_whole_key(json_string_value(value), json_string_length(value), key))
        trading_key_from_text(json_string_value(value), json_string_length(value), key);
    return true;
}

/* A number that is well written but for more decimals than a decimal holds. */
static bool is_too_precise(const char *text)
{
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789");
    size_t fraction = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;
    return whole > 0 && fraction > 6 && text[whole + 1 + fraction] == '\0';
}

static bool read_decimal(const struct field *field, const json_t *value, trading_decimal *decimal, struct complaint *complaint)
{
    char start[EXCERPT_BYTES];
    const char *text = json_string_value(value);
    int32_t code = trading_decimal_parse(text, json_string_length(value), decimal);
    if (code == TRADING_OK)
        return true;
    if (code == TRADING_E_OVERFLOW)
        return complain(complaint, TRADING_REASON_BAD_AMOUNT, "%s: %s is beyond +-9,223,372,036,854.775807", field->key,
                        excerpt(text, start));
    if (is_too_precise(text))
        return complain(complaint, TRADING_REASON_TOO_PRECISE, "%s: %s has more than six decimals", field->key,
                        excerpt(text, start));
    return bad(field, complaint, text, "a decimal such as \"150.25\"");
}

static bool read_size(const struct field *field, const json_t *value, trading_decimal *size, struct complaint *complaint)
{
    if (strcmp(json_string_value(value), "unlimited") != 0)
        return read_decimal(field, value, size, complaint);
    *size = TRADING_SIZE_UNLIMITED;
    return true;
}

static bool read_symbol(const struct field *field, const json_t *value, trading_symbol *symbol, struct complaint *complaint)
{
    char start[EXCERPT_BYTES];
    size_t length = json_string_length(value);
    if (length == 0 || length >= sizeof symbol->text)
        return complain(complaint, TRADING_REASON_BAD_SYMBOL, "%s: \"%s\" is not 1 to 15 characters of A-Z 0-9 . - _ /",
                        field->key, excerpt(json_string_value(value), start));
    memcpy(symbol->text, json_string_value(value), length);
    return true;
}

static bool read_currency(const struct field *field, const json_t *value, trading_currency *currency,
                          struct complaint *complaint)
{
    char start[EXCERPT_BYTES];
    if (json_string_length(value) != 3)
        return complain(complaint, TRADING_REASON_BAD_CURRENCY, "%s: \"%s\" is not an ISO 4217 code such as USD", field->key,
                        excerpt(json_string_value(value), start));
    memcpy(currency->text, json_string_value(value), 3);
    return true;
}

/* What kind of id a field holds, and what is said of text that is none: it can be nobody's. */
static const struct {
    enum field_type type;
    int32_t entity;
    int32_t reason;
    const char *form;
} id_kinds[] = {
    {FIELD_ACCOUNT, TRADING_ENTITY_ACCOUNT, TRADING_REASON_UNKNOWN_ACCOUNT, "an account's is A- and 26 letters and digits"},
    {FIELD_PORTFOLIO, TRADING_ENTITY_PORTFOLIO, TRADING_REASON_UNKNOWN_PORTFOLIO,
     "a portfolio's is P- and 26 letters and digits"},
    {FIELD_ORDER, TRADING_ENTITY_ORDER, TRADING_REASON_UNKNOWN_ORDER, "an order's is ORD- and 26 letters and digits"},
    {FIELD_LOT, TRADING_ENTITY_ORDER, TRADING_REASON_UNKNOWN_LOT, "a lot's is that of the order that bought it: ORD-..."},
};
#define ID_KINDS (sizeof id_kinds / sizeof id_kinds[0])

static bool read_id(const struct field *field, const json_t *value, trading_id *id, struct complaint *complaint)
{
    char start[EXCERPT_BYTES];
    for (size_t i = 0; i < ID_KINDS; i++) {
        if (id_kinds[i].type != field->type)
            continue;
        /* The zero id means none to the library; here it was named, and names nothing. */
        if (trading_id_parse(id_kinds[i].entity, json_string_value(value), json_string_length(value), id) == TRADING_OK &&
            !trading_id_is_zero(id))
            return true;
        return complain(complaint, id_kinds[i].reason, "%s: there is no \"%s\": %s", field->key,
                        excerpt(json_string_value(value), start), id_kinds[i].form);
    }
    return false;
}

static bool read_viewed_id(const struct field *field, const json_t *value, struct request *request, struct complaint *complaint)
{
    for (size_t i = 0; i < ID_KINDS; i++)
        if (id_kinds[i].type == field->type)
            request->entity = id_kinds[i].entity;
    return read_id(field, value, &request->id, complaint);
}

static bool read_viewed_symbol(const struct field *field, const json_t *value, struct request *request,
                               struct complaint *complaint)
{
    request->entity = TRADING_ENTITY_INSTRUMENT;
    if (!read_symbol(field, value, &request->symbol, complaint))
        return false;
    memcpy(request->id.bytes, request->symbol.text, sizeof request->id.bytes);
    return true;
}

static bool read_entity(const struct field *field, const json_t *value, struct request *request, struct complaint *complaint)
{
    static const int32_t entities[] = {TRADING_ENTITY_ACCOUNT, TRADING_ENTITY_PORTFOLIO, TRADING_ENTITY_ORDER};
    for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
        if (trading_id_parse(entities[i], json_string_value(value), json_string_length(value), &request->id) == TRADING_OK) {
            request->entity = entities[i];
            return true;
        }
    return read_viewed_symbol(field, value, request, complaint);
}

/* One of the words that `name` gives the constants from 1 to `last`. */
static bool read_word(const struct field *field, const json_t *value, const char *(*name)(int32_t), int32_t last,
                      int32_t *constant, struct complaint *complaint)
{
    char wanted[96] = "";
    for (int32_t i = 1; i <= last; i++) {
        if (!strcmp(json_string_value(value), name(i))) {
            *constant = i;
            return true;
        }
        size_t length = strlen(wanted);
        snprintf(wanted + length, sizeof wanted - length, "%s\"%s\"", i == 1 ? "" : " or ", name(i));
    }
    return bad(field, complaint, json_string_value(value), wanted);
}

static bool read_integer(const struct field *field, const json_t *value, int64_t *integer, struct complaint *complaint)
{
    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *integer = json_integer_value(value);
        return true;
    }
    if (json_is_string(value) && position_parse(json_string_value(value), json_string_length(value), integer))
        return true;
    return complain(complaint, TRADING_REASON_BAD_REQUEST, "%s: must be an integer from 0 on", field->key);
}

static bool read_point(const struct field *field, const json_t *value, struct point *point, struct complaint *complaint)
{
    if (json_is_integer(value)) {
        *point = (struct point){.kind = POINT_POSITION, .partition = POINT_HOME};
        return read_integer(field, value, &point->position, complaint);
    }
    if (json_is_string(value) && point_parse(point, json_string_value(value), json_string_length(value)))
        return true;
    return complain(complaint, TRADING_REASON_BAD_REQUEST,
                    "%s: must be a position, or a time from 1970 to 2262 such as \"2013-03-01T14:30:00Z\"", field->key);
}

static bool read_time(const struct field *field, const json_t *value, trading_time *time, struct complaint *complaint)
{
    if (trading_time_parse(json_string_value(value), json_string_length(value), time) == TRADING_OK)
        return true;
    return bad(field, complaint, json_string_value(value), "a time from 1970 to 2262 such as \"2013-03-01T14:30:00Z\"");
}

static bool read_string(const struct field *field, const json_t *value, struct request *request, struct complaint *complaint)
{
    void *place = (char *)request + field->offset;
    switch (field->type) {
    case FIELD_TEXT:
        return read_text(value, place);
    case FIELD_KEY:
        return read_key(field, value, place, complaint);
    case FIELD_DECIMAL:
        return read_decimal(field, value, place, complaint);
    case FIELD_SIZE:
        return read_size(field, value, place, complaint);
    case FIELD_SYMBOL:
        return place == &request->symbol ? read_viewed_symbol(field, value, request, complaint)
                                         : read_symbol(field, value, place, complaint);
    case FIELD_CURRENCY:
        return read_currency(field, value, place, complaint);
    case FIELD_ENTITY:
        return read_entity(field, value, request, complaint);
    case FIELD_SIDE:
        return read_word(field, value, trading_side_name, TRADING_SIDE_SELL, place, complaint);
    case FIELD_ORDER_TYPE:
        return read_word(field, value, trading_order_type_name, TRADING_ORDER_TYPE_LIMIT, place, complaint);
    case FIELD_TIME_IN_FORCE:
        return read_word(field, value, trading_time_in_force_name, TRADING_TIME_IN_FORCE_IOC, place, complaint);
    case FIELD_ORDER_STATUS:
        return read_word(field, value, trading_order_status_name, TRADING_ORDER_STATUS_EXPIRED, place, complaint);
    case FIELD_TIME:
        return read_time(field, value, place, complaint);
    default:
        return place == &request->id ? read_viewed_id(field, value, request, complaint)
                                     : read_id(field, value, place, complaint);
    }
}

bool field_read(const struct field *field, const json_t *value, struct request *request, struct complaint *complaint)
{
    void *place = (char *)request + field->offset;
    if (field->type == FIELD_INTEGER)
        return read_integer(field, value, place, complaint);
    if (field->type == FIELD_POINT)
        return read_point(field, value, place, complaint);
    if (field->type == FIELD_BOOLEAN) {
        *(bool *)place = json_is_true(value);
        return json_is_boolean(value) ||
               complain(complaint, TRADING_REASON_BAD_REQUEST, "%s: must be true or false", field->key);
    }
    if (json_is_string(value))
        return read_string(field, value, request, complaint);
    if (json_is_number(value) && (field->type == FIELD_DECIMAL || field->type == FIELD_SIZE))
        return complain(complaint, TRADING_REASON_BAD_REQUEST,
                        "%s: decimals are strings, as numbers lose digits on their way: \"150.25\"", field->key);
    return complain(complaint, TRADING_REASON_BAD_REQUEST, "%s: must be a string", field->key);
}
