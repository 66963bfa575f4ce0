/* The activity of accounts, in the words of a statement: a projection like any host's, on the public calls, but that of several partitions there
 * is one each, as an account's money is all in its own.
 *
 *   'A', account, position (8 bytes, big endian)  → one line of the account's activity
 *   'B', account                                  → its balance after the newest line
 *   'S'                                           → what must be known of events before, from one batch to the next
 *
 * Of an execution the events of money tell no quantity and price: these are in the ORDER_EXECUTED before them, one for each side. What a
 * sale realised is in the LOT_DISPOSED behind its line. */
#include "base/bytes.h"
#include "base/error.h"
#include "base/id.h"
#include "engine/projection.h"

#include <trading/projection.h>

#define ACTIVITY_NAME    "account activity"
#define ACTIVITY_VERSION 1u

#define LINE_KEY_BYTES    (1u + sizeof(trading_id) + 8u)
#define BALANCE_KEY_BYTES (1u + sizeof(trading_id))
/* Room for any value: the state, with numbers of at most 10 bytes. */
#define VALUE_BYTES (2u * (sizeof(trading_id) + sizeof(trading_symbol) + 20u) + sizeof(trading_id) + 10u)

/* One side of a trade. */
struct execution {
    trading_id order;
    trading_symbol symbol;
    trading_decimal quantity;
    trading_decimal price;
};

/* The newest executions, two of which may be of one trade, and the line of the newest sale. */
struct activity_state {
    struct execution executions[2];
    trading_id seller; /* zero: there is none */
    int64_t sale;
};

/* ---- keys ---- */

static void make_line_key(const trading_id *account, int64_t position, uint8_t key[LINE_KEY_BYTES])
{
    uint64_t big = htobe64((uint64_t)position);
    key[0] = 'A';
    memcpy(key + 1, account, sizeof *account);
    memcpy(key + 1 + sizeof *account, &big, sizeof big);
}

static int64_t line_position(const uint8_t key[LINE_KEY_BYTES])
{
    uint64_t big;
    memcpy(&big, key + 1 + sizeof(trading_id), sizeof big);
    return (int64_t)be64toh(big);
}

static void make_balance_key(const trading_id *account, uint8_t key[BALANCE_KEY_BYTES])
{
    key[0] = 'B';
    memcpy(key + 1, account, sizeof *account);
}

/* ---- values ---- */

static size_t write_line(const trading_activity *line, uint8_t bytes[VALUE_BYTES])
{
    struct writer writer = {.at = bytes, .end = bytes + VALUE_BYTES};
    write_i64(&writer, line->time);
    write_u8(&writer, (uint8_t)line->type);
    write_i64(&writer, line->amount);
    write_i64(&writer, line->balance);
    write_bytes(&writer, &line->order, sizeof line->order);
    write_bytes(&writer, &line->symbol, sizeof line->symbol);
    write_amount(&writer, line->quantity);
    write_amount(&writer, line->price);
    write_i64(&writer, line->realized_pnl);
    return (size_t)(writer.at - bytes);
}

static bool read_line(const uint8_t *bytes, size_t size, trading_activity *line)
{
    struct reader reader = {.at = bytes, .end = bytes + size};
    line->time = read_i64(&reader);
    line->type = read_u8(&reader);
    line->amount = read_i64(&reader);
    line->balance = read_i64(&reader);
    read_copy(&reader, &line->order, sizeof line->order);
    read_copy(&reader, &line->symbol, sizeof line->symbol);
    line->quantity = read_amount(&reader);
    line->price = read_amount(&reader);
    line->realized_pnl = read_i64(&reader);
    return !reader.bad && reader.at == reader.end;
}

static size_t write_state(const struct activity_state *state, uint8_t bytes[VALUE_BYTES])
{
    struct writer writer = {.at = bytes, .end = bytes + VALUE_BYTES};
    for (size_t i = 0; i < 2; i++) {
        const struct execution *execution = &state->executions[i];
        write_bytes(&writer, &execution->order, sizeof execution->order);
        write_bytes(&writer, &execution->symbol, sizeof execution->symbol);
        write_amount(&writer, execution->quantity);
        write_amount(&writer, execution->price);
    }
    write_bytes(&writer, &state->seller, sizeof state->seller);
    write_i64(&writer, state->sale);
    return (size_t)(writer.at - bytes);
}

static bool read_state(const uint8_t *bytes, size_t size, struct activity_state *state)
{
    struct reader reader = {.at = bytes, .end = bytes + size};
    for (size_t i = 0; i < 2; i++) {
        struct execution *execution = &state->executions[i];
        read_copy(&reader, &execution->order, sizeof execution->order);
        read_copy(&reader, &execution->symbol, sizeof execution->symbol);
        execution->quantity = read_amount(&reader);
        execution->price = read_amount(&reader);
    }
    read_copy(&reader, &state->seller, sizeof state->seller);
    state->sale = read_i64(&reader);
    return !reader.bad && reader.at == reader.end;
}

