#include "crash/books.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PAGE = 64, SETTLE_SECONDS = 60 };

static bool fail(struct books *books, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct books *books, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(books->failure, sizeof(books->failure), format, arguments);
    va_end(arguments);
    return false;
}

void books_init(struct books *books, const struct crowd *crowd)
{
    *books = (struct books){.crowd = crowd};
}

void books_free(struct books *books)
{
    for (int i = 0; i < ACCOUNTS; i++)
        free(books->orders[i].ids);
}

/* ---- what was answered ---- */

static int find(const trading_id ids[ACCOUNTS], const trading_id *id)
{
    for (int i = 0; i < ACCOUNTS; i++)
        if (!memcmp(&ids[i], id, sizeof(*id)))
            return i;
    return -1;
}

static void add(struct books_sum *sum, trading_decimal amount)
{
    sum->count++;
    sum->amount += amount;
}

static void add_order(struct books_orders *orders, const trading_id *id)
{
    if (orders->count == orders->room) {
        orders->room = orders->room * 2 + 64;
        orders->ids = realloc(orders->ids, orders->room * sizeof(*orders->ids));
        if (!orders->ids)
            exit(2);
    }
    orders->ids[orders->count++] = *id;
}

/* What goes to nobody comes back. */
static void take_transfer(struct books *books, int from, const trading_transfer *transfer)
{
    int to = find(books->crowd->accounts, &transfer->to);
    add(&books->sums[from][BOOKS_SENT], transfer->amount);
    add(to >= 0 ? &books->sums[to][BOOKS_RECEIVED] : &books->sums[from][BOOKS_RETURNED], transfer->amount);
}

void books_take(struct books *books, const struct line *line, const trading_result *result)
{
    bool accepted = result->status == TRADING_STATUS_ACCEPTED;
    int account = find(books->crowd->accounts, &result->account);
    switch (line->command.type) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        add(&books->sums[account][BOOKS_PAID_IN], line->body.open.deposit);
        break;
    case TRADING_COMMAND_DEPOSIT:
        if (accepted)
            add(&books->sums[account][BOOKS_PAID_IN], line->body.cash.amount);
        break;
    case TRADING_COMMAND_TRANSFER:
        if (accepted)
            take_transfer(books, account, &line->body.transfer);
        break;
    case TRADING_COMMAND_PLACE_ORDER:
        if (!trading_id_is_zero(&result->order))
            add_order(&books->orders[find(books->crowd->portfolios, &line->body.place.portfolio)], &result->order);
        break;
    default:
        break;
    }
}

/* ---- what is there ---- */

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(trading_id));
}

static bool check_orders(struct books *books, trading_view *view, int which)
{
    struct books_orders *expected = &books->orders[which];
    struct books_orders seen = {0};
    trading_order page[PAGE];
    trading_error error = {0};
    uint64_t cursor = 0;
    size_t count = 0;
    int32_t code;
    while (!(code = trading_view_orders(view, &books->crowd->portfolios[which], 0, &cursor, page, PAGE, &count, &error)) &&
           count)
        for (size_t i = 0; i < count; i++)
            add_order(&seen, &page[i].id);
    if (expected->count)
        qsort(expected->ids, expected->count, sizeof(trading_id), compare_ids);
    if (seen.count)
        qsort(seen.ids, seen.count, sizeof(trading_id), compare_ids);
    bool same =
        seen.count == expected->count && (!seen.count || !memcmp(seen.ids, expected->ids, seen.count * sizeof(trading_id)));
    free(seen.ids);
    if (code)
        return fail(books, "orders: %s", error.message);
    return same ||
           fail(books, "portfolio %d has %zu orders, and %zu were answered, or others", which, seen.count, expected->count);
}

static int way_of(int32_t type)
{
    switch (type) {
    case TRADING_ACTIVITY_DEPOSIT:
        return BOOKS_PAID_IN;
    case TRADING_ACTIVITY_TRANSFER_OUT:
        return BOOKS_SENT;
    case TRADING_ACTIVITY_TRANSFER_IN:
        return BOOKS_RECEIVED;
    case TRADING_ACTIVITY_TRANSFER_BACK:
        return BOOKS_RETURNED;
    default:
        return -1;
    }
}

static bool check_activity(struct books *books, trading_projection *projection, int which)
{
    static const char *const names[] = {"payments in", "transfers sent", "transfers received", "transfers returned"};
    struct books_sum seen[BOOKS_WAYS] = {0};
    trading_activity page[PAGE];
    trading_error error = {0};
    uint64_t cursor = 0;
    size_t count = 0;
    int32_t code;
    while (!(code = trading_activity_list(projection, &books->crowd->accounts[which], &cursor, page, PAGE, &count, &error)) &&
           count)
        for (size_t i = 0; i < count; i++)
            if (way_of(page[i].type) >= 0)
                add(&seen[way_of(page[i].type)],
                    page[i].type == TRADING_ACTIVITY_TRANSFER_OUT ? -page[i].amount : page[i].amount);
    if (code)
        return fail(books, "activity: %s", error.message);
    for (int way = 0; way < BOOKS_WAYS; way++) {
        const struct books_sum *expected = &books->sums[which][way];
        if (seen[way].count != expected->count || seen[way].amount != expected->amount)
            return fail(books, "account %d has %" PRId64 " %s of %" PRId64 ", not %" PRId64 " of %" PRId64, which,
                        seen[way].count, names[way], seen[way].amount, expected->count, expected->amount);
    }
    return true;
}

static trading_decimal pending(trading_view *view, const struct crowd *crowd)
{
    trading_decimal sum = 0;
    for (int i = 0; i < ACCOUNTS; i++) {
        trading_account account = TRADING_ACCOUNT_INIT;
        if (!trading_view_account(view, &crowd->accounts[i], &account, NULL))
            sum += account.pending;
    }
    return sum;
}

/* A view of a moment at which no transfer is on its way; NULL: there is none. */
static trading_view *settled_view(struct books *books, trading_engine *engine)
{
    trading_error error = {0};
    for (int i = 0; i < SETTLE_SECONDS * 1000; i++) {
        trading_view *view;
        if (trading_view_open(&view, engine, TRADING_VIEW_NOW, &error)) {
            fail(books, "view: %s", error.message);
            return NULL;
        }
        if (pending(view, books->crowd) == 0)
            return view;
        trading_view_close(view);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    fail(books, "transfers never settle");
    return NULL;
}

bool books_check(struct books *books, trading_engine *engine)
{
    trading_projection *projection;
    trading_error error = {0};
    trading_view *view = settled_view(books, engine);
    if (!view)
        return false;
    int32_t code = trading_activity_open(&projection, engine, &error);
    if (!code)
        code = trading_projection_run(projection, NULL, &error);
    bool same = !code || fail(books, "activity: %s", error.message);
    for (int i = 0; i < ACCOUNTS && same; i++)
        same = check_activity(books, projection, i) && check_orders(books, view, i);
    trading_projection_close(projection);
    trading_view_close(view);
    return same;
}
