#include "base/text.h"
#include "base_test.h"

#include <string.h>

#include <trading/decimal.h>

struct bytes {
    const char *text;
    size_t length;
};

#define BYTES(literal)                                                                                                         \
    {                                                                                                                          \
        literal, sizeof(literal) - 1                                                                                           \
    }

static const struct bytes printable[] = {
    BYTES(""),
    BYTES("Ada Lovelace"),
    BYTES(" ~"),
    BYTES("\xc2\xa0"), /* U+00A0, the first after the controls */
    BYTES("\xc3\xa9\xe2\x82\xac"),
    BYTES("\xdf\xbf"),         /* U+07FF */
    BYTES("\xe0\xa0\x80"),     /* U+0800 */
    BYTES("\xed\x9f\xbf"),     /* U+D7FF, before the surrogates */
    BYTES("\xee\x80\x80"),     /* U+E000, after them */
    BYTES("\xef\xbf\xbf"),     /* U+FFFF */
    BYTES("\xf0\x90\x80\x80"), /* U+10000 */
    BYTES("\xf4\x8f\xbf\xbf"), /* U+10FFFF */
};

static const struct bytes controls[] = {
    BYTES("\x01"), BYTES("a\n"),      BYTES("\t"),       BYTES("\x1f"),
    BYTES("\x7f"), BYTES("\xc2\x80"), BYTES("\xc2\x9f"), BYTES("a\x1b[31mb"),
};

static const struct bytes malformed[] = {
    BYTES("\0"),
    BYTES("a\0b"),
    BYTES("\x80"), /* a continuation alone */
    BYTES("\xbf"),
    BYTES("\xbf\xbf"),
    BYTES("a\x80"),
    BYTES("\xc0\x80"), /* overlong: U+0000, U+007F, U+07FF, U+FFFF */
    BYTES("\xc1\xbf"),
    BYTES("\xe0\x80\x80"),
    BYTES("\xe0\x9f\xbf"),
    BYTES("\xf0\x80\x80\x80"),
    BYTES("\xf0\x8f\xbf\xbf"),
    BYTES("\xed\xa0\x80"), /* U+D800 to U+DFFF: surrogates */
    BYTES("\xed\xbf\xbf"),
    BYTES("\xf4\x90\x80\x80"), /* U+110000 */
    BYTES("\xf5\x80\x80\x80"),
    BYTES("\xf8\x88\x80\x80\x80"),
    BYTES("\xf9\x80\x80\x80"),
    BYTES("\xff"),
    BYTES("\xfe"),
    BYTES("\xc3"), /* cut off */
    BYTES("\xe2\x82"),
    BYTES("\xf0\x9f\x98"),
    BYTES("\xc3("), /* not continued */
    BYTES("\xe2(\xa1"),
    BYTES("\xe2\x82("),
    BYTES("\xf0\x9f\x98("),
    BYTES("\xc3\xc3"),
};

#define CHECK_ALL(texts, function, expected)                                                                                   \
    for (size_t i = 0; i < sizeof(texts) / sizeof *(texts); i++) {                                                             \
        if (function((texts)[i].text, (texts)[i].length) != (expected))                                                        \
            fail_msg("%s of %s, number %zu", #function, #texts, i);                                                            \
    }

static void text_is_told_from_other_bytes(void **state)
{
    (void)state;
    CHECK_ALL(printable, text_is_utf8, true)
    CHECK_ALL(printable, text_is_printable, true)
    CHECK_ALL(controls, text_is_utf8, true)
    CHECK_ALL(controls, text_is_printable, false)
    CHECK_ALL(malformed, text_is_utf8, false)
    CHECK_ALL(malformed, text_is_printable, false)
    assert_true(text_is_utf8(NULL, 0));
    assert_true(text_is_printable(NULL, 0));
    assert_true(text_is_utf8("\xc3\xa9\xff", 2));
    assert_false(text_is_utf8("a\xc3\xa9", 2));
}

static size_t encode(uint32_t character, char *text)
{
    if (character < 0x80) {
        text[0] = (char)character;
        return 1;
    }
    size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        text[i] = (char)(0x80 | (character & 0x3f));
        character >>= 6;
    }
    text[0] = (char)((0xf00 >> size) | character);
    return size;
}

static void every_character_is_judged(void **state)
{
    (void)state;
    for (uint32_t character = 0; character < 0x120000; character++) {
        char text[4];
        size_t size = encode(character, text);
        bool exists = character && character < 0x110000 && (character < 0xd800 || character > 0xdfff);
        bool control = character < 0x20 || (character >= 0x7f && character <= 0x9f);
        if (text_is_utf8(text, size) != exists || text_is_printable(text, size) != (exists && !control))
            fail_msg("U+%04X", character);
        for (size_t cut = 1; cut < size; cut++)
            assert_false(text_is_utf8(text, cut));
    }
}

static bool symbol(const char *text, size_t length)
{
    trading_symbol value = {{0}};
    memcpy(value.text, text, length);
    return symbol_is_valid(&value);
}

static void symbols_are_short_and_plain(void **state)
{
    (void)state;
    static const char *const good[] = {"A", "AAPL", "BRK.B", "BTC/USD", "ES-2013_06", "0", "ABCDEFGHIJKLMNO"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(symbol(good[i], strlen(good[i])));
    assert_false(symbol("", 0));
    assert_false(symbol("ABCDEFGHIJKLMNOP", 16)); /* no room for the NUL */
    assert_false(symbol("A\0B", 3));              /* not padded with NUL */
    assert_false(symbol("\0A", 2));
    assert_false(symbol("A\0\0\0\0\0\0\0\0\0\0\0\0\0\0B", 16));
    for (int character = 1; character < 256; character++) {
        const char text[] = {'A', (char)character};
        bool expected = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/", character) != NULL;
        assert_int_equal(symbol(text, 2), expected);
    }
}

static void currencies_are_those_of_the_table(void **state)
{
    (void)state;
    assert_true(currency_is_valid(&(trading_currency){"USD"}));
    assert_true(currency_is_valid(&(trading_currency){"JPY"}));
    assert_false(currency_is_valid(&(trading_currency){"XXX"}));
    assert_false(currency_is_valid(&(trading_currency){"usd"}));
    assert_false(currency_is_valid(&(trading_currency){{'U', 'S', 'D', 'T'}}));
    assert_false(currency_is_valid(&(trading_currency){""}));
}

int text_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_is_told_from_other_bytes),
        cmocka_unit_test(every_character_is_judged),
        cmocka_unit_test(symbols_are_short_and_plain),
        cmocka_unit_test(currencies_are_those_of_the_table),
    };
    return cmocka_run_group_tests_name("base: text", tests, NULL, NULL);
}
