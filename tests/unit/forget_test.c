/* People who are forgotten while an engine runs: what is shown of them then, what may be done with their accounts, beside commands that are
 * under way, in stores that fail, and after the process was killed. */
#include "../contract/faulty_store.h"
#include "backends/memory/memory_store.h"
#include "desk.h"
#include "engine/engine.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static int set_up_memory(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    desk_open_memory(desk);
    *state = desk;
    return 0;
}

static int set_up_folder(void **state)
{
    struct desk *desk = calloc(1, sizeof *desk);
    desk_open_folder(desk);
    *state = desk;
    return 0;
}

static int tear_down(void **state)
{
    desk_close(*state);
    free(*state);
    return 0;
}

/* ---- commands ---- */

static trading_text text_of(const char *text)
{
    return (trading_text){text, strlen(text)};
}

/* Whatever comes of it. */
static trading_result execute(struct desk *desk, int32_t type, const trading_id *account, const char *key, const void *body,
                              size_t size)
{
    trading_error error;
    trading_result result;
    trading_command command = {.type = type, .body = body, .body_size = size};
    if (account)
        command.account = *account;
    if (key)
        trading_key_from_text(key, strlen(key), &command.key);
    int32_t code = trading_engine_execute(desk->engine, &command, 1, &result, &error);
    if (code)
        fprintf(stderr, "%s\n", error.message);
    MUST(code == TRADING_OK || code == TRADING_E_OUTCOME_UNKNOWN);
    return result;
}

/* An account without a name is one without anything personal. */
static trading_result open_account(struct desk *desk, const char *name, const char *key)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.deposit = 1000 * TRADING_DECIMAL_ONE;
    body.name = body.email = body.street = text_of(name);
    return execute(desk, TRADING_COMMAND_OPEN_ACCOUNT, NULL, key, &body, sizeof body);
}

static trading_result open_portfolio(struct desk *desk, const trading_id *account, const char *name)
{
    trading_open_portfolio body = TRADING_OPEN_PORTFOLIO_INIT;
    body.name = text_of(name);
    return execute(desk, TRADING_COMMAND_OPEN_PORTFOLIO, account, NULL, &body, sizeof body);
}

static trading_result update_contact(struct desk *desk, const trading_id *account, const char *email, const char *key)
{
    trading_update_contact body = TRADING_UPDATE_CONTACT_INIT;
    body.email = text_of(email);
    return execute(desk, TRADING_COMMAND_UPDATE_CONTACT, account, key, &body, sizeof body);
}

static trading_result update_address(struct desk *desk, const trading_id *account, const char *street)
{
    trading_update_address body = TRADING_UPDATE_ADDRESS_INIT;
    body.street = text_of(street);
    return execute(desk, TRADING_COMMAND_UPDATE_ADDRESS, account, NULL, &body, sizeof body);
}

static void forget(struct desk *desk, const trading_id *account)
{
    trading_error error = {.code = -1};
    int32_t code = trading_engine_forget(desk->engine, account, &error);
    if (code)
        fprintf(stderr, "%s\n", error.message);
    MUST(code == TRADING_OK && error.code == TRADING_OK);
}

static void check_refused(trading_result result)
{
    MUST(result.status == TRADING_STATUS_REJECTED);
    MUST(result.reason == TRADING_REASON_FORGOTTEN);
}

/* ---- what is shown ---- */

static trading_view *view_at(struct desk *desk, int64_t at)
{
    trading_view *view;
    MUST(trading_view_open(&view, desk->engine, at, NULL) == TRADING_OK);
    return view;
}

static trading_profile profile_in(trading_view *view, const trading_id *account)
{
    trading_error error;
    trading_profile profile = TRADING_PROFILE_INIT;
    int32_t code = trading_view_profile(view, account, &profile, &error);
    if (code)
        fprintf(stderr, "%s\n", error.message);
    MUST(code == TRADING_OK);
    return profile;
}

static trading_profile profile_of(struct desk *desk, const trading_id *account)
{
    trading_view *view = view_at(desk, TRADING_VIEW_LATEST);
    trading_profile profile = profile_in(view, account);
    trading_view_close(view);
    return profile;
}

static void check_forgotten_in(trading_view *view, const trading_id *account)
{
    trading_profile nothing = {.size = sizeof nothing, .forgotten = 1};
    trading_profile profile = profile_in(view, account);
    MUST(memcmp(&profile, &nothing, sizeof profile) == 0);
}

static void check_forgotten(struct desk *desk, const trading_id *account)
{
    trading_view *view = view_at(desk, TRADING_VIEW_LATEST);
    check_forgotten_in(view, account);
    trading_view_close(view);
}

