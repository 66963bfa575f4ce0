/* The handle of a venue: what hosts call, checked (venue_check.c), and handed on to the venue that the URI names. */
#include "plugin/venue.h"

#include "base/error.h"
#include "plugin/host.h"
#include "plugin/venue_check.h"

struct trading_venue {
    trading_host *host;
    const trading_venue_ops *ops;
    void *venue;
    pthread_mutex_t asking; /* one asks it for something after the other */
};

/* ---- opening and closing ---- */

static int32_t open_venue(trading_venue *venue, const char *uri, trading_error *error)
{
    struct host_scheme scheme = {0};
    trading_venue_request request = {.size = sizeof request};
    int32_t code = host_find_scheme(venue->host, TRADING_PLUGIN_VENUE, uri, &scheme, &request.location, error);
    if (code)
        return code;
    venue->ops = scheme.venue;
    return venue->ops->open(&request, &venue->host->functions, &venue->venue, error);
}

int32_t trading_venue_open(trading_venue **venue, trading_host *host, const char *uri, trading_error *error)
{
    if (!venue || !host || !uri)
        return error_set(error, TRADING_E_INVALID, "trading_venue_open needs a place for the venue, a host and a URI");
    *venue = NULL;
    int32_t code = host_check(host, error);
    if (code)
        return code;
    trading_venue *made = memory_zeroed(&host->memory, 1, sizeof *made);
    if (!made)
        return error_no_memory(error, "a venue");
    made->host = host;
    code = open_venue(made, uri, error);
    if (code) {
        memory_release(&host->memory, made, sizeof *made);
        return code;
    }
    pthread_mutex_init(&made->asking, NULL);
    host_venue_opened(host);
    *venue = made;
    return error_clear(error);
}

void trading_venue_close(trading_venue *venue)
{
    if (!venue || host_check(venue->host, NULL))
        return;
    trading_host *host = venue->host;
    venue->ops->close(venue->venue);
    pthread_mutex_destroy(&venue->asking);
    memory_release(&host->memory, venue, sizeof *venue);
    host_venue_closed(host);
}

static int32_t check_venue(const trading_venue *venue, trading_error *error)
{
    if (!venue)
        return error_set(error, TRADING_E_INVALID, "no venue given");
    return host_check(venue->host, error);
}

/* ---- asking ---- */

typedef int32_t (*ask_function)(void *venue, const trading_venue_order *order, trading_error *error);

static int32_t ask(trading_venue *venue, ask_function function, const trading_venue_order *order, trading_error *error)
{
    int32_t code = venue_check_order(order, error);
    if (code)
        return code;
    pthread_mutex_lock(&venue->asking);
    code = function(venue->venue, order, error);
    pthread_mutex_unlock(&venue->asking);
    return code ? code : error_clear(error);
}

int32_t trading_venue_submit(trading_venue *venue, const trading_venue_order *order, trading_error *error)
{
    int32_t code = check_venue(venue, error);
    return code ? code : ask(venue, venue->ops->submit, order, error);
}

int32_t trading_venue_cancel(trading_venue *venue, const trading_venue_order *order, trading_error *error)
{
    int32_t code = check_venue(venue, error);
    return code ? code : ask(venue, venue->ops->cancel, order, error);
}

int32_t trading_venue_status(trading_venue *venue, const trading_venue_order *order, trading_error *error)
{
    int32_t code = check_venue(venue, error);
    return code ? code : ask(venue, venue->ops->status, order, error);
}

int32_t trading_venue_quote(trading_venue *venue, const trading_symbol *symbol, trading_decimal bid, trading_decimal ask,
                            trading_error *error)
{
    int32_t code = check_venue(venue, error);
    if (!code)
        code = venue_check_quote(symbol, bid, ask, error);
    if (!code && !venue->ops->quote)
        code = error_set(error, TRADING_E_UNSUPPORTED, "this venue has prices of its own");
    if (code)
        return code;
    pthread_mutex_lock(&venue->asking);
    code = venue->ops->quote(venue->venue, symbol, bid, ask, error);
    pthread_mutex_unlock(&venue->asking);
    return code ? code : error_clear(error);
}

bool venue_takes_quotes(const trading_venue *venue)
{
    return venue->ops->quote;
}

/* ---- reports ---- */

int32_t trading_venue_poll(trading_venue *venue, trading_execution_report *reports, size_t max, size_t *count, int64_t timeout,
                           trading_error *error)
{
    int32_t code = check_venue(venue, error);
    if (code)
        return code;
    if (!reports || !max || !count || timeout < -1)
        return error_set(error, TRADING_E_INVALID, "a poll needs places for reports and their count, and a timeout from -1 on");
    *count = 0;
    code = venue->ops->poll(venue->venue, reports, max, count, timeout, error);
    if (!code)
        code = venue_check_reports(reports, *count, max, error);
    if (code)
        *count = 0;
    return code ? code : error_clear(error);
}
