/* The orders of the venue on paper, and the reports of what becomes of them. */
#include "backends/paper/paper.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define BUCKETS_FIRST 64u

trading_time paper_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * TRADING_NANOSECONDS_PER_SECOND + now.tv_nsec;
}

/* ---- orders by ClOrdID ---- */

static size_t bucket_of(size_t bucket_count, const char *cl_ord_id)
{
    uint64_t sum = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (; *cl_ord_id; cl_ord_id++)
        sum = (sum ^ (uint8_t)*cl_ord_id) * UINT64_C(0x100000001b3);
    return (size_t)(sum ^ sum >> 32) & (bucket_count - 1);
}

struct paper_order *paper_find(const struct paper *paper, const char *cl_ord_id)
{
    if (!paper->bucket_count)
        return NULL;
    struct paper_order *order = paper->buckets[bucket_of(paper->bucket_count, cl_ord_id)];
    while (order && strcmp(order->terms.cl_ord_id, cl_ord_id) != 0)
        order = order->next;
    return order;
}

static void hang(struct paper_order **buckets, size_t bucket_count, struct paper_order *order)
{
    struct paper_order **bucket = &buckets[bucket_of(bucket_count, order->terms.cl_ord_id)];
    order->next = *bucket;
    *bucket = order;
}

/* Twice as many buckets once there is an order for each. */
static int grow_buckets(struct paper *paper)
{
    if (paper->order_count < paper->bucket_count)
        return 0;
    size_t count = paper->bucket_count ? paper->bucket_count * 2 : BUCKETS_FIRST;
    struct paper_order **buckets = memory_zeroed(&paper->memory, count, sizeof(struct paper_order *));
    if (!buckets)
        return -1;
    for (size_t i = 0; i < paper->bucket_count; i++)
        for (struct paper_order *next, *at = paper->buckets[i]; at; at = next) {
            next = at->next;
            hang(buckets, count, at);
        }
    memory_release(&paper->memory, paper->buckets, paper->bucket_count * sizeof(struct paper_order *));
    paper->buckets = buckets;
    paper->bucket_count = count;
    return 0;
}

struct paper_order *paper_add(struct paper *paper, const trading_venue_order *terms)
{
    struct paper_order *order = grow_buckets(paper) ? NULL : memory_zeroed(&paper->memory, 1, sizeof *order);
    if (!order || paper_make_room_for_fills(paper, order)) {
        memory_release(&paper->memory, order, sizeof *order);
        return NULL;
    }
    order->terms = *terms;
    order->filled = terms->filled_quantity;
    order->status = order->filled ? TRADING_ORDER_STATUS_PARTIALLY_FILLED : TRADING_ORDER_STATUS_NEW;
    hang(paper->buckets, paper->bucket_count, order);
    paper->order_count++;
    return order;
}

bool paper_is_open(const struct paper_order *order)
{
    return order->status == TRADING_ORDER_STATUS_NEW || order->status == TRADING_ORDER_STATUS_PARTIALLY_FILLED;
}

trading_decimal paper_leaves(const struct paper_order *order)
{
    return paper_is_open(order) ? order->terms.quantity - order->filled : 0;
}

int paper_make_room_for_fills(struct paper *paper, struct paper_order *order)
{
    return memory_grow(&paper->memory, (void **)&order->fills, &order->fill_capacity, order->fill_count + (size_t)paper->pieces,
                       sizeof *order->fills);
}

void paper_rest(struct paper *paper, struct paper_order *order)
{
    order->open_previous = paper->open_last;
    *(paper->open_last ? &paper->open_last->open_next : &paper->open_first) = order;
    paper->open_last = order;
}

static void take_from_resting(struct paper *paper, struct paper_order *order)
{
    bool rests = order->open_previous || paper->open_first == order;
    if (!rests)
        return;
    *(order->open_previous ? &order->open_previous->open_next : &paper->open_first) = order->open_next;
    *(order->open_next ? &order->open_next->open_previous : &paper->open_last) = order->open_previous;
    order->open_next = order->open_previous = NULL;
}