static void check_email(struct desk *desk, const trading_id *account, const char *email)
{
    trading_profile profile = profile_of(desk, account);
    MUST(!profile.forgotten && strcmp(profile.email, email) == 0);
}

static void check_name(trading_view *view, const trading_id *portfolio, const char *expected)
{
    char name[TRADING_NAME_BYTES + 1];
    MUST(trading_view_portfolio_name(view, portfolio, name, sizeof name, NULL) == TRADING_OK);
    MUST(strcmp(name, expected) == 0);
}

static void check_sound(struct desk *desk)
{
    trading_verification found = TRADING_VERIFICATION_INIT;
    MUST(trading_engine_verify(desk->engine, &found, NULL, NULL, NULL) == TRADING_OK);
    if (!found.sound)
        fprintf(stderr, "%s\n", found.finding);
    MUST(found.sound);
}

/* Stops the engine and opens the store again, where it was not in memory. */
static void reopen(struct desk *desk)
{
    if (!desk->folder[0])
        return;
    desk_stop(desk);
    desk_start(desk, 0);
}

/* ---- other processes ---- */

/* Memory that a child shares with its parent. */
static void *share(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED);
    return memory;
}

/* In a child, whose parent's host is of no use to it. */
static void open_alone(struct desk *desk, const char *uri, uint32_t flags)
{
    *desk = (struct desk){.folder = ""};
    snprintf(desk->uri, sizeof desk->uri, "%s", uri);
    MUST(trading_host_open(&desk->host, NULL, NULL) == TRADING_OK);
    desk_start(desk, flags);
}

/* ---- what it does ---- */

/* Neither in views of what is, nor of what was, nor in one that was open before. */
static void nothing_personal_is_shown_any_more(void **state)
{
    struct desk *desk = *state;
    trading_result ada = open_account(desk, "Ada", NULL);
    trading_result bob = open_account(desk, "Bob", NULL);
    trading_result named = open_portfolio(desk, &ada.account, "Engines");
    update_contact(desk, &ada.account, "ada@example.org", NULL);
    trading_view *before = view_at(desk, TRADING_VIEW_NOW);
    int64_t then = trading_view_position(before);
    desk_cash(desk, TRADING_COMMAND_DEPOSIT, &ada.account, TRADING_DECIMAL_ONE);
    forget(desk, &ada.account);

    trading_view *past = view_at(desk, then);
    trading_view *latest = view_at(desk, TRADING_VIEW_LATEST);
    trading_view *views[] = {before, past, latest};
    for (size_t i = 0; i < sizeof views / sizeof views[0]; i++) {
        check_forgotten_in(views[i], &ada.account);
        check_name(views[i], &ada.portfolio, "");
        check_name(views[i], &named.portfolio, "");
        MUST(strcmp(profile_in(views[i], &bob.account).email, "Bob") == 0);
        trading_view_close(views[i]);
    }
    reopen(desk);
    check_forgotten(desk, &ada.account);
    check_email(desk, &bob.account, "Bob");
    check_sound(desk);
    MUST(desk_balance(desk, &ada.account) == 1001 * TRADING_DECIMAL_ONE);
}

static void check_nothing_new_is_taken(struct desk *desk, const trading_id *account)
{
    check_refused(update_contact(desk, account, "again@example.org", NULL));
    check_refused(update_contact(desk, account, "", NULL));
    check_refused(update_address(desk, account, "again"));
    check_refused(open_portfolio(desk, account, "again"));
}

static void nothing_personal_is_taken_any_more(void **state)
{
    struct desk *desk = *state;
    trading_result ada = open_account(desk, "Ada", "ada");
    trading_result known = update_contact(desk, &ada.account, "ada@example.org", "contact");
    forget(desk, &ada.account);
    check_nothing_new_is_taken(desk, &ada.account);
    reopen(desk);
    check_nothing_new_is_taken(desk, &ada.account);
    forget(desk, &ada.account);
    check_nothing_new_is_taken(desk, &ada.account);
    /* What comes again is known again. */
    trading_result again = update_contact(desk, &ada.account, "ada@example.org", "contact");
    MUST(again.status == TRADING_STATUS_DUPLICATE && again.position == known.position);
    MUST(open_account(desk, "Ada", "ada").status == TRADING_STATUS_DUPLICATE);
    check_forgotten(desk, &ada.account);
}

