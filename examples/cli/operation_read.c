#include "operation_read.h"

#include "record.h"
#include "statement.h"
#include "subcommand.h"

#include <stdio.h>

static struct outcome not_found(const char *reason, const trading_error *error)
{
    json_t *object = new_object();
    put(object, "ok", json_false());
    put_text(object, "reason", reason);
    put_text(object, "message", error->message);
    return (struct outcome){object, EXIT_REFUSED};
}

/* What it means that the view does not find what the request names. */
static const char *unknown(const struct request *request)
{
    switch (request->op) {
    case OP_VIEW_ACCOUNT:
    case OP_ACTIVITY:
    case OP_STATEMENT:
    case OP_FORGET:
        return "UNKNOWN_ACCOUNT";
    case OP_VIEW_PORTFOLIO:
    case OP_LOTS:
    case OP_ORDERS:
        return "UNKNOWN_PORTFOLIO";
    case OP_VIEW_ORDER:
        return "UNKNOWN_ORDER";
    case OP_HISTORY:
        return request->entity == TRADING_ENTITY_ACCOUNT     ? "UNKNOWN_ACCOUNT"
               : request->entity == TRADING_ENTITY_PORTFOLIO ? "UNKNOWN_PORTFOLIO"
               : request->entity == TRADING_ENTITY_ORDER     ? "UNKNOWN_ORDER"
                                                             : "UNKNOWN_SYMBOL";
    default:
        return "UNKNOWN_SYMBOL";
    }
}

/* A list as the one member of an object. */
static json_t *under(const char *key, json_t *list)
{
    if (!list)
        return NULL;
    json_t *object = new_object();
    put(object, key, list);
    return object;
}

static json_t *read_record(struct desk *desk, trading_view *view, const struct request *request, trading_error *error)
{
    const struct statement_period period = {request->from, request->to};
    switch (request->op) {
    case OP_VIEW_ACCOUNT:
        return record_account(view, &request->id, error);
    case OP_VIEW_PORTFOLIO:
        return record_portfolio(view, &request->id, request->all, error);
    case OP_VIEW_ORDER:
        return record_order(view, &request->id, error);
    case OP_VIEW_QUOTE:
        return record_quote(view, &request->symbol, error);
    case OP_VIEW_BOOK:
        return record_book(view, &request->symbol, error);
    case OP_ACCOUNTS:
        return under("accounts", record_accounts(view, error));
    case OP_QUOTES:
        return under("quotes", record_quotes(view, error));
    case OP_LOTS:
        return under("lots", record_lots(view, &request->id, error));
    case OP_ORDERS:
        return under("orders", record_orders(view, &request->id, request->open, error));
    case OP_HISTORY:
        return under("events", record_history(view, request->entity, &request->id, request->limit, error));
    case OP_ACTIVITY:
        return under("activity", record_activity(desk->engine, view, &request->id, error));
    default:
        return statement_json(desk->engine, view, &request->id, &period, error);
    }
}

/* The record with "ok" before all else. */
static struct outcome done(json_t *record)
{
    json_t *object = new_object();
    put(object, "ok", json_true());
    if (json_object_update(object, record) != 0)
        out_of_memory();
    json_decref(record);
    return (struct outcome){object, EXIT_DONE};
}

/* How far the partition has come that has what is viewed; of a list, all together. */
static int64_t position_of(const struct desk *desk, const struct request *request)
{
    uint32_t partition;
    bool known = request->entity &&
                 trading_engine_partition_of(desk->engine, request->entity, &request->id, &partition, NULL) == TRADING_OK;
    return known ? trading_view_partition_position(desk->latest, partition) : trading_view_position(desk->latest);
}

bool operation_is_early(const struct desk *desk, const struct request *request)
{
    return request->at_least >= 0 && position_of(desk, request) <= request->at_least;
}

static struct outcome too_early(const struct request *request)
{
    trading_error error = {.code = TRADING_E_TIMEOUT};
    snprintf(error.message, sizeof error.message, "the event at position %lld is not there yet", (long long)request->at_least);
    return not_found(trading_error_name(TRADING_E_TIMEOUT), &error);
}

static struct outcome view(struct desk *desk, const struct request *request)
{
    trading_error error;
    trading_view *view;
    if (operation_is_early(desk, request))
        return too_early(request);
    int32_t code = point_view(&request->at, desk->engine, request->entity, &request->id, &view, &error);
    if (code == TRADING_E_NOT_FOUND)
        return not_found("BAD_POSITION", &error);
    if (code != TRADING_OK)
        return operation_failed(&error);
    json_t *record = read_record(desk, view, request, &error);
    trading_view_close(view);
    if (record)
        return done(record);
    return error.code == TRADING_E_NOT_FOUND ? not_found(unknown(request), &error) : operation_failed(&error);
}

static int32_t show_progress(void *context, int64_t done, int64_t total)
{
    (void)context;
    fprintf(stderr, "\rverified %lld of %lld events", (long long)done, (long long)total);
    return 0;
}

