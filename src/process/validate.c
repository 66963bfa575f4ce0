#include "process/validate.h"

#include "base/id.h"
#include "base/text.h"
#include "process/event.h"

#include <trading.h>

#define PROFILE_TEXTS 8

static bool fits(const trading_command *command, size_t size, struct rejection *why)
{
    uint32_t claimed = 0;
    if (command->body && command->body_size >= sizeof claimed)
        memcpy(&claimed, command->body, sizeof claimed);
    return (command->body_size == size && claimed == size) || reject(why, TRADING_REASON_BAD_REQUEST);
}

static bool text_fits(const trading_text *text, size_t most, struct rejection *why)
{
    bool good = text->length == 0 || (text->data && text->length <= most && text_is_printable(text->data, text->length));
    return good || reject(why, TRADING_REASON_BAD_TEXT);
}

static bool amount_fits(trading_decimal amount, struct rejection *why)
{
    return amount > 0 || reject(why, TRADING_REASON_BAD_AMOUNT);
}

static bool symbol_fits(const trading_symbol *symbol, struct rejection *why)
{
    return symbol_is_valid(symbol) || reject(why, TRADING_REASON_BAD_SYMBOL);
}

static bool currency_fits(const trading_currency *currency, struct rejection *why)
{
    static const trading_currency none;
    return !memcmp(currency, &none, sizeof none) || currency_is_valid(currency) || reject(why, TRADING_REASON_BAD_CURRENCY);
}

static bool open_account_fits(const trading_open_account *body, struct rejection *why)
{
    return currency_fits(&body->currency, why) && (body->deposit >= 0 || reject(why, TRADING_REASON_BAD_AMOUNT)) &&
           text_fits(&body->name, TRADING_NAME_BYTES, why) && text_fits(&body->profile_name, TRADING_NAME_BYTES, why) &&
           text_fits(&body->profile_surname, TRADING_NAME_BYTES, why) && text_fits(&body->email, TRADING_EMAIL_BYTES, why) &&
           text_fits(&body->phone_number, TRADING_PHONE_BYTES, why) && text_fits(&body->street, TRADING_STREET_BYTES, why) &&
           text_fits(&body->postal_code, TRADING_POSTAL_CODE_BYTES, why) &&
           text_fits(&body->province, TRADING_PROVINCE_BYTES, why);
}

static bool update_contact_fits(const trading_update_contact *body, struct rejection *why)
{
    return text_fits(&body->email, TRADING_EMAIL_BYTES, why) && text_fits(&body->phone_number, TRADING_PHONE_BYTES, why);
}

static bool update_address_fits(const trading_update_address *body, struct rejection *why)
{
    return text_fits(&body->street, TRADING_STREET_BYTES, why) &&
           text_fits(&body->postal_code, TRADING_POSTAL_CODE_BYTES, why) &&
           text_fits(&body->province, TRADING_PROVINCE_BYTES, why);
}

static bool bind_alias_fits(const trading_bind_alias *body, struct rejection *why)
{
    if (body->space.length == 0 || body->name.length == 0)
        return reject(why, TRADING_REASON_BAD_TEXT);
    return text_fits(&body->space, TRADING_ALIAS_SPACE_BYTES, why) && text_fits(&body->name, TRADING_ALIAS_NAME_BYTES, why);
}

static bool place_order_fits(const trading_place_order *body, struct rejection *why)
{
    bool known = (body->side == TRADING_SIDE_BUY || body->side == TRADING_SIDE_SELL) &&
                 (body->type == TRADING_ORDER_TYPE_MARKET || body->type == TRADING_ORDER_TYPE_LIMIT) &&
                 body->time_in_force >= 0 && body->time_in_force <= TRADING_TIME_IN_FORCE_IOC;
    bool rests = body->time_in_force == TRADING_TIME_IN_FORCE_DAY || body->time_in_force == TRADING_TIME_IN_FORCE_GTC;
    bool market_rests = body->type == TRADING_ORDER_TYPE_MARKET && rests;
    bool buys_lot = body->side == TRADING_SIDE_BUY && !id_is_zero(&body->lot);
    if (!known || market_rests || buys_lot)
        return reject(why, TRADING_REASON_BAD_REQUEST);
    if (!symbol_fits(&body->symbol, why) || !amount_fits(body->quantity, why))
        return false;
    bool priced = body->type == TRADING_ORDER_TYPE_LIMIT ? body->limit_price > 0 : body->limit_price == 0;
    return priced || reject(why, TRADING_REASON_BAD_PRICE);
}

static bool book_execution_fits(const trading_book_execution *body, struct rejection *why)
{
    return amount_fits(body->quantity, why) && (body->price > 0 || reject(why, TRADING_REASON_BAD_PRICE));
}

static bool end_order_fits(const trading_end_order *body, struct rejection *why)
{
    bool known = body->status == TRADING_ORDER_STATUS_CANCELED || body->status == TRADING_ORDER_STATUS_EXPIRED;
    return known || reject(why, TRADING_REASON_BAD_REQUEST);
}

