#include "base_paper.h"
#include "base_test.h"

#include <stdio.h>
#include <string.h>

#include <trading/decimal.h>

#define RANDOM_CASES 100000
#define UNTOUCHED    INT64_C(-77)

struct reading {
    const char *text;
    int32_t status;
    trading_decimal value;
};

static const struct reading readings[] = {
    {"0", TRADING_OK, 0},
    {"-0", TRADING_OK, 0},
    {"+0.000000", TRADING_OK, 0},
    {"1", TRADING_OK, TRADING_DECIMAL_ONE},
    {"+1", TRADING_OK, TRADING_DECIMAL_ONE},
    {"-12", TRADING_OK, -12 * TRADING_DECIMAL_ONE},
    {"0.25", TRADING_OK, 250000},
    {"-0.000001", TRADING_OK, -1},
    {"1234.500000", TRADING_OK, 1234500000},
    {"0.1", TRADING_OK, 100000},
    {"0.010203", TRADING_OK, 10203},
    {"007", TRADING_OK, 7 * TRADING_DECIMAL_ONE},
    {"0000000000000000000000000000000000000000000001.5", TRADING_OK, 1500000},
    {"9223372036854", TRADING_OK, INT64_C(9223372036854000000)},
    {"9223372036854.775807", TRADING_OK, TRADING_DECIMAL_MAX},
    {"-9223372036854.775807", TRADING_OK, TRADING_DECIMAL_MIN},
    {"9223372036854.775808", TRADING_E_OVERFLOW, 0},
    {"-9223372036854.775808", TRADING_E_OVERFLOW, 0},
    {"9223372036854.999999", TRADING_E_OVERFLOW, 0},
    {"9223372036855", TRADING_E_OVERFLOW, 0},
    {"18446744073709", TRADING_E_OVERFLOW, 0},
    {"18446744073710.551617", TRADING_E_OVERFLOW, 0}, /* 1 when it wraps at 64 bits */
    {"100000000000000000", TRADING_E_OVERFLOW, 0},
    {"184467440737095516160", TRADING_E_OVERFLOW, 0}, /* 0 when its whole part wraps */
    {"-340282366920938463463374607431768211456", TRADING_E_OVERFLOW, 0},
    {"99999999999999999999999999999999999999999999999999.5", TRADING_E_OVERFLOW, 0},
    {"99999999999999999999x", TRADING_E_SYNTAX, 0}, /* not a number at all, however long */
    {"99999999999999999999.1234567", TRADING_E_SYNTAX, 0},
    {"", TRADING_E_SYNTAX, 0},
    {"+", TRADING_E_SYNTAX, 0},
    {"-", TRADING_E_SYNTAX, 0},
    {".", TRADING_E_SYNTAX, 0},
    {"-.", TRADING_E_SYNTAX, 0},
    {".5", TRADING_E_SYNTAX, 0},
    {"5.", TRADING_E_SYNTAX, 0},
    {"-5.", TRADING_E_SYNTAX, 0},
    {"1.2.3", TRADING_E_SYNTAX, 0},
    {"1..2", TRADING_E_SYNTAX, 0},
    {"--1", TRADING_E_SYNTAX, 0},
    {"+-1", TRADING_E_SYNTAX, 0},
    {"1-", TRADING_E_SYNTAX, 0},
    {"1.-5", TRADING_E_SYNTAX, 0},
    {"1.0000000", TRADING_E_SYNTAX, 0}, /* seven decimals, even of zero */
    {"1.1234567", TRADING_E_SYNTAX, 0},
    {" 1", TRADING_E_SYNTAX, 0},
    {"1 ", TRADING_E_SYNTAX, 0},
    {"1\n", TRADING_E_SYNTAX, 0},
    {"1,5", TRADING_E_SYNTAX, 0},
    {"1,000", TRADING_E_SYNTAX, 0},
    {"1_000", TRADING_E_SYNTAX, 0},
    {"1e3", TRADING_E_SYNTAX, 0},
    {"0x10", TRADING_E_SYNTAX, 0},
    {"NaN", TRADING_E_SYNTAX, 0},
    {"inf", TRADING_E_SYNTAX, 0},
    {"\xd9\xa1", TRADING_E_SYNTAX, 0}, /* an Arabic-Indic one */
    {"/", TRADING_E_SYNTAX, 0},        /* the characters beside 0 and 9 */
    {":", TRADING_E_SYNTAX, 0},
};

static void parse_follows_the_grammar(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof readings / sizeof *readings; i++) {
        const struct reading *reading = readings + i;
        trading_decimal value = UNTOUCHED;
        int32_t status = trading_decimal_parse(reading->text, strlen(reading->text), &value);
        trading_decimal expected = reading->status == TRADING_OK ? reading->value : UNTOUCHED;
        if (status != reading->status || value != expected)
            fail_msg("\"%s\" gave status %d and %lld", reading->text, status, (long long)value);
    }
}

