/* What text from outside must satisfy before it is kept. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <trading/decimal.h>

/* Well-formed UTF-8 (Unicode 15, table 3-7: no overlong forms, no surrogates, nothing above U+10FFFF) without NUL. */
bool text_is_utf8(const char *text, size_t length);

/* The same without any control character: U+0001 to U+001F and U+007F to U+009F. */
bool text_is_printable(const char *text, size_t length);

/* 1 to 15 characters of A–Z, 0–9, '.', '-', '_', '/', and only NUL after them. */
bool symbol_is_valid(const trading_symbol *symbol);

/* A currency whose minor unit the library knows, NUL-padded. */
bool currency_is_valid(const trading_currency *currency);

/* What amounts of it that are paid in and out are multiples of; of one that is not known, 1. */
trading_decimal currency_minor_unit(const trading_currency *currency);

static inline bool currency_equal(const trading_currency *a, const trading_currency *b)
{
    return memcmp(a->text, b->text, sizeof a->text) == 0;
}

#endif
