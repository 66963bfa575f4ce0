/* A venue by files, as a plugin: "lines:FOLDER". It shows what the author of a venue has to do; docs/plugins.md explains it.
 *
 *      orders       a line for each order, and for each cancel, that goes out; written here, and read by whoever executes them
 *      executions   a line for each report, written there: a drop copy
 *      lock         held while the venue is open
 *
 * Both files only grow, and are the venue's whole memory: what is asked for after a crash is read out of them. A line that does not end with
 * "|." was not written to its end, and does not count. */
#include "lines_venue.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOOK INT64_C(2000000) /* nanoseconds between looks whether there is something new */

struct report {
    struct report *next;
    trading_execution_report report;
};

struct order {
    struct order *next;
    trading_venue_order order;
    int32_t status; /* TRADING_ORDER_STATUS_ */
    trading_decimal filled;
    struct report *first; /* trades and its end */
    struct report **last;
};

/* A file that is read as it grows. */
struct growing {
    int fd;
    const char *name;
    char line[LINE_BYTES]; /* what was read of the next one */
    size_t length;
    bool too_long;
};

struct venue {
    const trading_host_functions *host; /* until close */
    int lock_file;
    int orders_out;
    bool unended; /* its last line is, and does not count */
    struct growing executions;
    pthread_mutex_t lock; /* of all below */
    struct order *orders;
    struct report *waiting; /* to be polled */
    struct report **last_waiting;
};

