/* Personal data, and people who were forgotten. */
#include "view_test.h"

#include <stdlib.h>

struct people {
    struct desk desk;
    trading_view *view; /* of the latest */
    trading_error error;
};

static int set_up(void **state)
{
    struct people *people = calloc(1, sizeof *people);
    desk_open(&people->desk, NULL);
    people->view = view_at(&people->desk, TRADING_VIEW_LATEST);
    *state = people;
    return 0;
}

static int tear_down(void **state)
{
    struct people *people = *state;
    trading_view_close(people->view);
    desk_close(&people->desk);
    free(people);
    return 0;
}

static struct trader open_ada(struct people *people)
{
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    body.name = text_of("Ada's");
    body.profile_name = text_of("Ada");
    body.profile_surname = text_of("Lovelace");
    body.email = text_of("ada@example.com");
    body.phone_number = text_of("+44 1");
    body.street = text_of("St James's Square 12");
    body.postal_code = text_of("SW1Y");
    body.province = text_of("London");
    trading_result result = desk_run(&people->desk, TRADING_COMMAND_OPEN_ACCOUNT, &nobody, &body, sizeof body);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
    return (struct trader){result.account, result.portfolio};
}

static trading_profile profile_of(struct people *people, trading_view *view, const trading_id *account)
{
    trading_profile profile = {.size = sizeof profile};
    must(trading_view_profile(view, account, &profile, &people->error), &people->error);
    return profile;
}

static void update_contact(struct people *people, const trading_id *account, const char *email, const char *phone)
{
    trading_update_contact body = TRADING_UPDATE_CONTACT_INIT;
    body.email = text_of(email);
    body.phone_number = text_of(phone);
    trading_result result = desk_run(&people->desk, TRADING_COMMAND_UPDATE_CONTACT, account, &body, sizeof body);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
}

static void update_address(struct people *people, const trading_id *account, const char *street)
{
    trading_update_address body = TRADING_UPDATE_ADDRESS_INIT;
    body.street = text_of(street);
    body.postal_code = text_of("75001");
    trading_result result = desk_run(&people->desk, TRADING_COMMAND_UPDATE_ADDRESS, account, &body, sizeof body);
    assert_int_equal(result.status, TRADING_STATUS_ACCEPTED);
}

static void a_profile_is_what_the_account_was_opened_with(void **state)
{
    struct people *people = *state;
    struct trader ada = open_ada(people);
    trading_profile profile = profile_of(people, people->view, &ada.account);
    assert_int_equal(profile.forgotten, 0);
    assert_string_equal(profile.name, "Ada's");
    assert_string_equal(profile.profile_name, "Ada");
    assert_string_equal(profile.profile_surname, "Lovelace");
    assert_string_equal(profile.email, "ada@example.com");
    assert_string_equal(profile.phone_number, "+44 1");
    assert_string_equal(profile.street, "St James's Square 12");
    assert_string_equal(profile.postal_code, "SW1Y");
    assert_string_equal(profile.province, "London");
}

static void updates_replace_their_part(void **state)
{
    struct people *people = *state;
    struct trader ada = open_ada(people);
    trading_view *before = view_at(&people->desk, TRADING_VIEW_NOW);
    update_contact(people, &ada.account, "countess@example.com", "");
    trading_view *between = view_at(&people->desk, TRADING_VIEW_NOW);
    update_address(people, &ada.account, "Rue de Rivoli 1");

    trading_profile profile = profile_of(people, people->view, &ada.account);
    assert_string_equal(profile.profile_name, "Ada");
    assert_string_equal(profile.email, "countess@example.com");
    assert_string_equal(profile.phone_number, "");
    assert_string_equal(profile.street, "Rue de Rivoli 1");
    assert_string_equal(profile.postal_code, "75001");
    assert_string_equal(profile.province, "");
    profile = profile_of(people, between, &ada.account);
    assert_string_equal(profile.email, "countess@example.com");
    assert_string_equal(profile.street, "St James's Square 12");
    profile = profile_of(people, before, &ada.account);
    assert_string_equal(profile.email, "ada@example.com");
    trading_view_close(before);
    trading_view_close(between);
}

