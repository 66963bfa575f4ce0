/* Copying a store, from outside: what is refused, what an interrupted copy is, and what is on its way. What a split shows of the time before is
 * copy_kept_test.c's. */
#include "copy_house.h"
#include "fail.h"

/* ---- refusals ---- */

static void copies_are_refused(void)
{
    struct house house;
    trading_error error;
    house_open(&house);
    must_be(house_copy_into(&house, 3, &error), TRADING_E_INVALID, "a multiple", &error);
    must_be(house_copy_into(&house, 1, &error), TRADING_E_INVALID, "fewer are never needed", &error);
    must_be(house_copy_into(&house, 66, &error), TRADING_E_INVALID, "at most 64", &error);
    must_be(trading_store_copy(house.host, house.old->uri, house.old->uri, NULL, NULL, &error), TRADING_E_INVALID,
            "onto itself", &error);
    must(house_copy_into(&house, 0, &error), "copy", &error);
    must_be(house_copy_into(&house, 0, &error), TRADING_E_INVALID, "there is a store already", &error);
    house_close(&house);
}

/* ---- a store without its key of digests ---- */

/* One that nobody ever wrote has none, and its copy is as good as any; one that was written has lost it. */
static void a_copy_has_a_key_of_digests(void)
{
    static const trading_id key = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
    struct house house;
    trading_error error;
    house_open(&house);
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = AFTER;
    must(trading_store_copy(house.host, house.places[2].uri, house.new->uri, &options, NULL, &error), "copy", &error);
    house_start(&house, house.new, 0);
    house_open_account(&house, 0);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    place_clear(house.new);
    must(house.old->store.ops.secret_delete(house.old->store.inner, &key, &error), "lose the key", &error);
    must_be(house_copy_into(&house, AFTER, &error), TRADING_E_DAMAGED, "the key of its digests", &error);
    house_close(&house);
}

/* ---- interruptions ---- */

struct patience {
    int64_t left;
    int64_t total;
    int64_t done;
};

static int32_t lose_patience(void *context, int64_t done, int64_t total)
{
    struct patience *patience = context;
    if (done < patience->done || done > total || (patience->total && total != patience->total))
        fail("progress goes back, or beyond its end");
    patience->done = done;
    patience->total = total;
    return --patience->left < 0;
}

static int32_t copy_for_a_while(struct house *house, int64_t patience, trading_error *error)
{
    struct patience left = {.left = patience};
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    options.partitions = AFTER;
    options.progress = lose_patience;
    options.context = &left;
    int32_t code = house_copy_with(house, &options, error);
    if (!code && left.done != left.total)
        fail("%d events of %d are told of", (int)left.done, (int)left.total);
    return code;
}

static void check_unfinished(struct house *house)
{
    trading_error error;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    for (uint32_t flags = 0; flags <= TRADING_ENGINE_ONE_PARTITION; flags += flags + 1) {
        options.flags = flags;
        must_be(trading_engine_open(&house->engine, house->host, house->new->uri, &options, &error), TRADING_E_INVALID,
                "not finished", &error);
    }
    must_be(house_copy_into(house, 0, &error), TRADING_E_INVALID, "not finished", &error);
}

/* Wherever it is stopped, there is no copy, or one that nobody opens. */
static void a_copy_is_whole_or_refused(void)
{
    struct house house;
    trading_error error;
    int unfinished = 0;
    house_open(&house);
    int32_t code = TRADING_E_STOPPED;
    for (int64_t patience = 0; code; patience += patience < 700 ? 97 : 1) {
        code = copy_for_a_while(&house, patience, &error);
        if (code)
            must_be(code, TRADING_E_STOPPED, "stopped", &error);
        uint8_t value[32];
        bool marked = house.new->store.ops.secret_get(
                          house.new->store.inner,
                          &(trading_id){{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254}},
                          value, NULL) == TRADING_OK;
        unfinished += code && marked;
        if (code && marked)
            check_unfinished(&house);
        if (code && marked)
            place_clear(house.new);
    }
    if (!unfinished)
        fail("no copy was ever unfinished");
    house_start(&house, house.new, 0);
    house_verify(&house);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house_close(&house);
}

/* Somebody pays in while the store is copied. */
static int32_t write_meanwhile(void *context, int64_t done, int64_t total)
{
    struct house *house = context;
    if (done < total * 2 / 3 || house->engine)
        return 0;
    struct line line;
    house_start(house, house->old, 0);
    line_set(&line, TRADING_COMMAND_DEPOSIT, sizeof line.body.cash);
    line.command.account = house->crowd.accounts[0];
    line.body.cash.amount = ONE;
    house_accept(house, &line, "a deposit");
    return 0;
}

static void a_store_that_is_written_is_not_copied(void)
{
    struct house house;
    trading_error error;
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    house_open(&house);
    options.progress = write_meanwhile;
    options.context = &house;
    must_be(house_copy_with(&house, &options, &error), TRADING_E_POSITION, "while it was copied", &error);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    check_unfinished(&house);
    house_close(&house);
}

/* ---- what is on its way ---- */

static trading_decimal sum_of_balances(struct house *house, trading_decimal *pending)
{
    trading_error error;
    trading_view *view;
    trading_decimal sum = *pending = 0;
    must(trading_view_open(&view, house->engine, TRADING_VIEW_NOW, &error), "view", &error);
    for (int i = 0; i < ACCOUNTS; i++) {
        trading_account account = TRADING_ACCOUNT_INIT;
        must(trading_view_account(view, &house->crowd.accounts[i], &account, &error), "account", &error);
        sum += account.balance;
        *pending += account.pending;
    }
    trading_view_close(view);
    return sum;
}

static void only_what_has_settled_is_split(void)
{
    struct house house;
    trading_error error;
    trading_decimal pending;
    house_open(&house);
    house_start(&house, house.old, 0);
    trading_decimal before = sum_of_balances(&house, &pending);
    for (int i = 0; i < ACCOUNTS; i++) {
        struct line line;
        line_set(&line, TRADING_COMMAND_TRANSFER, sizeof line.body.transfer);
        line.command.account = house.crowd.accounts[i];
        line.body.transfer.to = house.crowd.accounts[(i + 1) % ACCOUNTS];
        line.body.transfer.amount = ONE;
        house_execute(&house, &line);
    }
    house_stop(&house, TRADING_CLOSE_ABANDON);
    must_be(house_copy_into(&house, AFTER, &error), TRADING_E_BUSY, "on its way", &error);
    must(house_copy_into(&house, BEFORE, &error), "copy", &error); /* the messages go along */
    house_start(&house, house.new, 0);
    house_settle(&house);
    if (sum_of_balances(&house, &pending) != before || pending)
        fail("money that was on its way was lost");
    house_stop(&house, TRADING_CLOSE_DRAIN);
    place_clear(house.new);
    house_start(&house, house.old, 0);
    house_settle(&house);
    house_stop(&house, TRADING_CLOSE_DRAIN);
    must(house_copy_into(&house, AFTER, &error), "copy", &error);
    house_start(&house, house.new, 0);
    if (sum_of_balances(&house, &pending) != before || pending)
        fail("money was lost with the splitting");
    house_stop(&house, TRADING_CLOSE_DRAIN);
    house_close(&house);
}

int main(void)
{
    copies_are_refused();
    a_copy_has_a_key_of_digests();
    a_copy_is_whole_or_refused();
    a_store_that_is_written_is_not_copied();
    only_what_has_settled_is_split();
    return 0;
}