static void *allocate(struct venue *venue, size_t bytes)
{
    void *memory = venue->host->allocate(venue->host->context, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

static void release(struct venue *venue, void *memory, size_t bytes)
{
    venue->host->release(venue->host->context, memory, bytes);
}

/* ---- lines that come; with the lock held ---- */

/* The next whole line, without its end. False when there is none yet. */
static bool next_line(struct growing *file, char line[LINE_BYTES])
{
    for (char byte; read(file->fd, &byte, 1) == 1;) {
        if (byte != '\n') {
            if (file->length + 1 < LINE_BYTES)
                file->line[file->length++] = byte;
            else
                file->too_long = true;
            continue;
        }
        memcpy(line, file->line, file->length);
        line[file->too_long ? 0 : file->length] = '\0'; /* which is no line that says anything */
        file->length = 0;
        file->too_long = false;
        return true;
    }
    return false;
}

static struct order *find_order(struct venue *venue, const char *cl_ord_id)
{
    struct order *order = venue->orders;
    while (order && strcmp(order->order.cl_ord_id, cl_ord_id) != 0)
        order = order->next;
    return order;
}

/* It is not known before it is added. */
static struct order *make_order(struct venue *venue, const trading_venue_order *terms)
{
    struct order *order = allocate(venue, sizeof *order);
    if (!order)
        return NULL;
    order->order = *terms;
    order->status = TRADING_ORDER_STATUS_NEW;
    order->last = &order->first;
    return order;
}

static void add_order(struct venue *venue, struct order *order)
{
    order->next = venue->orders;
    venue->orders = order;
}

static bool is_open(const struct order *order)
{
    return order->status == TRADING_ORDER_STATUS_NEW || order->status == TRADING_ORDER_STATUS_PARTIALLY_FILLED;
}

static int32_t status_after(const struct order *order, int32_t exec_type)
{
    switch (exec_type) {
    case TRADING_EXEC_TYPE_TRADE:
        return order->filled == order->order.quantity ? TRADING_ORDER_STATUS_FILLED : TRADING_ORDER_STATUS_PARTIALLY_FILLED;
    case TRADING_EXEC_TYPE_CANCELED:
        return TRADING_ORDER_STATUS_CANCELED;
    case TRADING_EXEC_TYPE_EXPIRED:
        return TRADING_ORDER_STATUS_EXPIRED;
    case TRADING_EXEC_TYPE_REJECTED:
        return TRADING_ORDER_STATUS_REJECTED;
    default:
        return order->status;
    }
}

/* What follows from the order and the reports before it. */
static void complete(struct order *order, trading_execution_report *report)
{
    order->filled += report->quantity;
    order->status = status_after(order, report->exec_type);
    report->order_status = order->status;
    report->filled_quantity = order->filled;
    report->leaves_quantity = is_open(order) ? order->order.quantity - order->filled : 0;
}

static bool was_told(const struct order *order, const char *exec_id)
{
    for (const struct report *at = order->first; at; at = at->next)
        if (!strcmp(at->report.exec_id, exec_id))
            return true;
    return false;
}

static bool put(struct venue *venue, struct report ***last, const trading_execution_report *report)
{
    struct report *added = allocate(venue, sizeof *added);
    if (!added)
        return false;
    added->report = *report;
    **last = added;
    *last = &added->next;
    return true;
}

/* A report that cannot be of its order: more than is open, or after its end. */
static bool is_odd(const struct order *order, const trading_execution_report *report)
{
    bool changes = report->exec_type != TRADING_EXEC_TYPE_CANCEL_REJECTED && report->exec_type != TRADING_EXEC_TYPE_NEW;
    return changes && (!is_open(order) || report->quantity > order->order.quantity - order->filled);
}

/* Takes in what the executing side has written since. With `told` it waits to be polled. */
static int32_t read_executions(struct venue *venue, bool told, trading_error *error)
{
    char line[LINE_BYTES];
    trading_execution_report report;
    while (next_line(&venue->executions, line)) {
        if (!read_execution(line, &report))
            continue;
        struct order *order = find_order(venue, report.cl_ord_id);
        if (!order || (report.exec_id[0] && was_told(order, report.exec_id)))
            continue;
        if (is_odd(order, &report)) {
            venue->host->log(venue->host->context, TRADING_LOG_ERROR, "lines: an execution is more than its order; left out");
            continue;
        }
        complete(order, &report);
        if ((report.exec_id[0] && !put(venue, &order->last, &report)) || (told && !put(venue, &venue->last_waiting, &report)))
            return fail(error, TRADING_E_NO_MEMORY, "no memory for a report");
    }
    return TRADING_OK;
}

/* ---- what it is asked ---- */

/* In one piece, or not at all as far as anybody believes: what was left without an end is no whole line when it gets one. */
static int32_t append(struct venue *venue, const char *text, trading_error *error)
{
    char line[LINE_BYTES + 2];
    int length = snprintf(line, sizeof line, "%s%s", venue->unended ? "?\n" : "", text);
    ssize_t wrote = write(venue->orders_out, line, (size_t)length);
    venue->unended = wrote > 0 ? wrote < length : venue->unended;
    if (wrote >= 0 && wrote < length)
        errno = ENOSPC;
    return wrote == length ? TRADING_OK : fail_system(error, "writing", "orders");
}

static int32_t flush(struct venue *venue, trading_error *error)
{
    return fdatasync(venue->orders_out) ? fail_system(error, "flushing", "orders") : TRADING_OK;
}

static int32_t submit_locked(struct venue *venue, const trading_venue_order *terms, trading_error *error)
{
    char line[LINE_BYTES];
    if (find_order(venue, terms->cl_ord_id))
        return TRADING_OK;
    struct order *order = make_order(venue, terms);
    if (!order)
        return fail(error, TRADING_E_NO_MEMORY, "no memory for an order");
    write_order(terms, line);
    int32_t code = append(venue, line, error);
    if (code) {
        release(venue, order, sizeof *order);
        return code;
    }
    add_order(venue, order);
    return flush(venue, error);
}

static int32_t lines_submit(void *handle, const trading_venue_order *order, trading_error *error)
{
    struct venue *venue = handle;
    pthread_mutex_lock(&venue->lock);
    int32_t code = submit_locked(venue, order, error);
    pthread_mutex_unlock(&venue->lock);
    return code;
}

static int32_t tell(struct venue *venue, const trading_venue_order *terms, const struct order *order, int32_t exec_type,
                    trading_error *error)
{
    trading_execution_report report = {.exec_type = exec_type};
    memcpy(report.cl_ord_id, terms->cl_ord_id, sizeof report.cl_ord_id);
    if (order) {
        report.order_status = order->status;
        report.filled_quantity = order->filled;
        report.leaves_quantity = is_open(order) ? order->order.quantity - order->filled : 0;
    }
    return put(venue, &venue->last_waiting, &report) ? TRADING_OK : fail(error, TRADING_E_NO_MEMORY, "no memory for a report");
}

/* The executing side answers for what it has; of an order that never went there, or has ended, the answer is known here. */
static int32_t lines_cancel(void *handle, const trading_venue_order *order, trading_error *error)
{
    struct venue *venue = handle;
    char line[LINE_BYTES];
    pthread_mutex_lock(&venue->lock);
    int32_t code = read_executions(venue, true, error);
    const struct order *known = find_order(venue, order->cl_ord_id);
    write_cancel(order, line);
    if (!code)
        code = known && is_open(known) ? append(venue, line, error)
                                       : tell(venue, order, known, TRADING_EXEC_TYPE_CANCEL_REJECTED, error);
    pthread_mutex_unlock(&venue->lock);
    return code;
}

static int32_t lines_status(void *handle, const trading_venue_order *order, trading_error *error)
{
    struct venue *venue = handle;
    pthread_mutex_lock(&venue->lock);
    int32_t code = read_executions(venue, true, error);
    const struct order *known = find_order(venue, order->cl_ord_id);
    for (const struct report *at = known ? known->first : NULL; !code && at; at = at->next)
        if (!put(venue, &venue->last_waiting, &at->report))
            code = fail(error, TRADING_E_NO_MEMORY, "no memory for a report");
    if (!code)
        code = tell(venue, order, known, TRADING_EXEC_TYPE_ORDER_STATUS, error);
    pthread_mutex_unlock(&venue->lock);
    return code;
}

/* ---- polling ---- */

static size_t take_waiting(struct venue *venue, trading_execution_report *reports, size_t max)
{
    size_t count = 0;
    while (count < max && venue->waiting) {
        struct report *first = venue->waiting;
        reports[count++] = first->report;
        venue->waiting = first->next;
        release(venue, first, sizeof *first);
    }
    if (!venue->waiting)
        venue->last_waiting = &venue->waiting;
    return count;
}

static int64_t monotonic_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * TRADING_NANOSECONDS_PER_SECOND + now.tv_nsec;
}

static int32_t lines_poll(void *handle, trading_execution_report *reports, size_t max, size_t *count, int64_t timeout,
                          trading_error *error)
{
    struct venue *venue = handle;
    int64_t begun = monotonic_now();
    for (;;) {
        pthread_mutex_lock(&venue->lock);
        int32_t code = read_executions(venue, true, error);
        *count = code ? 0 : take_waiting(venue, reports, max);
        pthread_mutex_unlock(&venue->lock);
        if (code || *count)
            return code;
        if (timeout >= 0 && monotonic_now() - begun >= timeout)
            return fail(error, TRADING_E_TIMEOUT, "no report came in time");
        nanosleep(&(struct timespec){.tv_nsec = LOOK}, NULL);
    }
}

/* ---- opening and closing ---- */

static int open_in(const char *folder, const char *name, int flags)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    errno = ENAMETOOLONG;
    return (size_t)length < sizeof path ? open(path, flags | O_CREAT | O_CLOEXEC, 0600) : -1;
}