/* What was never told is empty, and nobody was forgotten. */
static void an_account_may_have_no_profile(void **state)
{
    struct people *people = *state;
    trading_open_account body = TRADING_OPEN_ACCOUNT_INIT;
    trading_result result = desk_run(&people->desk, TRADING_COMMAND_OPEN_ACCOUNT, &nobody, &body, sizeof body);
    trading_profile profile = profile_of(people, people->view, &result.account);
    assert_int_equal(profile.forgotten, 0);
    assert_string_equal(profile.name, "");
    update_contact(people, &result.account, "late@example.com", "");
    profile = profile_of(people, people->view, &result.account);
    assert_string_equal(profile.name, "");
    assert_string_equal(profile.email, "late@example.com");
}

static void check_name(struct people *people, trading_view *view, const trading_id *portfolio, const char *expected)
{
    char name[TRADING_NAME_BYTES + 1];
    must(trading_view_portfolio_name(view, portfolio, name, sizeof name, &people->error), &people->error);
    assert_string_equal(name, expected);
}

static void portfolios_have_names(void **state)
{
    struct people *people = *state;
    struct trader ada = open_ada(people);
    trading_open_portfolio body = TRADING_OPEN_PORTFOLIO_INIT;
    body.name = text_of("Engines");
    trading_result named = desk_run(&people->desk, TRADING_COMMAND_OPEN_PORTFOLIO, &ada.account, &body, sizeof body);
    body.name = text_of("");
    trading_result unnamed = desk_run(&people->desk, TRADING_COMMAND_OPEN_PORTFOLIO, &ada.account, &body, sizeof body);
    check_name(people, people->view, &ada.portfolio, "Ada's");
    check_name(people, people->view, &named.portfolio, "Engines");
    check_name(people, people->view, &unnamed.portfolio, "");
}

/* Without the key every view forgets, those of the past too. */
static void a_person_is_forgotten_with_the_key(void **state)
{
    struct people *people = *state;
    struct trader ada = open_ada(people);
    struct trader bob = desk_trader(&people->desk, "Bob", 0);
    update_contact(people, &ada.account, "countess@example.com", "");
    int64_t then = engine_durable(people->desk.engine);
    desk_cash(&people->desk, TRADING_COMMAND_DEPOSIT, &ada.account, UNITS(1));
    must(trading_engine_forget(people->desk.engine, &ada.account, &people->error), &people->error);

    trading_view *past = view_at(&people->desk, then);
    trading_view *views[] = {people->view, past};
    for (size_t i = 0; i < 2; i++) {
        trading_profile profile = profile_of(people, views[i], &ada.account);
        assert_int_equal(profile.forgotten, 1);
        trading_profile nothing = {.size = sizeof nothing, .forgotten = 1};
        assert_memory_equal(&profile, &nothing, sizeof profile);
        check_name(people, views[i], &ada.portfolio, "");
        profile = profile_of(people, views[i], &bob.account);
        assert_int_equal(profile.forgotten, 0);
        assert_string_equal(profile.name, "Bob");
    }
    trading_view_close(past);
}

/* Another key than the one that sealed is damage, not silence. */
static void a_wrong_key_is_damage(void **state)
{
    struct people *people = *state;
    struct trader ada = open_ada(people);
    trading_engine *engine = people->desk.engine;
    trading_store_secret other = {.name = ada.account, .value = {1, 2, 3}};
    must(engine->ops->secret_put(engine->store, &other, 1, &people->error), &people->error);
    trading_profile profile = {.size = sizeof profile};
    assert_int_equal(trading_view_profile(people->view, &ada.account, &profile, &people->error), TRADING_E_DAMAGED);
    assert_non_null(strstr(people->error.message, "secrets"));
    assert_string_equal(profile.name, "");
}

int view_profile_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_profile_is_what_the_account_was_opened_with, set_up, tear_down),
        cmocka_unit_test_setup_teardown(updates_replace_their_part, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_account_may_have_no_profile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(portfolios_have_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_person_is_forgotten_with_the_key, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wrong_key_is_damage, set_up, tear_down),
    };
    return cmocka_run_group_tests_name("profiles", tests, NULL, NULL);
}