static void all_else_goes_on(void **state)
{
    struct desk *desk = *state;
    trading_result ada = open_account(desk, "Ada", NULL);
    struct client client = {ada.account, ada.portfolio};
    forget(desk, &ada.account);
    desk_quote(desk, "GOOG", 10 * TRADING_DECIMAL_ONE, 11 * TRADING_DECIMAL_ONE);
    desk_order(desk, &client, "GOOG", TRADING_SIDE_BUY, 2, 0);
    desk_order(desk, &client, "GOOG", TRADING_SIDE_SELL, 2, 0);
    MUST(open_portfolio(desk, &ada.account, "").status == TRADING_STATUS_ACCEPTED);
    desk_cash(desk, TRADING_COMMAND_WITHDRAW, &ada.account, 8 * TRADING_DECIMAL_ONE);
    MUST(desk_balance(desk, &ada.account) == 990 * TRADING_DECIMAL_ONE);
    check_sound(desk);
}

/* The law asks for no other order of things than who is to be forgotten does. */
static void whatever_the_account_s_status(void **state)
{
    struct desk *desk = *state;
    trading_result frozen = open_account(desk, "Ada", NULL);
    trading_result closed = open_account(desk, "Bob", NULL);
    trading_close_portfolio body = TRADING_CLOSE_PORTFOLIO_INIT;
    body.portfolio = closed.portfolio;
    desk_execute(desk, TRADING_COMMAND_FREEZE_ACCOUNT, &frozen.account, NULL, 0);
    desk_cash(desk, TRADING_COMMAND_WITHDRAW, &closed.account, 1000 * TRADING_DECIMAL_ONE);
    desk_execute(desk, TRADING_COMMAND_CLOSE_PORTFOLIO, &closed.account, &body, sizeof body);
    desk_execute(desk, TRADING_COMMAND_CLOSE_ACCOUNT, &closed.account, NULL, 0);
    forget(desk, &frozen.account);
    forget(desk, &closed.account);
    check_forgotten(desk, &frozen.account);
    check_forgotten(desk, &closed.account);
}

/* There is nothing to be forgotten, and so there may be something later. */
static void who_was_never_named_may_be_named_later(void **state)
{
    struct desk *desk = *state;
    trading_result ada = open_account(desk, "", NULL);
    forget(desk, &ada.account);
    check_email(desk, &ada.account, "");
    MUST(update_contact(desk, &ada.account, "ada@example.org", NULL).status == TRADING_STATUS_ACCEPTED);
    check_email(desk, &ada.account, "ada@example.org");
    forget(desk, &ada.account);
    check_forgotten(desk, &ada.account);
    check_nothing_new_is_taken(desk, &ada.account);
}

static void the_name_of_a_portfolio_alone_is_personal_too(void **state)
{
    struct desk *desk = *state;
    trading_result ada = open_account(desk, "", NULL);
    trading_result first = open_portfolio(desk, &ada.account, "");
    trading_result named = open_portfolio(desk, &ada.account, "Ada's engines");
    MUST(!profile_of(desk, &ada.account).forgotten);
    forget(desk, &ada.account);
    check_forgotten(desk, &ada.account);
    check_nothing_new_is_taken(desk, &ada.account);
    trading_view *view = view_at(desk, TRADING_VIEW_LATEST);
    check_name(view, &first.portfolio, "");
    check_name(view, &named.portfolio, "");
    trading_view_close(view);
}

static void what_cannot_be_forgotten_is_told(void **state)
{
    struct desk *desk = *state;
    trading_error error;
    trading_result ada = open_account(desk, "Ada", NULL);
    trading_id nobody = ada.account;
    nobody.bytes[15] ^= 1;
    MUST(trading_engine_forget(NULL, &ada.account, &error) == TRADING_E_INVALID);
    MUST(trading_engine_forget(desk->engine, NULL, &error) == TRADING_E_INVALID && strstr(error.message, "account"));
    MUST(trading_engine_forget(desk->engine, &nobody, &error) == TRADING_E_NOT_FOUND && strstr(error.message, "account"));
    MUST(trading_engine_forget(desk->engine, &ada.portfolio, NULL) == TRADING_E_NOT_FOUND);
    check_email(desk, &ada.account, "Ada");
}

/* ---- beside a command that is under way ---- */

/* A store that fails by a plan, before one of whose calls somebody is forgotten. */
struct scene {
    struct desk desk;
    struct faulty_plan plan;
    _Atomic bool armed;
    enum faulty_call call;
    trading_id account;
    int32_t code;
};

static void forget_meanwhile(void *arg, enum faulty_call call, uint64_t nth)
{
    struct scene *scene = arg;
    (void)nth;
    if (call == scene->call && atomic_exchange(&scene->armed, false))
        scene->code = trading_engine_forget(scene->desk.engine, &scene->account, NULL);
}

