#include "engine/event_window.h"

void event_window_begin(struct event_window *window, const struct commit *commit, event_coming coming, void *arg)
{
    window->coming = coming;
    window->arg = arg;
    window->read = window->used = window->entries = 0;
    event_reader_begin(&window->reader, commit);
}

/* Causes are as many as events at most, so that one in use is never overwritten. They are read where they stay: a copy made right after would
 * wait for what was just written in pieces. */
static bool read_step(struct event_window *window)
{
    struct event_step *step = &window->steps[window->read % EVENT_WINDOW];
    step->opens = window->reader.entry_left == 0;
    uint32_t entry = step->opens ? window->entries : window->entries - 1;
    struct cause *cause = &window->causes[entry % EVENT_WINDOW];
    if (!event_reader_next(&window->reader, &step->event, cause))
        return false;
    window->entries = entry + 1;
    step->closes = window->reader.entry_left == 0;
    step->cause = cause;
    window->coming(window->arg, step);
    window->read++;
    return true;
}

struct event_step *event_window_next(struct event_window *window)
{
    while (window->read - window->used < EVENT_WINDOW - 1 && read_step(window)) /* the one that is in use stays */
        continue;
    return window->used == window->read ? NULL : &window->steps[window->used++ % EVENT_WINDOW];
}

int32_t event_window_end(const struct event_window *window, trading_error *error)
{
    return event_reader_end(&window->reader, error);
}

void event_prefetch(const struct domain *domain, const struct event *event,
                    void (*prefetch)(const struct table *table, uint32_t number))
{
    switch (event_entity(event->kind)) {
    case TRADING_ENTITY_ACCOUNT:
        prefetch(domain->accounts.records, event->number);
        if (event->account.order)
            prefetch(domain->orders.records, event->account.order);
        break;
    case TRADING_ENTITY_PORTFOLIO:
        prefetch(domain->portfolios.records, event->number);
        if (event->portfolio.order)
            prefetch(domain->orders.records, event->portfolio.order);
        break;
    case TRADING_ENTITY_ORDER:
        prefetch(domain->orders.records, event->number);
        break;
    default: /* instruments are few */
        break;
    }
}