static void put_counts(json_t *object, const trading_verification *found)
{
    put_integer(object, "position", found->position);
    put_integer(object, "commits", (int64_t)found->commits);
    put_integer(object, "events", (int64_t)found->events);
    put_integer(object, "accounts", (int64_t)found->accounts);
    put_integer(object, "portfolios", (int64_t)found->portfolios);
    put_integer(object, "orders", (int64_t)found->orders);
    put_integer(object, "currencies", (int64_t)found->currencies);
    put_integer(object, "instruments", (int64_t)found->instruments);
}

static struct outcome verify(struct desk *desk)
{
    trading_error error;
    trading_verification found = TRADING_VERIFICATION_INIT;
    int32_t code = trading_engine_verify(desk->engine, &found, desk->progress ? show_progress : NULL, NULL, &error);
    if (desk->progress)
        fputs("\r\033[K", stderr);
    if (code != TRADING_OK)
        return operation_failed(&error);
    json_t *object = new_object();
    put(object, "ok", json_boolean(found.sound));
    if (!found.sound) {
        put_text(object, "reason", trading_error_name(TRADING_E_DAMAGED));
        put_text(object, "message", found.finding);
    }
    put(object, "sound", json_boolean(found.sound));
    put_bytes(object, "hash", found.hash, sizeof found.hash);
    put_counts(object, &found);
    if (found.bad_position >= 0)
        put_integer(object, "bad_position", found.bad_position);
    return (struct outcome){object, found.sound ? EXIT_DONE : EXIT_STORE};
}

/* Adds who holds what of each currency, which sums to zero. */
static struct outcome verify_with_ledgers(struct desk *desk)
{
    trading_error error;
    struct outcome outcome = verify(desk);
    if (outcome.code != EXIT_DONE)
        return outcome;
    json_t *ledgers = record_ledgers(desk->latest, &error);
    if (!ledgers) {
        json_decref(outcome.json);
        return operation_failed(&error);
    }
    put(outcome.json, "ledgers", ledgers);
    return outcome;
}

static struct outcome info(struct desk *desk)
{
    trading_error error;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    if (trading_engine_get_info(desk->engine, &info, &error) != TRADING_OK)
        return operation_failed(&error);
    json_t *object = new_object();
    put(object, "ok", json_true());
    put_text(object, "state", trading_error_name(info.state));
    put_text(object, "library", trading_version());
    put_integer(object, "position", info.next_position);
    put_integer(object, "checkpoint_position", info.checkpoint_position);
    put_time(object, "last_time", info.last_time);
    put_integer(object, "accounts", (int64_t)info.accounts);
    put_integer(object, "portfolios", (int64_t)info.portfolios);
    put_integer(object, "orders", (int64_t)info.orders);
    put_integer(object, "instruments", (int64_t)info.instruments);
    put_integer(object, "keys", (int64_t)info.keys);
    put_integer(object, "commits", (int64_t)info.commits);
    put_integer(object, "commands", (int64_t)info.commands);
    put_integer(object, "events", (int64_t)info.events);
    put_integer(object, "journal_bytes", (int64_t)info.journal_bytes);
    put_integer(object, "syncs", (int64_t)info.syncs);
    put_integer(object, "replayed_events", (int64_t)info.replayed_events);
    put_integer(object, "memory_bytes", (int64_t)info.memory_bytes);
    put_integer(object, "store_bytes_used", (int64_t)info.store_bytes_used);
    put_integer(object, "store_bytes_reserved", (int64_t)info.store_bytes_reserved);
    return (struct outcome){object, EXIT_DONE};
}

static struct outcome checkpoint(struct desk *desk)
{
    trading_error error;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    if (trading_engine_checkpoint(desk->engine, &error) != TRADING_OK ||
        trading_engine_get_info(desk->engine, &info, &error) != TRADING_OK)
        return operation_failed(&error);
    json_t *object = new_object();
    put(object, "ok", json_true());
    put_integer(object, "checkpoint_position", info.checkpoint_position);
    return (struct outcome){object, EXIT_DONE};
}

static struct outcome forget(struct desk *desk, const struct request *request)
{
    trading_error error;
    int32_t code = trading_engine_forget(desk->engine, &request->id, &error);
    if (code != TRADING_OK)
        return code == TRADING_E_NOT_FOUND ? not_found(unknown(request), &error) : operation_failed(&error);
    json_t *object = new_object();
    put(object, "ok", json_true());
    put_text(object, "status", "forgotten");
    put_id(object, "account", TRADING_ENTITY_ACCOUNT, &request->id);
    return (struct outcome){object, EXIT_DONE};
}

bool operation_only_reads(const struct request *request)
{
    return request->op != OP_COMMAND && request->op != OP_CHECKPOINT && request->op != OP_ACTIVITY && request->op != OP_FORGET;
}

struct outcome operation_read(struct desk *desk, const struct request *request)
{
    switch (request->op) {
    case OP_VERIFY:
        return verify_with_ledgers(desk);
    case OP_INFO:
        return info(desk);
    case OP_CHECKPOINT:
        return checkpoint(desk);
    case OP_FORGET:
        return forget(desk, request);
    default:
        return view(desk, request);
    }
}
