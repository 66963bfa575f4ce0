#include "base/hash.h"
#include "base/sum.h"
#include "base/wide.h"
#include "base_paper.h"
#include "base_test.h"

#include <string.h>

#define RANDOM_CASES 25000
#define UNTOUCHED    INT64_C(-77)

static const __int128 greatest = (__int128)(~(unsigned __int128)0 >> 1);

static void check_share(int64_t total, int64_t part, int64_t whole)
{
    int64_t share = UNTOUCHED;
    int64_t expected = UNTOUCHED;
    bool fits = whole && paper_share(total, part, whole, &expected);
    if (decimal_share(total, part, whole, &share) != fits || share != expected)
        fail_msg("%lld × %lld ÷ %lld gave %lld, not %lld", (long long)total, (long long)part, (long long)whole,
                 (long long)share, (long long)expected);
}

static void shares_agree_with_paper(void **state)
{
    (void)state;
    uint64_t seed = 1040;
    for (size_t i = 0; i < EDGES; i++) {
        for (size_t j = 0; j < EDGES; j++) {
            for (size_t k = 0; k < EDGES; k += 3)
                check_share(edges[i], edges[j], edges[k]);
        }
    }
    for (int i = 0; i < RANDOM_CASES; i++) {
        int64_t total = random_decimal(&seed);
        int64_t part = random_decimal(&seed);
        int64_t whole = random_decimal(&seed);
        check_share(total, part, whole);
    }
}

/* What a lot's cost is divided by: the part is not more than the whole, so the share always fits. */
static void shares_of_a_part_fit(void **state)
{
    (void)state;
    uint64_t seed = 8949;
    for (int i = 0; i < RANDOM_CASES; i++) {
        int64_t total = random_decimal(&seed);
        int64_t whole = (int64_t)(random_next(&seed) >> 1) | 1;
        int64_t part = (int64_t)(random_next(&seed) % (uint64_t)whole);
        int64_t share = UNTOUCHED;
        int64_t expected = 0;
        assert_true(decimal_share(total, part, whole, &share));
        assert_true(paper_share(total, part, whole, &expected));
        assert_int_equal(share, expected);
    }
    int64_t share = UNTOUCHED;
    assert_true(decimal_share(TRADING_DECIMAL_MIN, TRADING_DECIMAL_MAX, TRADING_DECIMAL_MAX, &share));
    assert_int_equal(share, TRADING_DECIMAL_MIN);
}

static __int128 wide_from(const struct paper *paper)
{
    __int128 value = 0;
    for (int i = PAPER_DIGITS - 1; i >= 0; i--)
        value = value * 10 + paper->digit[i];
    return value;
}

/* Quotients that only 128 bits hold. */
static void wide_quotients_agree_with_paper(void **state)
{
    (void)state;
    uint64_t seed = 128;
    for (int i = 0; i < RANDOM_CASES; i++) {
        int64_t a = (int64_t)random_next(&seed);
        int64_t b = (int64_t)random_next(&seed);
        int64_t divisor = random_decimal(&seed) | 1;
        struct paper left = paper_from(a);
        struct paper right = paper_from(b);
        struct paper below = paper_from(divisor);
        struct paper product = paper_multiply(&left, &right);
        struct paper quotient = paper_divide(&product, &below);
        __int128 expected = wide_from(&quotient);
        if ((a < 0) ^ (b < 0) ^ (divisor < 0))
            expected = -expected;
        assert_true(wide_round(wide_product(a, b), divisor) == expected);
    }
}

static void narrowing_keeps_the_range_of_decimals(void **state)
{
    (void)state;
    static const int64_t inside[] = {0, 1, -1, INT64_MAX, TRADING_DECIMAL_MIN};
    for (size_t i = 0; i < sizeof inside / sizeof *inside; i++) {
        int64_t narrow = UNTOUCHED;
        assert_true(wide_narrow(inside[i], &narrow));
        assert_int_equal(narrow, inside[i]);
    }
    const __int128 outside[] = {INT64_MIN,    (__int128)INT64_MAX + 1, (__int128)INT64_MIN - 1, (__int128)1 << 64, greatest,
                                -greatest - 1};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        int64_t narrow = UNTOUCHED;
        assert_false(wide_narrow(outside[i], &narrow));
        assert_int_equal(narrow, UNTOUCHED);
    }
}

static void products_round_once_at_their_end(void **state)
{
    (void)state;
    /* Three fills of a third of a millionth each are one millionth, though each alone rounds to none. */
    __int128 sum = 0;
    trading_decimal result = UNTOUCHED;
    for (int i = 0; i < 3; i++)
        sum += wide_product(333334, 1);
    assert_true(wide_product_round(wide_product(333334, 1), &result));
    assert_int_equal(result, 0);
    assert_true(wide_product_round(sum, &result));
    assert_int_equal(result, 1);
    assert_true(wide_product_round(wide_product(INT64_MAX, TRADING_DECIMAL_ONE), &result));
    assert_int_equal(result, INT64_MAX);
    assert_false(wide_product_round(wide_product(INT64_MAX, TRADING_DECIMAL_ONE) + TRADING_DECIMAL_ONE / 2, &result));
    assert_false(wide_product_round(wide_product(INT64_MIN, INT64_MIN), &result));
}