static void parse_reads_no_further_than_its_length(void **state)
{
    (void)state;
    trading_decimal value = UNTOUCHED;
    assert_int_equal(trading_decimal_parse("12.345", 4, &value), TRADING_OK);
    assert_int_equal(value, 12300000);
    assert_int_equal(trading_decimal_parse("12.345", 3, &value), TRADING_E_SYNTAX);
    assert_int_equal(trading_decimal_parse("1\0", 2, &value), TRADING_E_SYNTAX);
    assert_int_equal(trading_decimal_parse("-1", 0, &value), TRADING_E_SYNTAX);
    assert_int_equal(trading_decimal_parse(NULL, 0, &value), TRADING_E_SYNTAX);
    assert_int_equal(trading_decimal_parse(NULL, 3, &value), TRADING_E_SYNTAX);
    assert_int_equal(value, 12300000);
    assert_int_equal(trading_decimal_parse("12.345", 2, &value), TRADING_OK);
    assert_int_equal(value, 12000000);
    assert_int_equal(trading_decimal_parse("12.345", 1, &value), TRADING_OK);
    assert_int_equal(value, 1000000);
}

struct writing {
    trading_decimal value;
    int32_t least_decimals;
    const char *text;
};

static const struct writing writings[] = {
    {0, 0, "0"},
    {0, 2, "0.00"},
    {0, 6, "0.000000"},
    {1, 0, "0.000001"},
    {-1, 2, "-0.000001"},
    {1500000, 0, "1.5"},
    {1500000, 1, "1.5"},
    {1500000, 2, "1.50"},
    {-1500000, 6, "-1.500000"},
    {1010000, 0, "1.01"},
    {TRADING_DECIMAL_ONE, 0, "1"},
    {10 * TRADING_DECIMAL_ONE, 0, "10"},
    {1234567890, 3, "1234.56789"},
    {TRADING_DECIMAL_MAX, 0, "9223372036854.775807"},
    {TRADING_DECIMAL_MIN, 6, "-9223372036854.775807"},
    {INT64_MIN, 0, "-9223372036854.775808"}, /* no decimal, but it must not break */
    {1500000, -5, "1.5"},
    {1000000, INT32_MIN, "1"},
    {1500000, 7, "1.500000"},
    {1500000, INT32_MAX, "1.500000"},
};

static void format_writes_exactly_what_is_needed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof writings / sizeof *writings; i++) {
        char buffer[TRADING_DECIMAL_TEXT];
        memset(buffer, 'x', sizeof buffer);
        size_t length = trading_decimal_format(writings[i].value, writings[i].least_decimals, buffer);
        assert_string_equal(buffer, writings[i].text);
        assert_int_equal(length, strlen(writings[i].text));
    }
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    uint64_t seed = 20130301;
    for (int i = 0; i < RANDOM_CASES; i++) {
        trading_decimal value = random_decimal(&seed);
        int32_t least = (int32_t)(random_next(&seed) % 7);
        char buffer[TRADING_DECIMAL_TEXT];
        char expected[TRADING_DECIMAL_TEXT + 8];
        size_t length = trading_decimal_format(value, least, buffer);
        trading_decimal back = UNTOUCHED;
        assert_int_equal(trading_decimal_parse(buffer, length, &back), TRADING_OK);
        assert_int_equal(back, value);

        unsigned long long magnitude = value < 0 ? -(unsigned long long)value : (unsigned long long)value;
        snprintf(expected, sizeof expected, "%s%llu.%06llu", value < 0 ? "-" : "", magnitude / 1000000, magnitude % 1000000);
        trading_decimal_format(value, 6, buffer);
        assert_string_equal(buffer, expected);
    }
}

static void check_multiply(int64_t a, int64_t b)
{
    trading_decimal result = UNTOUCHED;
    int64_t expected = UNTOUCHED;
    int fits = paper_share(a, b, TRADING_DECIMAL_ONE, &expected);
    int32_t status = trading_decimal_multiply(a, b, &result);
    if (status != (fits ? TRADING_OK : TRADING_E_OVERFLOW) || result != expected)
        fail_msg("%lld × %lld gave status %d and %lld, not %lld", (long long)a, (long long)b, status, (long long)result,
                 (long long)expected);
}

static void check_divide(int64_t a, int64_t b)
{
    trading_decimal result = UNTOUCHED;
    int64_t expected = UNTOUCHED;
    int32_t expected_status = TRADING_E_INVALID;
    if (b)
        expected_status = paper_share(a, TRADING_DECIMAL_ONE, b, &expected) ? TRADING_OK : TRADING_E_OVERFLOW;
    int32_t status = trading_decimal_divide(a, b, &result);
    if (status != expected_status || result != expected)
        fail_msg("%lld ÷ %lld gave status %d and %lld, not %lld", (long long)a, (long long)b, status, (long long)result,
                 (long long)expected);
}