static int set_up_scene(void **state, const trading_store_ops *ops, uint32_t flags)
{
    struct scene *scene = calloc(1, sizeof *scene);
    char location[FAULTY_LOCATION];
    desk_open_memory(&scene->desk);
    desk_stop(&scene->desk);
    faulty_plan_init(&scene->plan, &memory_store_ops, "");
    scene->plan.before = forget_meanwhile;
    scene->plan.arg = scene;
    MUST(trading_store_register(scene->desk.host, "faulty", ops, NULL) == TRADING_OK);
    snprintf(scene->desk.uri, sizeof scene->desk.uri, "faulty:%s", faulty_location(&scene->plan, location));
    desk_start(&scene->desk, flags);
    *state = scene;
    return 0;
}

static int set_up_threads(void **state)
{
    return set_up_scene(state, &faulty_store_ops, 0);
}

static int set_up_manual(void **state)
{
    return set_up_scene(state, &faulty_store_ops, TRADING_ENGINE_MANUAL);
}

static int set_up_polled(void **state)
{
    return set_up_scene(state, &faulty_polled_store_ops, TRADING_ENGINE_MANUAL);
}

static int tear_down_scene(void **state)
{
    struct scene *scene = *state;
    atomic_store(&scene->armed, false);
    desk_close(&scene->desk);
    free(scene);
    return 0;
}

/* The account is forgotten before the next call of that kind. */
static void arm(struct scene *scene, enum faulty_call call, const trading_id *account)
{
    scene->call = call;
    scene->account = *account;
    scene->code = -1;
    atomic_store(&scene->armed, true);
}

/* It was. */
static void check_met(struct scene *scene, int32_t code)
{
    MUST(!atomic_load(&scene->armed) && scene->code == code);
}

/* Its text is sealed under the key that is destroyed before it is durable. */
static void what_was_sealed_is_forgotten_with_the_rest(void **state)
{
    struct scene *scene = *state;
    trading_result ada = open_account(&scene->desk, "Ada", NULL);
    arm(scene, FAULTY_APPEND, &ada.account);
    MUST(update_contact(&scene->desk, &ada.account, "late@example.org", NULL).status == TRADING_STATUS_ACCEPTED);
    check_met(scene, TRADING_OK);
    check_forgotten(&scene->desk, &ada.account);
    check_nothing_new_is_taken(&scene->desk, &ada.account);
    check_sound(&scene->desk);
}

static void what_is_not_yet_sealed_is_refused(void **state)
{
    struct scene *scene = *state;
    trading_result ada = open_account(&scene->desk, "Ada", NULL);
    arm(scene, FAULTY_SECRET_GET, &ada.account);
    check_refused(update_contact(&scene->desk, &ada.account, "late@example.org", NULL));
    check_met(scene, TRADING_OK);
    check_forgotten(&scene->desk, &ada.account);
}

/* That an account gets which is opened with the key: the same everywhere. */
static trading_id id_by(const char *key)
{
    struct desk elsewhere;
    desk_open_memory(&elsewhere);
    trading_id account = open_account(&elsewhere, "Ada", key).account;
    desk_close(&elsewhere);
    return account;
}

/* Nobody was told of it yet, and nothing that comes of it is taken for done. */
static void an_account_that_is_being_opened_is_not_there(void **state)
{
    static const enum faulty_call calls[] = {FAULTY_SECRET_PUT, FAULTY_APPEND};
    struct scene *scene = *state;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        char key[] = {'a', (char)('0' + i), '\0'};
        trading_id ada = id_by(key);
        arm(scene, calls[i], &ada);
        MUST(open_account(&scene->desk, "Ada", key).status == TRADING_STATUS_ACCEPTED);
        check_met(scene, TRADING_E_NOT_FOUND);
        check_email(&scene->desk, &ada, "Ada");
        forget(&scene->desk, &ada);
        check_forgotten(&scene->desk, &ada);
    }
}

/* An account's first key is made by the command that brings its first text: before it is put there is nothing to be forgotten, and
 * afterwards there is. */
static void a_first_key_is_either_not_there_or_destroyed(void **state)
{
    struct scene *scene = *state;
    trading_result ada = open_account(&scene->desk, "", NULL);
    trading_result bob = open_account(&scene->desk, "", NULL);
    arm(scene, FAULTY_SECRET_PUT, &ada.account);
    MUST(update_contact(&scene->desk, &ada.account, "ada@example.org", NULL).status == TRADING_STATUS_ACCEPTED);
    check_met(scene, TRADING_OK);
    check_email(&scene->desk, &ada.account, "ada@example.org");
    arm(scene, FAULTY_APPEND, &bob.account);
    MUST(update_contact(&scene->desk, &bob.account, "bob@example.org", NULL).status == TRADING_STATUS_ACCEPTED);
    check_met(scene, TRADING_OK);
    check_forgotten(&scene->desk, &bob.account);
    check_nothing_new_is_taken(&scene->desk, &bob.account);
}

