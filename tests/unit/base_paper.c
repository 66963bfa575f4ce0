#include "base_paper.h"

#include <string.h>

#include <trading/decimal.h>

const int64_t edges[EDGES] = {
    0,
    1,
    -1,
    2,
    -2,
    3,
    5,
    -5,
    7,
    499999,
    500000,
    500001,
    -500000,
    999999,
    1000000,
    1000001,
    -1000000,
    1500000,
    2000000,
    2500000,
    3000000,
    -2500000,
    1000000000,
    INT32_MAX,
    INT32_MIN,
    INT64_C(3037000499976049),
    INT64_C(3037000499976050),
    INT64_MAX / 2,
    INT64_MAX / 2 + 1,
    INT64_MIN / 2,
    INT64_MAX - 1,
    INT64_MAX,
    TRADING_DECIMAL_MIN,
    TRADING_DECIMAL_MIN + 1,
    INT64_MIN,
};

struct paper paper_from(int64_t value)
{
    struct paper paper = {{0}};
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    for (int i = 0; magnitude; i++) {
        paper.digit[i] = (int)(magnitude % 10);
        magnitude /= 10;
    }
    return paper;
}

static int paper_compare(const struct paper *a, const struct paper *b)
{
    for (int i = PAPER_DIGITS - 1; i >= 0; i--) {
        if (a->digit[i] != b->digit[i])
            return a->digit[i] > b->digit[i] ? 1 : -1;
    }
    return 0;
}

static void paper_add(struct paper *a, const struct paper *b)
{
    int carry = 0;
    for (int i = 0; i < PAPER_DIGITS; i++) {
        int sum = a->digit[i] + b->digit[i] + carry;
        a->digit[i] = sum % 10;
        carry = sum / 10;
    }
}

static void paper_subtract(struct paper *a, const struct paper *b)
{
    int borrow = 0;
    for (int i = 0; i < PAPER_DIGITS; i++) {
        int rest = a->digit[i] - b->digit[i] - borrow;
        borrow = rest < 0;
        a->digit[i] = rest + 10 * borrow;
    }
}

struct paper paper_multiply(const struct paper *a, const struct paper *b)
{
    struct paper product = {{0}};
    for (int i = 0; i < PAPER_DIGITS / 2; i++) {
        int carry = 0;
        for (int j = 0; i + j < PAPER_DIGITS; j++) {
            int sum = product.digit[i + j] + a->digit[i] * b->digit[j] + carry;
            product.digit[i + j] = sum % 10;
            carry = sum / 10;
        }
    }
    return product;
}

struct paper paper_divide(const struct paper *numerator, const struct paper *divisor)
{
    struct paper quotient = {{0}};
    struct paper rest = {{0}};
    for (int i = PAPER_DIGITS - 1; i >= 0; i--) {
        memmove(rest.digit + 1, rest.digit, sizeof rest.digit - sizeof *rest.digit);
        rest.digit[0] = numerator->digit[i];
        for (; paper_compare(&rest, divisor) >= 0; quotient.digit[i]++)
            paper_subtract(&rest, divisor);
    }
    paper_add(&rest, &rest);
    int order = paper_compare(&rest, divisor);
    if (order > 0 || (order == 0 && quotient.digit[0] % 2)) {
        struct paper one = paper_from(1);
        paper_add(&quotient, &one);
    }
    return quotient;
}

bool paper_share(int64_t total, int64_t part, int64_t whole, int64_t *share)
{
    struct paper a = paper_from(total);
    struct paper b = paper_from(part);
    struct paper divisor = paper_from(whole);
    struct paper product = paper_multiply(&a, &b);
    struct paper quotient = paper_divide(&product, &divisor);
    struct paper most = paper_from(INT64_MAX);
    if (paper_compare(&quotient, &most) > 0)
        return false;
    int64_t value = 0;
    for (int i = 18; i >= 0; i--)
        value = value * 10 + quotient.digit[i];
    *share = (total < 0) ^ (part < 0) ^ (whole < 0) ? -value : value;
    return true;
}