static void products_and_quotients_agree_with_paper(void **state)
{
    (void)state;
    uint64_t seed = 4217;
    for (size_t i = 0; i < EDGES; i++) {
        for (size_t j = 0; j < EDGES; j++) {
            check_multiply(edges[i], edges[j]);
            check_divide(edges[i], edges[j]);
        }
    }
    for (int i = 0; i < RANDOM_CASES / 4; i++) {
        int64_t a = random_decimal(&seed);
        int64_t b = random_decimal(&seed);
        check_multiply(a, b);
        check_divide(a, b);
    }
}

static void halves_round_to_even(void **state)
{
    (void)state;
    static const struct {
        trading_decimal a, b, product;
    } halves[] = {
        {1, 500000, 0},   {3, 500000, 2},   {5, 500000, 2},   {7, 500000, 4},    {-1, 500000, 0},
        {-3, 500000, -2}, {-5, 500000, -2}, {-7, -500000, 4}, {1, 500001, 1},    {-1, 500001, -1},
        {1, 499999, 0},   {1, 1500000, 2},  {1, 2500000, 2},  {1, -2500000, -2}, {INT64_MAX, 1, INT64_C(9223372036855)},
    };
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        trading_decimal product = UNTOUCHED;
        assert_int_equal(trading_decimal_multiply(halves[i].a, halves[i].b, &product), TRADING_OK);
        assert_int_equal(product, halves[i].product);
    }
}

static void check_sum(int64_t a, int64_t b)
{
    trading_decimal sum = UNTOUCHED;
    trading_decimal difference = UNTOUCHED;
    int64_t exact = 0;
    int fits = !__builtin_add_overflow(a, b, &exact) && exact != INT64_MIN;
    assert_int_equal(trading_decimal_add(a, b, &sum), fits ? TRADING_OK : TRADING_E_OVERFLOW);
    assert_int_equal(sum, fits ? exact : UNTOUCHED);
    fits = !__builtin_sub_overflow(a, b, &exact) && exact != INT64_MIN;
    assert_int_equal(trading_decimal_subtract(a, b, &difference), fits ? TRADING_OK : TRADING_E_OVERFLOW);
    assert_int_equal(difference, fits ? exact : UNTOUCHED);
}

static void sums_are_exact_or_refused(void **state)
{
    (void)state;
    uint64_t seed = 54;
    for (size_t i = 0; i < EDGES; i++) {
        for (size_t j = 0; j < EDGES; j++)
            check_sum(edges[i], edges[j]);
    }
    for (int i = 0; i < RANDOM_CASES; i++) {
        int64_t a = (int64_t)random_next(&seed);
        int64_t b = (int64_t)random_next(&seed);
        check_sum(a, b);
    }
}

static int32_t decimals_of(const char *code)
{
    trading_currency currency = {{0}};
    memcpy(currency.text, code, strlen(code));
    return trading_currency_decimals(&currency);
}

static void currencies_have_their_minor_units(void **state)
{
    (void)state;
    assert_int_equal(decimals_of("USD"), 2);
    assert_int_equal(decimals_of("EUR"), 2);
    assert_int_equal(decimals_of("JPY"), 0);
    assert_int_equal(decimals_of("KRW"), 0);
    assert_int_equal(decimals_of("KWD"), 3);
    assert_int_equal(decimals_of("BHD"), 3);
    assert_int_equal(decimals_of("CLF"), 4);
    assert_int_equal(decimals_of("UYW"), 4);
    assert_int_equal(decimals_of("AED"), 2); /* the table's first */
    assert_int_equal(decimals_of("ZWG"), 2); /* and last */
    static const char *const unknown[] = {"", "A", "US", "AAA", "ZZZ", "usd", "XXX", "XTS", "XAU", "USDX", "US\xc4"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_int_equal(decimals_of(unknown[i]), -1);
}

/* Every code of three letters, so that an entry out of its order, which the search would miss, shows in the count. */
static void every_currency_is_found(void **state)
{
    (void)state;
    int with[7] = {0};
    for (int a = 'A'; a <= 'Z'; a++) {
        for (int b = 'A'; b <= 'Z'; b++) {
            for (int c = 'A'; c <= 'Z'; c++) {
                trading_currency currency = {{(char)a, (char)b, (char)c}};
                int32_t decimals = trading_currency_decimals(&currency);
                assert_in_range(decimals + 1, 0, 5);
                if (decimals >= 0)
                    with[decimals]++;
            }
        }
    }
    /* As many as the published list has: entries with a minor unit, once each. */
    assert_int_equal(with[0], 17);
    assert_int_equal(with[1], 0);
    assert_int_equal(with[2], 139);
    assert_int_equal(with[3], 7);
    assert_int_equal(with[4], 2);
}

int decimal_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse_follows_the_grammar),
        cmocka_unit_test(parse_reads_no_further_than_its_length),
        cmocka_unit_test(format_writes_exactly_what_is_needed),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(products_and_quotients_agree_with_paper),
        cmocka_unit_test(halves_round_to_even),
        cmocka_unit_test(sums_are_exact_or_refused),
        cmocka_unit_test(currencies_have_their_minor_units),
        cmocka_unit_test(every_currency_is_found),
    };
    return cmocka_run_group_tests_name("base: decimal", tests, NULL, NULL);
}