static bool quote_side_fits(trading_decimal price, trading_decimal size, struct rejection *why)
{
    if (price < 0)
        return reject(why, TRADING_REASON_BAD_PRICE);
    return price == 0 || size > 0 || reject(why, TRADING_REASON_BAD_AMOUNT);
}

static bool transfer_fits(const trading_command *command, const trading_transfer *body, struct rejection *why)
{
    bool other = !trading_id_is_zero(&body->to) && memcmp(&body->to, &command->account, sizeof body->to) != 0;
    return amount_fits(body->amount, why) && (other || reject(why, TRADING_REASON_BAD_REQUEST));
}

static bool set_quote_fits(const trading_set_quote *body, struct rejection *why)
{
    if (!symbol_fits(&body->symbol, why) || !currency_fits(&body->currency, why) ||
        !quote_side_fits(body->bid, body->bid_size, why) || !quote_side_fits(body->ask, body->ask_size, why))
        return false;
    return body->bid == 0 || body->ask == 0 || body->bid < body->ask || reject(why, TRADING_REASON_CROSSED_QUOTE);
}

static bool acknowledge_fits(const trading_acknowledge *body, struct rejection *why)
{
    if (body->flags & ~TRADING_ACKNOWLEDGE_FOREIGN)
        return reject(why, TRADING_REASON_BAD_REQUEST);
    if (body->name.length == 0)
        return reject(why, TRADING_REASON_BAD_TEXT);
    return text_fits(&body->name, CURSOR_NAME_BYTES, why) && (body->position >= 0 || reject(why, TRADING_REASON_BAD_POSITION));
}

bool command_validate(const trading_command *command, struct rejection *why)
{
    const void *body = command->body;
    if (command->flags != 0 || command->expected_version < 0)
        return reject(why, TRADING_REASON_BAD_REQUEST);
    switch (command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        return fits(command, sizeof(trading_open_account), why) && open_account_fits(body, why);
    case TRADING_COMMAND_OPEN_PORTFOLIO:
        return fits(command, sizeof(trading_open_portfolio), why) &&
               text_fits(&((const trading_open_portfolio *)body)->name, TRADING_NAME_BYTES, why);
    case TRADING_COMMAND_UPDATE_CONTACT:
        return fits(command, sizeof(trading_update_contact), why) && update_contact_fits(body, why);
    case TRADING_COMMAND_UPDATE_ADDRESS:
        return fits(command, sizeof(trading_update_address), why) && update_address_fits(body, why);
    case TRADING_COMMAND_DEPOSIT:
    case TRADING_COMMAND_WITHDRAW:
    case TRADING_COMMAND_CREDIT:
    case TRADING_COMMAND_DEBIT:
        return fits(command, sizeof(trading_cash), why) && amount_fits(((const trading_cash *)body)->amount, why);
    case TRADING_COMMAND_TRANSFER:
        return fits(command, sizeof(trading_transfer), why) && transfer_fits(command, body, why);
    case TRADING_COMMAND_ACCEPT_REFUND:
        return fits(command, sizeof(trading_accept_refund), why) &&
               amount_fits(((const trading_accept_refund *)body)->amount, why);
    case TRADING_COMMAND_BIND_ALIAS:
        return fits(command, sizeof(trading_bind_alias), why) && bind_alias_fits(body, why);
    case TRADING_COMMAND_FREEZE_ACCOUNT:
    case TRADING_COMMAND_UNFREEZE_ACCOUNT:
    case TRADING_COMMAND_CLOSE_ACCOUNT:
    case TRADING_COMMAND_END_SESSION:
        return command->body_size == 0 || reject(why, TRADING_REASON_BAD_REQUEST);
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        return fits(command, sizeof(trading_place_order), why) && place_order_fits(body, why);
    case TRADING_COMMAND_CANCEL_ORDER:
        return fits(command, sizeof(trading_cancel_order), why);
    case TRADING_COMMAND_BOOK_EXECUTION:
        return fits(command, sizeof(trading_book_execution), why) && book_execution_fits(body, why);
    case TRADING_COMMAND_END_ORDER:
        return fits(command, sizeof(trading_end_order), why) && end_order_fits(body, why);
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        return fits(command, sizeof(trading_close_portfolio), why);
    case TRADING_COMMAND_SET_QUOTE:
        return fits(command, sizeof(trading_set_quote), why) && set_quote_fits(body, why);
    case TRADING_COMMAND_ACKNOWLEDGE:
        return fits(command, sizeof(trading_acknowledge), why) && acknowledge_fits(body, why);
    default:
        return reject(why, TRADING_REASON_BAD_REQUEST);
    }
}

/* ---- one form for one meaning ---- */

static void write_text(struct writer *writer, const trading_text *text)
{
    write_block(writer, text->data, (uint32_t)text->length);
}

static void write_id(struct writer *writer, const trading_id *id)
{
    write_bytes(writer, id->bytes, sizeof id->bytes);
}

static void write_open_account(struct writer *writer, const trading_open_account *body)
{
    const trading_text *const texts[PROFILE_TEXTS] = {&body->name,        &body->profile_name, &body->profile_surname,
                                                      &body->email,       &body->phone_number, &body->street,
                                                      &body->postal_code, &body->province};
    write_bytes(writer, body->currency.text, sizeof body->currency.text);
    write_i64(writer, body->deposit);
    for (size_t i = 0; i < PROFILE_TEXTS; i++)
        write_text(writer, texts[i]);
}