/* ---- over a store that fails ---- */

static void plan_next(struct scene *scene, enum faulty_call call, enum fault fault, int32_t code)
{
    MUST(faulty_plan_add(&scene->plan, call, atomic_load(&scene->plan.calls[call]), fault, code));
}

static void a_store_that_fails_says_so(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = &scene->desk;
    trading_error error;
    trading_result ada = open_account(desk, "Ada", NULL);
    plan_next(scene, FAULTY_SECRET_DELETE, FAULT_REFUSED, TRADING_E_IO);
    MUST(trading_engine_forget(desk->engine, &ada.account, &error) == TRADING_E_IO && strstr(error.message, "the script"));
    check_email(desk, &ada.account, "Ada");
    plan_next(scene, FAULTY_SECRET_DELETE, FAULT_UNKNOWN_LOST, 0);
    MUST(trading_engine_forget(desk->engine, &ada.account, &error) == TRADING_E_OUTCOME_UNKNOWN);
    MUST(error.flags & TRADING_ERROR_OUTCOME_UNKNOWN);
    check_email(desk, &ada.account, "Ada");
    MUST(update_contact(desk, &ada.account, "still@example.org", NULL).status == TRADING_STATUS_ACCEPTED);
    plan_next(scene, FAULTY_SECRET_DELETE, FAULT_UNKNOWN_DONE, 0);
    MUST(trading_engine_forget(desk->engine, &ada.account, &error) == TRADING_E_OUTCOME_UNKNOWN);
    check_forgotten(desk, &ada.account);
    forget(desk, &ada.account);
    check_nothing_new_is_taken(desk, &ada.account);
}

/* Its opening is in the journal, which nobody could look into, and so nobody is told that there is no such account. */
static void an_account_that_is_perhaps_there_is_not_taken_for_forgotten(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = &scene->desk;
    trading_error error;
    trading_id ada = id_by("ada");
    plan_next(scene, FAULTY_APPEND, FAULT_UNKNOWN_DONE, 0);
    plan_next(scene, FAULTY_READ, FAULT_REFUSED, TRADING_E_IO);
    MUST(open_account(desk, "Ada", "ada").status == TRADING_STATUS_UNKNOWN);
    MUST(trading_engine_forget(desk->engine, &ada, &error) == TRADING_E_OUTCOME_UNKNOWN && strstr(error.message, "call again"));
    plan_next(scene, FAULTY_HEAD, FAULT_REFUSED, TRADING_E_IO);
    MUST(trading_engine_forget(desk->engine, &ada, &error) == TRADING_E_OUTCOME_UNKNOWN);
    MUST(open_account(desk, "Ada", "ada").status == TRADING_STATUS_DUPLICATE);
    check_email(desk, &ada, "Ada");
    forget(desk, &ada);
    check_forgotten(desk, &ada);
    ada.bytes[15] ^= 1;
    MUST(trading_engine_forget(desk->engine, &ada, NULL) == TRADING_E_NOT_FOUND);
}

/* A batch has the key of one account at a time here. */
static void check_wiped(const struct batch *batch)
{
    static const trading_store_secret nothing;
    MUST(batch->secret_count == 0);
    MUST(!batch->secrets || memcmp(batch->secrets, &nothing, sizeof nothing) == 0);
}

static void check_all_wiped(struct desk *desk)
{
    for (size_t batch = 0; batch < ENGINE_BATCHES; batch++)
        check_wiped(&desk->engine->batches[batch]);
}

/* The commit is in the journal after all, and its keys are in the store, and nowhere else any more. */
static void keys_are_wiped_when_nobody_knows_of_their_commit(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = &scene->desk;
    plan_next(scene, FAULTY_APPEND, FAULT_UNKNOWN_DONE, 0);
    trading_result ada = open_account(desk, "Ada", NULL);
    MUST(ada.status == TRADING_STATUS_ACCEPTED);
    check_all_wiped(desk);
    check_email(desk, &ada.account, "Ada");
    forget(desk, &ada.account);
    check_forgotten(desk, &ada.account);
}

