/* What the other system's services are told: orders for its Trade Order service, credits and debits for its Account service. */
#include "record.h"
#include "reference.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_BYTES 1024
#define NAME_BYTES    (6 * TRADING_ALIAS_NAME_BYTES + 3) /* each byte may be written as \u00XX, in quotes */

struct teller {
    const struct reference *reference;
    trading_view *view;
    trading_bus_header debit; /* EVENT_TYPE */
    trading_bus_header credit;
    char texts[][MESSAGE_BYTES];
};

static void *open_teller(const struct serving *serving, uint32_t partition, uint32_t batch, trading_view *view)
{
    (void)partition;
    struct teller *teller = calloc(1, sizeof *teller + batch * sizeof *teller->texts);
    if (!teller)
        out_of_memory();
    teller->reference = &serving->reference;
    teller->view = view;
    teller->debit = wire_text_header("EVENT_TYPE", "WITHDRAWAL_EVENT");
    teller->credit = wire_text_header("EVENT_TYPE", "DEPOSIT_FUNDS_EVENT");
    return teller;
}

static void close_teller(void *teller)
{
    free(teller);
}

/* ---- what that system calls it ---- */

/* The alias of an account or a portfolio of it, in JSON; empty: it has none there. */
static int32_t find_name(const struct teller *teller, const trading_id *account, const trading_id *portfolio,
                         char name[NAME_BYTES], trading_error *error)
{
    trading_alias alias;
    uint64_t cursor = 0;
    size_t count;
    name[0] = '\0';
    for (;;) {
        int32_t code = trading_view_aliases(teller->view, account, &cursor, &alias, 1, &count, error);
        if (code != TRADING_OK || count == 0)
            return code;
        if (strcmp(alias.space, REFERENCE_SPACE) != 0 || memcmp(&alias.portfolio, portfolio, sizeof *portfolio) != 0)
            continue;
        json_t *text = new_text(alias.name);
        size_t length = json_dumpb(text, name, NAME_BYTES - 1, JSON_ENCODE_ANY);
        name[length < NAME_BYTES ? length : 0] = '\0';
        json_decref(text);
        return TRADING_OK;
    }
}

/* ---- messages ---- */

/* An order's text ids, and the amounts, are plain; the names are JSON already. */
static void write_order(const trading_event *event, const char *portfolio, char text[MESSAGE_BYTES])
{
    char order[TRADING_ID_TEXT];
    char lot[TRADING_ID_TEXT + 2] = "null";
    char shares[TRADING_DECIMAL_TEXT];
    char id[TRADING_ID_TEXT];
    trading_id_format(TRADING_ENTITY_ORDER, &event->order, order);
    trading_decimal_format(event->quantity, 0, shares);
    if (!trading_id_is_zero(&event->lot)) {
        trading_id_format(TRADING_ENTITY_ORDER, &event->lot, id);
        snprintf(lot, sizeof lot, "\"%s\"", id);
    }
    snprintf(text, MESSAGE_BYTES,
             "{\"portfolioId\":%s,\"orderId\":\"%s\",\"orderDetails\":{\"symbol\":\"%s\",\"shares\":%s,\"tradeType\":\"%s\","
             "\"purchaseOrderId\":%s}}",
             portfolio, order, event->symbol.text, shares, event->side == TRADING_SIDE_SELL ? "SELL" : "BUY", lot);
}

static void write_cash(const trading_event *event, const char *account, char text[MESSAGE_BYTES])
{
    char amount[TRADING_DECIMAL_TEXT];
    trading_decimal_format(event->amount, 2, amount);
    snprintf(text, MESSAGE_BYTES, "{\"accountId\":%s,\"amount\":%s}", account, amount);
}

static bool takes_money(int32_t kind)
{
    return kind == TRADING_EVENT_FUNDS_PAID || kind == TRADING_EVENT_FUNDS_DEBITED || kind == TRADING_EVENT_TRANSFER_SENT;
}

/* Orders of accounts that it did not open go out too, under our own names; of their money it is told nothing. */
static int32_t tell_order(struct teller *teller, const trading_event *event, trading_bus_record *record,
                          char text[MESSAGE_BYTES], trading_error *error)
{
    char name[NAME_BYTES];
    char id[TRADING_ID_TEXT];
    int32_t code = find_name(teller, &event->account, &event->portfolio, name, error);
    if (code != TRADING_OK)
        return code;
    if (!name[0]) {
        trading_id_format(TRADING_ENTITY_PORTFOLIO, &event->portfolio, id);
        snprintf(name, sizeof name, "\"%s\"", id);
    }
    write_order(event, name, text);
    record->topic = teller->reference->order_topic;
    return TRADING_OK;
}

static int32_t tell_cash(struct teller *teller, const trading_event *event, trading_bus_record *record,
                         char text[MESSAGE_BYTES], trading_error *error)
{
    char name[NAME_BYTES];
    int32_t code = find_name(teller, &event->account, &(trading_id){{0}}, name, error);
    if (code != TRADING_OK || !name[0])
        return code;
    write_cash(event, name, text);
    record->topic = teller->reference->account_topic;
    record->headers = takes_money(event->kind) ? &teller->debit : &teller->credit;
    record->header_count = 1;
    return TRADING_OK;
}

static int32_t tell(void *context, const trading_event *events, size_t count, trading_bus_record *records, trading_error *error)
{
    struct teller *teller = context;
    int32_t code = TRADING_OK;
    for (size_t i = 0; i < count && code == TRADING_OK; i++) {
        bool of_order = events[i].kind == TRADING_EVENT_ORDER_ROUTED;
        code = of_order ? tell_order(teller, &events[i], &records[i], teller->texts[i], error)
                        : tell_cash(teller, &events[i], &records[i], teller->texts[i], error);
        records[i].value = teller->texts[i];
        records[i].value_size = strlen(teller->texts[i]);
    }
    return code;
}

#define KIND(kind) (UINT64_C(1) << ((kind) % 64))

/* Deposits and withdrawals are not among them: it told us of these. */
const struct relay_purpose reference_purpose = {
    .name = WIRE_REFERENCE,
    .kinds = {KIND(TRADING_EVENT_FUNDS_PAID) | KIND(TRADING_EVENT_FUNDS_RECEIVED) | KIND(TRADING_EVENT_FUNDS_CREDITED) |
                  KIND(TRADING_EVENT_FUNDS_DEBITED) | KIND(TRADING_EVENT_REFUND_ACCEPTED) | KIND(TRADING_EVENT_TRANSFER_SENT) |
                  KIND(TRADING_EVENT_TRANSFER_RECEIVED) | KIND(TRADING_EVENT_TRANSFER_RETURNED),
              KIND(TRADING_EVENT_ORDER_ROUTED)},
    .open = open_teller,
    .close = close_teller,
    .encode = tell,
};
