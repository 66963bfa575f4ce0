#include "venue/orders.h"

#include "base/id.h"

#define BUCKETS_FIRST 64u

/* ---- by id ---- */

static struct routed_order **bucket_of(struct routed_order **buckets, size_t count, const trading_id *id)
{
    return &buckets[id_hash(id) & (count - 1)];
}

struct routed_order *orders_find(const struct routed_orders *orders, const trading_id *id)
{
    struct routed_order *order = orders->bucket_count ? *bucket_of(orders->buckets, orders->bucket_count, id) : NULL;
    while (order && !id_equal(&order->id, id))
        order = order->next;
    return order;
}

static void hang(struct routed_order **buckets, size_t count, struct routed_order *order)
{
    struct routed_order **bucket = bucket_of(buckets, count, &order->id);
    order->next = *bucket;
    *bucket = order;
}

/* Twice as many buckets once there is an order for each. */
static int grow_buckets(struct routed_orders *orders)
{
    if (orders->count < orders->bucket_count)
        return 0;
    size_t count = orders->bucket_count ? orders->bucket_count * 2 : BUCKETS_FIRST;
    struct routed_order **buckets = memory_zeroed(orders->memory, count, sizeof(struct routed_order *));
    if (!buckets)
        return -1;
    for (struct routed_order *at = orders->oldest; at; at = at->newer)
        hang(buckets, count, at);
    memory_release(orders->memory, orders->buckets, orders->bucket_count * sizeof(struct routed_order *));
    orders->buckets = buckets;
    orders->bucket_count = count;
    return 0;
}

struct routed_order *orders_add(struct routed_orders *orders, const trading_id *id, int64_t position, trading_decimal quantity)
{
    struct routed_order *order = grow_buckets(orders) ? NULL : memory_zeroed(orders->memory, 1, sizeof *order);
    if (!order)
        return NULL;
    order->id = *id;
    order->position = position;
    order->quantity = quantity;
    order->missed_at = -1;
    order->older = orders->newest;
    *(orders->newest ? &orders->newest->newer : &orders->oldest) = order;
    orders->newest = order;
    hang(orders->buckets, orders->bucket_count, order);
    orders->count++;
    return order;
}

static void release(struct routed_orders *orders, struct routed_order *order)
{
    memory_release(orders->memory, order->executions, order->execution_capacity * sizeof *order->executions);
    memory_release(orders->memory, order, sizeof *order);
}

static void take_from_plan(struct routed_orders *orders, const struct routed_order *order)
{
    struct routed_order *before = NULL;
    struct routed_order **link = &orders->todo_first;
    while (*link != order) {
        before = *link;
        link = &before->todo_next;
    }
    *link = order->todo_next;
    if (orders->todo_last == order)
        orders->todo_last = before;
}

void orders_remove(struct routed_orders *orders, struct routed_order *order)
{
    struct routed_order **link = bucket_of(orders->buckets, orders->bucket_count, &order->id);
    while (*link != order)
        link = &(*link)->next;
    *link = order->next;
    *(order->older ? &order->older->newer : &orders->oldest) = order->newer;
    *(order->newer ? &order->newer->older : &orders->newest) = order->older;
    if (order->queued)
        take_from_plan(orders, order);
    release(orders, order);
    orders->count--;
}

void orders_drop_all(struct routed_orders *orders)
{
    for (struct routed_order *next, *at = orders->oldest; at; at = next) {
        next = at->newer;
        release(orders, at);
    }
    memory_release(orders->memory, orders->buckets, orders->bucket_count * sizeof(struct routed_order *));
}

/* ---- what is booked ---- */

int orders_note_execution(struct routed_orders *orders, struct routed_order *order, const trading_id *key)
{
    if (memory_grow(orders->memory, (void **)&order->executions, &order->execution_capacity, order->execution_count + 1,
                    sizeof *order->executions))
        return -1;
    order->executions[order->execution_count++] = *key;
    return 0;
}

bool orders_has_execution(const struct routed_order *order, const trading_id *key)
{
    for (size_t i = 0; i < order->execution_count; i++)
        if (id_equal(&order->executions[i], key))
            return true;
    return false;
}

/* ---- what is to be done ---- */

void orders_plan(struct routed_orders *orders, struct routed_order *order, uint32_t todo)
{
    order->todo |= todo;
    if (order->queued)
        return;
    order->queued = true;
    order->todo_next = NULL;
    *(orders->todo_last ? &orders->todo_last->todo_next : &orders->todo_first) = order;
    orders->todo_last = order;
}

void orders_plan_asking(struct routed_orders *orders)
{
    orders->todo_first = orders->todo_last = NULL;
    for (struct routed_order *at = orders->oldest; at; at = at->newer) {
        at->queued = false;
        at->todo = 0;
        orders_plan(orders, at, ORDER_TO_ASK);
    }
}

void orders_done(struct routed_orders *orders)
{
    struct routed_order *order = orders->todo_first;
    order->todo = 0;
    order->queued = false;
    orders->todo_first = order->todo_next;
    if (!orders->todo_first)
        orders->todo_last = NULL;
}