/* What comes after the opening in one commit cannot be sealed, so that nothing of the commit is. */
static void keys_are_wiped_when_their_commit_cannot_be_decided(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = &scene->desk;
    trading_result results[2];
    trading_open_account opening = TRADING_OPEN_ACCOUNT_INIT;
    trading_update_contact contact = TRADING_UPDATE_CONTACT_INIT;
    trading_id bob = open_account(desk, "Bob", NULL).account;
    opening.name = contact.email = text_of("Ada");
    const trading_command commands[] = {
        {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &opening, .body_size = sizeof opening},
        {.type = TRADING_COMMAND_UPDATE_CONTACT, .account = bob, .body = &contact, .body_size = sizeof contact}};
    plan_next(scene, FAULTY_SECRET_GET, FAULT_REFUSED, TRADING_E_IO);
    MUST(trading_engine_execute(desk->engine, commands, 2, results, NULL) == TRADING_E_IO);
    check_all_wiped(desk);
}

static uint64_t count_keys(struct desk *desk)
{
    uint64_t keys = 0;
    for (size_t batch = 0; batch < ENGINE_BATCHES; batch++)
        keys += desk->engine->batches[batch].secret_count;
    return keys;
}

/* Once the journal is read again, what is decided anew makes keys of its own. */
static void check_wiped_before_a_read(void *arg, enum faulty_call call, uint64_t nth)
{
    struct scene *scene = arg;
    (void)nth;
    if (call == FAULTY_READ && atomic_exchange(&scene->armed, false))
        check_all_wiped(&scene->desk);
}

static void keys_are_wiped_behind_a_commit_that_failed(void **state)
{
    struct scene *scene = *state;
    struct desk *desk = &scene->desk;
    trading_result results[2];
    trading_completion completions[2];
    size_t taken;
    trading_open_account opening = TRADING_OPEN_ACCOUNT_INIT;
    opening.name = text_of("Ada");
    const trading_command command = {.type = TRADING_COMMAND_OPEN_ACCOUNT, .body = &opening, .body_size = sizeof opening};
    scene->plan.late = UINT32_MAX;
    scene->plan.before = check_wiped_before_a_read;
    plan_next(scene, FAULTY_APPEND, FAULT_REFUSED, TRADING_E_IO);
    for (uint64_t i = 0; i < 2; i++) {
        MUST(trading_engine_submit(desk->engine, &command, 1, &results[i], i, NULL) == TRADING_OK);
        MUST(trading_engine_step(desk->engine, 1, NULL, NULL) == TRADING_OK);
    }
    MUST(count_keys(desk) == 2);
    atomic_store(&scene->armed, true);
    desk_client(desk, 1);
    MUST(!atomic_load(&scene->armed));
    MUST(trading_engine_poll(desk->engine, completions, 2, &taken, -1, NULL) == TRADING_OK && taken == 2);
    MUST(completions[0].error.code == TRADING_E_IO && results[1].status == TRADING_STATUS_ACCEPTED);
    check_all_wiped(desk);
}

/* ---- of several partitions, beside threads ---- */

enum { PARTITIONS = 4, PEOPLE = 12 };

static void start_parts(struct desk *desk, uint32_t flags, uint32_t partitions)
{
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = flags;
    options.partitions = partitions;
    MUST(trading_engine_open(&desk->engine, desk->host, desk->uri, &options, NULL) == TRADING_OK);
}

static void each_partition_has_its_own(void **state)
{
    struct desk *desk = *state;
    struct desk parts = *desk;
    trading_result people[PEOPLE];
    uint32_t seen = 0;
    if (desk->folder[0]) {
        desk_stop(desk);
        snprintf(parts.uri, sizeof parts.uri, "lmdb:%s/parts", desk->folder);
    }
    start_parts(&parts, 0, PARTITIONS);
    for (size_t i = 0; i < PEOPLE; i++) {
        uint32_t partition;
        people[i] = open_account(&parts, "Ada", NULL);
        MUST(!trading_engine_partition_of(parts.engine, TRADING_ENTITY_ACCOUNT, &people[i].account, &partition, NULL));
        seen |= 1u << partition;
    }
    MUST(seen == (1u << PARTITIONS) - 1);
    for (size_t i = 0; i < PEOPLE; i += 2)
        forget(&parts, &people[i].account);
    for (size_t i = 0; i < PEOPLE; i++) {
        if (i % 2)
            check_email(&parts, &people[i].account, "Ada");
        else
            check_forgotten(&parts, &people[i].account);
    }
    trading_id nobody = {{0}};
    MUST(trading_engine_forget(parts.engine, &nobody, NULL) == TRADING_E_NOT_FOUND);
    check_sound(&parts);
    desk_stop(&parts);
    if (desk->folder[0])
        desk_start(desk, 0);
}

