#include "base/error.h"
#include "base/text.h"
#include "base_test.h"

#include <string.h>

static const struct {
    const char *name;
    int32_t code;
    uint32_t flags;
} codes[] = {
    {"OK", TRADING_OK, 0},
    {"INVALID", TRADING_E_INVALID, 0},
    {"NO_MEMORY", TRADING_E_NO_MEMORY, TRADING_ERROR_RETRYABLE},
    {"BUSY", TRADING_E_BUSY, TRADING_ERROR_RETRYABLE},
    {"TIMEOUT", TRADING_E_TIMEOUT, TRADING_ERROR_RETRYABLE},
    {"NOT_FOUND", TRADING_E_NOT_FOUND, 0},
    {"LOCKED", TRADING_E_LOCKED, TRADING_ERROR_RETRYABLE},
    {"READ_ONLY", TRADING_E_READ_ONLY, 0},
    {"NO_SPACE", TRADING_E_NO_SPACE, TRADING_ERROR_RETRYABLE},
    {"IO", TRADING_E_IO, 0},
    {"DAMAGED", TRADING_E_DAMAGED, 0},
    {"NEWER_FORMAT", TRADING_E_NEWER_FORMAT, 0},
    {"POSITION", TRADING_E_POSITION, 0},
    {"OUTCOME_UNKNOWN", TRADING_E_OUTCOME_UNKNOWN, TRADING_ERROR_RETRYABLE | TRADING_ERROR_OUTCOME_UNKNOWN},
    {"CLOSED", TRADING_E_CLOSED, TRADING_ERROR_FATAL},
    {"POISONED", TRADING_E_POISONED, TRADING_ERROR_FATAL},
    {"FORKED", TRADING_E_FORKED, TRADING_ERROR_FATAL},
    {"UNSUPPORTED", TRADING_E_UNSUPPORTED, 0},
    {"VIEW_EXPIRED", TRADING_E_VIEW_EXPIRED, TRADING_ERROR_RETRYABLE},
    {"SYNTAX", TRADING_E_SYNTAX, 0},
    {"OVERFLOW", TRADING_E_OVERFLOW, 0},
    {"ABI", TRADING_E_ABI, 0},
    {"STOPPED", TRADING_E_STOPPED, 0},
    {"FENCED", TRADING_E_FENCED, TRADING_ERROR_FATAL},
};
#define CODES (sizeof codes / sizeof *codes)

static void every_code_has_its_name_and_flags(void **state)
{
    (void)state;
    for (size_t i = 0; i < CODES; i++) {
        trading_error error;
        assert_int_equal(codes[i].code, i); /* none is left out */
        assert_string_equal(trading_error_name(codes[i].code), codes[i].name);
        assert_int_equal(error_set(&error, codes[i].code, "x"), codes[i].code);
        assert_int_equal(error.code, codes[i].code);
        assert_int_equal(error.flags, codes[i].flags);
    }
    assert_string_equal(trading_error_name((int32_t)CODES), "UNKNOWN");
    assert_string_equal(trading_error_name(-1), "UNKNOWN");
    assert_string_equal(trading_error_name(INT32_MAX), "UNKNOWN");
    assert_string_equal(trading_error_name(INT32_MIN), "UNKNOWN");
}

static void errors_say_what_failed(void **state)
{
    (void)state;
    trading_error error;
    memset(&error, 0xff, sizeof error);
    assert_int_equal(error_native(&error, TRADING_E_IO, 28, "writing %s at %d failed", "journal", 42), TRADING_E_IO);
    assert_string_equal(error.message, "writing journal at 42 failed");
    assert_true(error.native_code == 28);
    assert_int_equal(error_set(&error, TRADING_E_INVALID, "no"), TRADING_E_INVALID);
    assert_true(error.native_code == 0);
    assert_int_equal(error_no_memory(&error, "the queue"), TRADING_E_NO_MEMORY);
    assert_string_equal(error.message, "no memory for the queue");
    assert_int_equal(error_clear(&error), TRADING_OK);
    assert_int_equal(error.code, TRADING_OK);
    assert_string_equal(error.message, "");
    assert_int_equal(error_set(NULL, TRADING_E_BUSY, "no one asked"), TRADING_E_BUSY);
    assert_int_equal(error_native(NULL, TRADING_E_IO, 1, "no one asked"), TRADING_E_IO);
    assert_int_equal(error_no_memory(NULL, "nothing"), TRADING_E_NO_MEMORY);
    assert_int_equal(error_clear(NULL), TRADING_OK);
}

/* A message that is too long ends at a character, wherever in one the cut falls. */
static void long_messages_stay_text(void **state)
{
    (void)state;
    static const char *const characters[] = {"ee", "e\xc3\xa9", "e\xe2\x82\xac", "e\xf0\x9f\x98\x80"};
    for (size_t kind = 0; kind < 4; kind++) {
        for (size_t shift = 0; shift < 6; shift++) {
            char text[400] = "";
            memset(text, 'x', shift);
            for (size_t at = shift; at + 6 < sizeof text; at += strlen(characters[kind]))
                memcpy(text + at, characters[kind], strlen(characters[kind]));
            trading_error error;
            error_set(&error, TRADING_E_INVALID, "%s", text);
            size_t length = strlen(error.message);
            size_t most = sizeof error.message - 1;
            assert_in_range(length, kind ? most - kind - 1 : most, most);
            assert_true(text_is_utf8(error.message, length));
            assert_memory_equal(error.message, text, length);
        }
    }
    trading_error error;
    char text[sizeof error.message];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    error_set(&error, TRADING_E_INVALID, "%s", text);
    assert_string_equal(error.message, text); /* the longest that fits */
    text[sizeof text - 2] = '\0';
    error_set(&error, TRADING_E_INVALID, "%s\xc3\xa9", text); /* one byte more, and it would be half a character */
    assert_string_equal(error.message, text);
}

int error_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_name_and_flags),
        cmocka_unit_test(errors_say_what_failed),
        cmocka_unit_test(long_messages_stay_text),
    };
    return cmocka_run_group_tests_name("base: error", tests, NULL, NULL);
}