/* What went out before. */
static int32_t read_orders(struct venue *venue, const char *folder, trading_error *error)
{
    char line[LINE_BYTES];
    trading_venue_order order;
    struct growing orders = {.fd = open_in(folder, "orders", O_RDONLY)};
    if (orders.fd < 0)
        return fail_system(error, "reading", "orders");
    int32_t code = TRADING_OK;
    while (!code && next_line(&orders, line)) {
        if (!read_order(line, &order) || !order.quantity || find_order(venue, order.cl_ord_id))
            continue;
        struct order *made = make_order(venue, &order);
        if (made)
            add_order(venue, made);
        else
            code = fail(error, TRADING_E_NO_MEMORY, "no memory for an order");
    }
    venue->unended = orders.length || orders.too_long;
    close(orders.fd);
    return code;
}

static int32_t open_folder(struct venue *venue, const char *folder, trading_error *error)
{
    if (mkdir(folder, 0700) && errno != EEXIST)
        return fail_system(error, "making", folder);
    venue->lock_file = open_in(folder, "lock", O_RDWR);
    venue->orders_out = open_in(folder, "orders", O_WRONLY | O_APPEND);
    venue->executions.fd = open_in(folder, "executions", O_RDONLY);
    if (venue->lock_file < 0 || venue->orders_out < 0 || venue->executions.fd < 0)
        return fail_system(error, "opening the files of", folder);
    if (flock(venue->lock_file, LOCK_EX | LOCK_NB))
        return fail(error, TRADING_E_LOCKED, "another has the venue %.100s open", folder);
    int32_t code = read_orders(venue, folder, error);
    return code ? code : read_executions(venue, false, error);
}