void paper_end(struct paper *paper, struct paper_order *order, int32_t status, const char *reason)
{
    take_from_resting(paper, order);
    order->status = status;
    order->reason = reason;
    order->ended = paper_now();
}

void paper_drop_all(struct paper *paper)
{
    for (size_t i = 0; i < paper->bucket_count; i++)
        for (struct paper_order *next, *at = paper->buckets[i]; at; at = next) {
            next = at->next;
            memory_release(&paper->memory, at->fills, at->fill_capacity * sizeof *at->fills);
            memory_release(&paper->memory, at, sizeof *at);
        }
    memory_release(&paper->memory, paper->buckets, paper->bucket_count * sizeof(struct paper_order *));
    memory_release(&paper->memory, paper->reports, paper->report_capacity * sizeof *paper->reports);
    memory_release(&paper->memory, paper->quotes, paper->quote_capacity * sizeof *paper->quotes);
    memory_release(&paper->memory, paper->rejects, paper->reject_capacity * sizeof *paper->rejects);
}

/* ---- what it tells of them ---- */

int paper_make_room(struct paper *paper, size_t reports)
{
    if (paper->report_at && paper->report_at * 2 >= paper->report_count) { /* what was told goes, once it is half of them */
        paper->report_count -= paper->report_at;
        memmove(paper->reports, paper->reports + paper->report_at, paper->report_count * sizeof *paper->reports);
        paper->report_at = 0;
    }
    return memory_grow(&paper->memory, (void **)&paper->reports, &paper->report_capacity, paper->report_count + reports,
                       sizeof *paper->reports);
}

static trading_execution_report *next_report(struct paper *paper, const char *cl_ord_id, int32_t exec_type)
{
    trading_execution_report *report = &paper->reports[paper->report_count++];
    *report = (trading_execution_report){.exec_type = exec_type};
    memcpy(report->cl_ord_id, cl_ord_id, strlen(cl_ord_id) + 1);
    pthread_cond_broadcast(&paper->told);
    return report;
}

static void name_report(trading_execution_report *report, const char *suffix)
{
    snprintf(report->exec_id, sizeof report->exec_id, "%.31s.%s", report->cl_ord_id, suffix);
}

void paper_tell_fill(struct paper *paper, const struct paper_order *order, const struct paper_fill *fill)
{
    trading_execution_report *report = next_report(paper, order->terms.cl_ord_id, TRADING_EXEC_TYPE_TRADE);
    char suffix[TRADING_DECIMAL_TEXT];
    trading_decimal_format(fill->filled, 0, suffix); /* so it is another's than that of any before it was forgotten */
    name_report(report, suffix);
    report->quantity = fill->quantity;
    report->price = fill->price;
    report->filled_quantity = fill->filled;
    report->leaves_quantity = order->terms.quantity - fill->filled;
    report->order_status = report->leaves_quantity ? TRADING_ORDER_STATUS_PARTIALLY_FILLED : TRADING_ORDER_STATUS_FILLED;
    report->time = fill->time;
}

void paper_tell(struct paper *paper, const struct paper_order *order, int32_t exec_type)
{
    trading_execution_report *report = next_report(paper, order->terms.cl_ord_id, exec_type);
    if (exec_type == TRADING_EXEC_TYPE_CANCELED || exec_type == TRADING_EXEC_TYPE_REJECTED)
        name_report(report, "end");
    if (order->reason)
        snprintf(report->text, sizeof report->text, "%s", order->reason);
    report->order_status = order->status;
    report->filled_quantity = order->filled;
    report->leaves_quantity = paper_leaves(order);
    report->time = order->ended ? order->ended : paper_now();
}

void paper_tell_unknown(struct paper *paper, const trading_venue_order *terms, int32_t exec_type)
{
    trading_execution_report *report = next_report(paper, terms->cl_ord_id, exec_type);
    snprintf(report->text, sizeof report->text, "unknown order");
    report->time = paper_now();
}