/* ---- rows: TRADING_OK, or a code that ends the batch ---- */

static int32_t get_line(trading_projection *projection, const trading_id *account, int64_t position, trading_activity *line)
{
    uint8_t key[LINE_KEY_BYTES];
    uint8_t bytes[VALUE_BYTES];
    size_t size = sizeof bytes;
    make_line_key(account, position, key);
    *line = (trading_activity){.position = position};
    int32_t code = trading_projection_get(projection, key, sizeof key, bytes, &size, NULL);
    return !code && !read_line(bytes, size, line) ? TRADING_E_DAMAGED : code;
}

static int32_t put_line(trading_projection *projection, const trading_id *account, const trading_activity *line)
{
    uint8_t key[LINE_KEY_BYTES];
    uint8_t bytes[VALUE_BYTES];
    make_line_key(account, line->position, key);
    return trading_projection_put(projection, key, sizeof key, bytes, write_line(line, bytes), NULL);
}

/* Moves the account's balance by the amount. */
static int32_t move_balance(trading_projection *projection, const trading_id *account, trading_decimal amount,
                            trading_decimal *balance)
{
    uint8_t key[BALANCE_KEY_BYTES];
    uint64_t little = 0;
    size_t size = sizeof little;
    make_balance_key(account, key);
    int32_t code = trading_projection_get(projection, key, sizeof key, &little, &size, NULL);
    if (code && code != TRADING_E_NOT_FOUND)
        return code;
    bool good = code || size == sizeof little;
    if (!good || trading_decimal_add((trading_decimal)le64toh(little), amount, balance))
        return TRADING_E_DAMAGED;
    little = htole64((uint64_t)*balance);
    return trading_projection_put(projection, key, sizeof key, &little, sizeof little, NULL);
}

static const uint8_t state_key[] = {'S'};

static int32_t get_state(trading_projection *projection, struct activity_state *state)
{
    uint8_t bytes[VALUE_BYTES];
    size_t size = sizeof bytes;
    *state = (struct activity_state){0};
    int32_t code = trading_projection_get(projection, state_key, sizeof state_key, bytes, &size, NULL);
    if (code == TRADING_E_NOT_FOUND)
        return TRADING_OK;
    return !code && !read_state(bytes, size, state) ? TRADING_E_DAMAGED : code;
}

static int32_t put_state(trading_projection *projection, const struct activity_state *state)
{
    uint8_t bytes[VALUE_BYTES];
    return trading_projection_put(projection, state_key, sizeof state_key, bytes, write_state(state, bytes), NULL);
}

/* ---- events ---- */

static int32_t type_of(int32_t kind)
{
    switch (kind) {
    case TRADING_EVENT_FUNDS_DEPOSITED:
        return TRADING_ACTIVITY_DEPOSIT;
    case TRADING_EVENT_FUNDS_WITHDRAWN:
        return TRADING_ACTIVITY_WITHDRAWAL;
    case TRADING_EVENT_FUNDS_CREDITED:
        return TRADING_ACTIVITY_CREDIT;
    case TRADING_EVENT_FUNDS_DEBITED:
        return TRADING_ACTIVITY_DEBIT;
    case TRADING_EVENT_FUNDS_PAID:
        return TRADING_ACTIVITY_BUY;
    case TRADING_EVENT_FUNDS_RECEIVED:
        return TRADING_ACTIVITY_SELL;
    case TRADING_EVENT_REFUND_ACCEPTED:
        return TRADING_ACTIVITY_REFUND;
    case TRADING_EVENT_ACCOUNT_CLOSED:
        return TRADING_ACTIVITY_CLOSING;
    case TRADING_EVENT_TRANSFER_SENT:
        return TRADING_ACTIVITY_TRANSFER_OUT;
    case TRADING_EVENT_TRANSFER_RECEIVED:
        return TRADING_ACTIVITY_TRANSFER_IN;
    case TRADING_EVENT_TRANSFER_RETURNED:
        return TRADING_ACTIVITY_TRANSFER_BACK;
    default:
        return 0;
    }
}

static bool leaves_account(int32_t type)
{
    return type == TRADING_ACTIVITY_WITHDRAWAL || type == TRADING_ACTIVITY_DEBIT || type == TRADING_ACTIVITY_BUY ||
           type == TRADING_ACTIVITY_CLOSING || type == TRADING_ACTIVITY_TRANSFER_OUT;
}

static void keep_execution(struct activity_state *state, const trading_event *event)
{
    state->executions[0] = state->executions[1];
    state->executions[1] =
        (struct execution){.order = event->order, .symbol = event->symbol, .quantity = event->quantity, .price = event->price};
}

/* The newest execution of the order. */
static const struct execution *find_execution(const struct activity_state *state, const trading_id *order)
{
    if (id_equal(&state->executions[1].order, order))
        return &state->executions[1];
    return id_equal(&state->executions[0].order, order) ? &state->executions[0] : NULL;
}