static void release_reports(struct venue *venue, struct report *first)
{
    for (struct report *next, *at = first; at; at = next) {
        next = at->next;
        release(venue, at, sizeof *at);
    }
}

static void lines_close(void *handle)
{
    struct venue *venue = handle;
    const int files[] = {venue->lock_file, venue->orders_out, venue->executions.fd};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (files[i] >= 0)
            close(files[i]);
    for (struct order *next, *at = venue->orders; at; at = next) {
        next = at->next;
        release_reports(venue, at->first);
        release(venue, at, sizeof *at);
    }
    release_reports(venue, venue->waiting);
    pthread_mutex_destroy(&venue->lock);
    release(venue, venue, sizeof *venue);
}

static int32_t lines_open(const trading_venue_request *request, const trading_host_functions *host, void **handle,
                          trading_error *error)
{
    if (host->abi != TRADING_PLUGIN_ABI || host->size < sizeof *host || request->size < sizeof *request)
        return fail(error, TRADING_E_ABI, "this venue was built for interface %u, the host speaks %u", TRADING_PLUGIN_ABI,
                    host->abi);
    if (!request->location[0] || request->flags)
        return fail(error, TRADING_E_INVALID, "a venue by files is lines:FOLDER");
    struct venue *venue = host->allocate(host->context, sizeof *venue);
    if (!venue)
        return fail(error, TRADING_E_NO_MEMORY, "no memory for a venue");
    *venue = (struct venue){.host = host, .lock_file = -1, .orders_out = -1, .executions.fd = -1};
    venue->last_waiting = &venue->waiting;
    pthread_mutex_init(&venue->lock, NULL);
    int32_t code = open_folder(venue, request->location, error);
    if (code)
        lines_close(venue);
    else
        *handle = venue;
    return code;
}

/* ---- the plugin ---- */

static const trading_venue_ops lines_ops = {
    .size = sizeof lines_ops,
    .abi = TRADING_PLUGIN_ABI,
    .open = lines_open,
    .close = lines_close,
    .submit = lines_submit,
    .cancel = lines_cancel,
    .status = lines_status,
    .poll = lines_poll,
};

int32_t trading_plugin_entry(const trading_host_functions *host, trading_plugin *plugin, trading_error *error)
{
    static const trading_plugin_offer offers[] = {{TRADING_PLUGIN_VENUE, 0, "lines", &lines_ops}};
    plugin->abi = TRADING_PLUGIN_ABI;
    if (host->abi != TRADING_PLUGIN_ABI)
        return fail(error, TRADING_E_ABI, "the plugin speaks interface %u", TRADING_PLUGIN_ABI);
    plugin->name = "lines";
    plugin->version = "1.0.0";
    plugin->offers = offers;
    plugin->offer_count = sizeof offers / sizeof *offers;
    return TRADING_OK;
}