/* It is there perhaps, and so it is not said that nobody knows it. */
static void another_s_partition_is_told_from_nobody(void **state)
{
    struct desk *desk = *state;
    struct desk part = *desk;
    trading_error error;
    uint32_t partition = 0;
    start_parts(&part, TRADING_ENGINE_ONE_PARTITION, PARTITIONS);
    trading_result ada = open_account(&part, "Ada", NULL);
    trading_id other = ada.account;
    while (partition == 0) {
        other.bytes[0]++;
        MUST(!trading_engine_partition_of(part.engine, TRADING_ENTITY_ACCOUNT, &other, &partition, NULL));
    }
    MUST(trading_engine_forget(part.engine, &other, &error) == TRADING_E_INVALID && strstr(error.message, "partition"));
    forget(&part, &ada.account);
    check_forgotten(&part, &ada.account);
    check_refused(update_contact(&part, &ada.account, "again", NULL));
    desk_stop(&part);
}

struct teller {
    struct desk *desk;
    trading_id account;
    _Atomic uint32_t told; /* how often it was accepted */
    _Atomic bool forgotten;
};

/* Says where somebody is reached until that is refused, and looks, too. */
static void *tell_until_refused(void *arg)
{
    struct teller *teller = arg;
    trading_result result = update_contact(teller->desk, &teller->account, "here", NULL);
    while (result.status == TRADING_STATUS_ACCEPTED) {
        atomic_fetch_add(&teller->told, 1);
        trading_profile profile = profile_of(teller->desk, &teller->account);
        MUST(profile.forgotten ? !profile.email[0] : !strcmp(profile.email, "here"));
        bool forgotten = atomic_load(&teller->forgotten);
        result = update_contact(teller->desk, &teller->account, "here", NULL);
        MUST(!forgotten || result.status == TRADING_STATUS_REJECTED);
    }
    check_refused(result);
    return NULL;
}

static void who_is_forgotten_beside_commands_stays_so(void **state)
{
    struct desk *desk = *state;
    struct desk parts = *desk;
    struct teller tellers[PEOPLE];
    pthread_t threads[PEOPLE];
    if (desk->folder[0]) {
        desk_stop(desk);
        snprintf(parts.uri, sizeof parts.uri, "lmdb:%s/parts", desk->folder);
    }
    start_parts(&parts, 0, PARTITIONS);
    for (size_t i = 0; i < PEOPLE; i++) {
        tellers[i] = (struct teller){.desk = &parts, .account = open_account(&parts, "Ada", NULL).account};
        MUST(pthread_create(&threads[i], NULL, tell_until_refused, &tellers[i]) == 0);
    }
    for (int i = 0; i < 200; i++) { /* who is nobody is so beside commands, too */
        trading_id nobody = {{(uint8_t)i, 77}};
        MUST(trading_engine_forget(parts.engine, &nobody, NULL) == TRADING_E_NOT_FOUND);
    }
    for (size_t i = 0; i < PEOPLE; i++) {
        while (!atomic_load(&tellers[i].told))
            usleep(100);
        forget(&parts, &tellers[i].account);
        atomic_store(&tellers[i].forgotten, true);
        check_forgotten(&parts, &tellers[i].account);
    }
    for (size_t i = 0; i < PEOPLE; i++) {
        MUST(pthread_join(threads[i], NULL) == 0);
        check_forgotten(&parts, &tellers[i].account);
    }
    check_sound(&parts);
    desk_stop(&parts);
    if (desk->folder[0])
        desk_start(desk, 0);
}

/* ---- beside another process ---- */

/* What a reader's process and the writer's tell each other, in memory that they share. */
struct beside {
    trading_id account;
    _Atomic bool seen;
    _Atomic bool forgotten;
};

static void await(const _Atomic bool *flag)
{
    while (!atomic_load(flag))
        usleep(50);
}

__attribute__((noreturn)) static void look_on(const char *uri, struct beside *beside)
{
    struct desk desk;
    trading_error error;
    open_alone(&desk, uri, TRADING_ENGINE_READ_ONLY);
    MUST(trading_engine_forget(desk.engine, &beside->account, &error) == TRADING_E_READ_ONLY);
    MUST(strstr(error.message, "forgets nobody") != NULL);
    check_email(&desk, &beside->account, "Ada");
    atomic_store(&beside->seen, true);
    await(&beside->forgotten);
    check_forgotten(&desk, &beside->account);
    desk_close(&desk);
    _exit(0);
}

static void who_only_reads_forgets_nobody_and_sees_who_was(void **state)
{
    struct desk *desk = *state;
    struct beside *beside = share(sizeof *beside);
    int status = -1;
    beside->account = open_account(desk, "Ada", NULL).account;
    pid_t child = fork();
    MUST(child >= 0);
    if (!child)
        look_on(desk->uri, beside);
    await(&beside->seen);
    forget(desk, &beside->account);
    atomic_store(&beside->forgotten, true);
    MUST(waitpid(child, &status, 0) == child && status == 0);
    munmap(beside, sizeof *beside);
}