static int32_t add_line(trading_projection *projection, struct activity_state *state, const trading_event *event, int32_t type)
{
    trading_activity line = {.position = event->position, .time = event->time, .type = type, .order = event->order};
    line.amount = leaves_account(type) ? -event->amount : event->amount;
    if (type == TRADING_ACTIVITY_BUY || type == TRADING_ACTIVITY_SELL) {
        const struct execution *execution = find_execution(state, &event->order);
        if (!execution)
            return TRADING_E_DAMAGED;
        line.symbol = execution->symbol;
        line.quantity = execution->quantity;
        line.price = execution->price;
    }
    if (type == TRADING_ACTIVITY_SELL) {
        state->seller = event->account;
        state->sale = event->position;
    }
    int32_t code = move_balance(projection, &event->account, line.amount, &line.balance);
    return code ? code : put_line(projection, &event->account, &line);
}

static int32_t add_disposal(trading_projection *projection, const struct activity_state *state, const trading_event *event)
{
    trading_activity line;
    trading_decimal gain;
    int32_t code = get_line(projection, &state->seller, state->sale, &line);
    if (code)
        return code;
    if (!id_equal(&line.order, &event->order) || trading_decimal_subtract(event->amount, event->cost, &gain) ||
        trading_decimal_add(line.realized_pnl, gain, &line.realized_pnl))
        return TRADING_E_DAMAGED;
    return put_line(projection, &state->seller, &line);
}

static int32_t apply_event(trading_projection *projection, struct activity_state *state, const trading_event *event)
{
    int32_t type = type_of(event->kind);
    if (type)
        return add_line(projection, state, event, type);
    if (event->kind == TRADING_EVENT_LOT_DISPOSED)
        return add_disposal(projection, state, event);
    keep_execution(state, event);
    return TRADING_OK;
}

static int32_t apply(void *context, trading_projection *projection, const trading_event *events, size_t count)
{
    (void)context;
    struct activity_state state;
    int32_t code = get_state(projection, &state);
    for (size_t i = 0; i < count && !code; i++)
        code = apply_event(projection, &state, &events[i]);
    return code ? code : put_state(projection, &state);
}

/* ---- opening and listing ---- */

static void want(trading_filter *filter, int32_t kind)
{
    filter->kinds[kind / 64] |= UINT64_C(1) << (kind % 64);
}

int32_t trading_activity_open(trading_projection **projection, trading_engine *engine, trading_error *error)
{
    trading_filter filter = TRADING_FILTER_INIT;
    for (int32_t kind = 0; kind < TRADING_EVENT_KINDS; kind++)
        if (type_of(kind))
            want(&filter, kind);
    want(&filter, TRADING_EVENT_ORDER_EXECUTED);
    want(&filter, TRADING_EVENT_LOT_DISPOSED);
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = ACTIVITY_NAME;
    options.version = ACTIVITY_VERSION;
    options.filter = &filter;
    options.apply = apply;
    return projection_open_all(projection, engine, &options, error);
}

/* The next line of the account at or after the cursor. */
static int32_t next_line(trading_projection *projection, const trading_id *account, uint64_t cursor, trading_activity *line,
                         trading_error *error)
{
    uint8_t key[TRADING_ROW_KEY_BYTES];
    uint8_t bytes[VALUE_BYTES];
    size_t key_size = LINE_KEY_BYTES;
    size_t size = sizeof bytes;
    make_line_key(account, (int64_t)cursor, key);
    int32_t code = trading_projection_seek(projection, key, &key_size, bytes, &size, error);
    if (code)
        return code;
    if (key_size != LINE_KEY_BYTES || key[0] != 'A' || memcmp(key + 1, account, sizeof *account) != 0)
        return TRADING_E_NOT_FOUND; /* it is another account's */
    *line = (trading_activity){.position = line_position(key)};
    if (read_line(bytes, size, line))
        return TRADING_OK;
    return error_set(error, TRADING_E_DAMAGED, "a stored row of the account activity cannot be read; reset the projection");
}

int32_t trading_activity_list(trading_projection *projection, const trading_id *account, uint64_t *cursor,
                              trading_activity *out, size_t max, size_t *count, trading_error *error)
{
    if (!projection || !account || !cursor || !out || !count || *cursor > INT64_MAX)
        return error_set(
            error, TRADING_E_INVALID,
            "trading_activity_list needs a projection, an account, its cursor, an array and a place for the count");
    *count = 0;
    projection = projection_of_account(projection, account);
    int32_t code = TRADING_OK;
    while (*count < max && !code) {
        trading_activity *line = &out[*count];
        code = next_line(projection, account, *cursor, line, error);
        if (!code) {
            *cursor = (uint64_t)line->position + 1;
            ++*count;
        }
    }
    return code == TRADING_E_NOT_FOUND || !code ? error_clear(error) : code;
}