/* After one look at the room: there are many orders. */
static void write_place_order(struct writer *writer, const trading_place_order *body)
{
    if (!writer_has(writer, sizeof *body + (size_t)2 * VARINT_BYTES)) {
        writer_fill(writer);
        return;
    }
    uint8_t *at = writer->at;
    *at++ = (uint8_t)body->side;
    *at++ = (uint8_t)body->type;
    *at++ = (uint8_t)body->time_in_force;
    at = bytes_put(at, &body->portfolio, sizeof body->portfolio);
    at = bytes_put(at, body->symbol.text, sizeof body->symbol.text);
    at = varint_put(varint_put(at, zigzag(body->quantity)), zigzag(body->limit_price));
    writer->at = bytes_put(at, &body->lot, sizeof body->lot);
}

static void write_bind_alias(struct writer *writer, const trading_bind_alias *body)
{
    write_id(writer, &body->portfolio);
    write_text(writer, &body->space);
    write_text(writer, &body->name);
}

static void write_about_order(struct writer *writer, const trading_command *command)
{
    const void *body = command->body;
    switch (command->type) {
    case TRADING_COMMAND_BOOK_EXECUTION:
        write_id(writer, &((const trading_book_execution *)body)->order);
        write_i64(writer, ((const trading_book_execution *)body)->quantity);
        write_i64(writer, ((const trading_book_execution *)body)->price);
        break;
    case TRADING_COMMAND_END_ORDER:
        write_u8(writer, (uint8_t)((const trading_end_order *)body)->status);
        write_id(writer, &((const trading_end_order *)body)->order);
        break;
    default:
        write_id(writer, &((const trading_cancel_order *)body)->order);
        break;
    }
}

static void write_set_quote(struct writer *writer, const trading_set_quote *body)
{
    write_bytes(writer, body->currency.text, sizeof body->currency.text);
    write_bytes(writer, body->symbol.text, sizeof body->symbol.text);
    write_i64(writer, body->bid);
    write_i64(writer, body->ask);
    write_i64(writer, body->bid_size);
    write_i64(writer, body->ask_size);
}

static void write_update(struct writer *writer, const trading_command *command)
{
    if (command->type == TRADING_COMMAND_UPDATE_CONTACT) {
        const trading_update_contact *body = command->body;
        write_text(writer, &body->email);
        write_text(writer, &body->phone_number);
        return;
    }
    const trading_update_address *body = command->body;
    write_text(writer, &body->street);
    write_text(writer, &body->postal_code);
    write_text(writer, &body->province);
}

void command_canonical(const trading_command *command, struct writer *writer)
{
    const void *body = command->body;
    write_u8(writer, (uint8_t)command->type);
    switch (command->type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        write_open_account(writer, body);
        break;
    case TRADING_COMMAND_OPEN_PORTFOLIO:
        write_text(writer, &((const trading_open_portfolio *)body)->name);
        break;
    case TRADING_COMMAND_UPDATE_CONTACT:
    case TRADING_COMMAND_UPDATE_ADDRESS:
        write_update(writer, command);
        break;
    case TRADING_COMMAND_DEPOSIT:
    case TRADING_COMMAND_WITHDRAW:
    case TRADING_COMMAND_CREDIT:
    case TRADING_COMMAND_DEBIT:
        write_i64(writer, ((const trading_cash *)body)->amount);
        break;
    case TRADING_COMMAND_TRANSFER:
        write_i64(writer, ((const trading_transfer *)body)->amount);
        write_id(writer, &((const trading_transfer *)body)->to);
        break;
    case TRADING_COMMAND_ACCEPT_REFUND:
        write_i64(writer, ((const trading_accept_refund *)body)->amount);
        write_id(writer, &((const trading_accept_refund *)body)->order);
        break;
    case TRADING_COMMAND_BIND_ALIAS:
        write_bind_alias(writer, body);
        break;
    case TRADING_COMMAND_PLACE_ORDER:
    case TRADING_COMMAND_ROUTE_ORDER:
        write_place_order(writer, body);
        break;
    case TRADING_COMMAND_CANCEL_ORDER:
    case TRADING_COMMAND_BOOK_EXECUTION:
    case TRADING_COMMAND_END_ORDER:
        write_about_order(writer, command);
        break;
    case TRADING_COMMAND_CLOSE_PORTFOLIO:
        write_id(writer, &((const trading_close_portfolio *)body)->portfolio);
        break;
    case TRADING_COMMAND_SET_QUOTE:
        write_set_quote(writer, body);
        break;
    case TRADING_COMMAND_ACKNOWLEDGE:
        write_text(writer, &((const trading_acknowledge *)body)->name);
        write_i64(writer, ((const trading_acknowledge *)body)->position);
        if (((const trading_acknowledge *)body)->flags)
            write_u64(writer, ((const trading_acknowledge *)body)->flags);
        break;
    default: /* no body */
        break;
    }
}