/* ---- killed ---- */

/* What the process that is killed has told before, in memory that it shares. */
struct told {
    trading_id accounts[PEOPLE];
    _Atomic uint32_t opened;
    _Atomic uint32_t forgotten;
};

__attribute__((noreturn)) static void forget_all(const char *uri, struct told *told)
{
    struct desk desk;
    open_alone(&desk, uri, 0);
    for (uint32_t i = 0; i < PEOPLE; i++)
        told->accounts[i] = open_account(&desk, "Ada", NULL).account;
    atomic_store(&told->opened, PEOPLE);
    for (uint32_t i = 0; i < PEOPLE; i++) {
        forget(&desk, &told->accounts[i]);
        atomic_store(&told->forgotten, i + 1);
    }
    pause();
    abort();
}

static void kill_after(const char *uri, struct told *told, uint32_t forgotten)
{
    pid_t child = fork();
    MUST(child >= 0);
    if (!child)
        forget_all(uri, told);
    while (atomic_load(&told->opened) < PEOPLE || atomic_load(&told->forgotten) < forgotten)
        usleep(50);
    MUST(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
}

/* Who was forgotten when it was told stays so; and the others are there, but for the one that was just being forgotten. */
static void who_was_forgotten_stays_so_when_the_process_is_killed(void **state)
{
    struct desk *desk = *state;
    desk_stop(desk);
    struct told *told = share(sizeof *told);
    for (uint32_t turn = 0; turn <= PEOPLE; turn += 3) {
        memset(told, 0, sizeof *told);
        kill_after(desk->uri, told, turn);
        desk_start(desk, 0);
        uint32_t forgotten = atomic_load(&told->forgotten);
        for (uint32_t i = 0; i < PEOPLE; i++) {
            if (i < forgotten)
                check_forgotten(desk, &told->accounts[i]);
            else if (i > forgotten)
                check_email(desk, &told->accounts[i], "Ada");
            forget(desk, &told->accounts[i]);
            check_forgotten(desk, &told->accounts[i]);
        }
        check_sound(desk);
        desk_stop(desk);
    }
    munmap(told, sizeof *told);
    desk_start(desk, 0);
}

#define ON_BOTH(test)                                                                                                          \
    cmocka_unit_test_setup_teardown(test, set_up_memory, tear_down),                                                           \
        cmocka_unit_test_setup_teardown(test, set_up_folder, tear_down)
#define IN_BOTH(test)                                                                                                          \
    cmocka_unit_test_setup_teardown(test, set_up_threads, tear_down_scene),                                                    \
        cmocka_unit_test_setup_teardown(test, set_up_manual, tear_down_scene)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(nothing_personal_is_shown_any_more),
        ON_BOTH(nothing_personal_is_taken_any_more),
        ON_BOTH(all_else_goes_on),
        ON_BOTH(whatever_the_account_s_status),
        ON_BOTH(who_was_never_named_may_be_named_later),
        ON_BOTH(the_name_of_a_portfolio_alone_is_personal_too),
        ON_BOTH(what_cannot_be_forgotten_is_told),
        cmocka_unit_test_setup_teardown(who_only_reads_forgets_nobody_and_sees_who_was, set_up_folder, tear_down),
        IN_BOTH(what_was_sealed_is_forgotten_with_the_rest),
        IN_BOTH(what_is_not_yet_sealed_is_refused),
        IN_BOTH(an_account_that_is_being_opened_is_not_there),
        IN_BOTH(a_first_key_is_either_not_there_or_destroyed),
        IN_BOTH(a_store_that_fails_says_so),
        IN_BOTH(an_account_that_is_perhaps_there_is_not_taken_for_forgotten),
        IN_BOTH(keys_are_wiped_when_nobody_knows_of_their_commit),
        IN_BOTH(keys_are_wiped_when_their_commit_cannot_be_decided),
        cmocka_unit_test_setup_teardown(keys_are_wiped_behind_a_commit_that_failed, set_up_polled, tear_down_scene),
        ON_BOTH(each_partition_has_its_own),
        cmocka_unit_test_setup_teardown(another_s_partition_is_told_from_nobody, set_up_memory, tear_down),
        ON_BOTH(who_is_forgotten_beside_commands_stays_so),
        cmocka_unit_test_setup_teardown(who_was_forgotten_stays_so_when_the_process_is_killed, set_up_folder, tear_down),
    };
    return cmocka_run_group_tests_name("forgetting", tests, NULL, NULL);
}