static void check_format(__int128 count, int32_t least, const char *expected)
{
    char buffer[WIDE_TEXT];
    memset(buffer, 'x', sizeof buffer);
    assert_int_equal(wide_format(count, least, buffer), strlen(expected));
    assert_string_equal(buffer, expected);
}

static void totals_are_written_in_full(void **state)
{
    (void)state;
    const __int128 ten_18 = INT64_C(1000000000000000000);
    check_format(0, 2, "0.00");
    check_format(INT64_MIN, 0, "-9223372036854.775808");
    check_format((__int128)INT64_MAX + 1, 0, "9223372036854.775808");
    check_format(UINT64_MAX, 0, "18446744073709.551615");
    check_format((__int128)UINT64_MAX + 1, 0, "18446744073709.551616");
    check_format(-(__int128)UINT64_MAX - 1, 0, "-18446744073709.551616");
    check_format(100 * ten_18, 0, "100000000000000");
    check_format(100 * ten_18, 2, "100000000000000.00");
    /* The whole part beside and past what 64 bits hold, where it is written in pieces. */
    check_format((__int128)UINT64_MAX * 1000000, 0, "18446744073709551615");
    check_format(((__int128)UINT64_MAX + 1) * 1000000 + 10, 0, "18446744073709551616.00001");
    check_format(ten_18 * 1000000 * 100, 1, "100000000000000000000.0");
    check_format(ten_18 * 1000000 * 100 + 7000000, 0, "100000000000000000007");
    check_format(greatest, 0, "170141183460469231731687303715884.105727");
    check_format(-greatest - 1, 6, "-170141183460469231731687303715884.105728");
}

static void sums_keep_128_bits(void **state)
{
    (void)state;
    uint64_t seed = 256;
    struct wide_sum sum = {0};
    __int128 expected = 0;
    for (int i = 0; i < RANDOM_CASES; i++) {
        int64_t a = random_decimal(&seed);
        int64_t b = random_decimal(&seed);
        __int128 amount = wide_product(a, b) / RANDOM_CASES;
        expected += amount;
        wide_sum_add(&sum, amount);
        assert_true(wide_sum_get(&sum) == expected);
    }
    wide_sum_add(&sum, -expected);
    assert_true(sum.high == 0 && sum.low == 0);
    wide_sum_add(&sum, -1);
    assert_true(sum.high == -1 && sum.low == UINT64_MAX);
    wide_sum_add(&sum, greatest);
    assert_true(wide_sum_get(&sum) == greatest - 1);
}

static void sums_stay_decimals(void **state)
{
    (void)state;
    assert_true(sum_fits(TRADING_DECIMAL_MAX - 1, 1));
    assert_false(sum_fits(TRADING_DECIMAL_MAX, 1));
    assert_true(sum_fits(TRADING_DECIMAL_MIN + 1, -1));
    assert_false(sum_fits(TRADING_DECIMAL_MIN, -1));
    assert_false(sum_fits(TRADING_DECIMAL_MIN, TRADING_DECIMAL_MIN));
    assert_true(sum_fits(TRADING_DECIMAL_MIN, TRADING_DECIMAL_MAX));
    assert_int_equal(sum_saturating(5, 6), 11);
    assert_int_equal(sum_saturating(TRADING_DECIMAL_MAX - 1, 1), TRADING_DECIMAL_MAX);
    assert_int_equal(sum_saturating(TRADING_DECIMAL_MAX - 1, 2), TRADING_DECIMAL_MAX);
}

/* The first number of SplitMix64 from the seed 0, as published. */
static void mixing_is_that_of_splitmix(void **state)
{
    (void)state;
    assert_true(hash_mix(UINT64_C(0x9e3779b97f4a7c15)) == UINT64_C(0xe220a8397b1dcdaf));
}

int wide_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_agree_with_paper),
        cmocka_unit_test(shares_of_a_part_fit),
        cmocka_unit_test(wide_quotients_agree_with_paper),
        cmocka_unit_test(narrowing_keeps_the_range_of_decimals),
        cmocka_unit_test(products_round_once_at_their_end),
        cmocka_unit_test(totals_are_written_in_full),
        cmocka_unit_test(sums_keep_128_bits),
        cmocka_unit_test(sums_stay_decimals),
        cmocka_unit_test(mixing_is_that_of_splitmix),
    };
    return cmocka_run_group_tests_name("base: wide", tests, NULL, NULL);
}
