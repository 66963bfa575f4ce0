/* Numbers that another system wrote as binary floating point, read as the decimals that they are written as. */
#include "record.h"
#include "reference.h"

#include <stdlib.h>
#include <string.h>

#define DIGITS_MAX   64
#define EXPONENT_MAX 64

/* ---- numbers in JSON ---- */

static bool begins_number(char byte)
{
    return byte == '-' || (byte >= '0' && byte <= '9');
}

static bool goes_on_number(char byte)
{
    return begins_number(byte) || byte == '+' || byte == '.' || byte == 'e' || byte == 'E';
}

char *reference_quote_numbers(const char *json, size_t length)
{
    char *quoted = malloc(3 * length + 1); /* a number has at least a byte */
    char *at = quoted;
    bool in_string = false;
    if (!quoted)
        out_of_memory();
    for (size_t i = 0; i < length; i++) {
        if (!in_string && begins_number(json[i])) {
            *at++ = '"';
            while (i < length && goes_on_number(json[i]))
                *at++ = json[i++];
            *at++ = '"';
            i--;
            continue;
        }
        if (json[i] == '"')
            in_string = !in_string;
        if (in_string && json[i] == '\\' && i + 1 < length)
            *at++ = json[i++];
        *at++ = json[i];
    }
    *at = '\0';
    return quoted;
}

/* ---- one number ---- */

struct digits {
    char text[DIGITS_MAX + 1];
    size_t count;
    long point; /* how many of them stand before the point */
    bool negative;
};

static bool add_digits(struct digits *digits, const char **at)
{
    const char *start = *at;
    for (; **at >= '0' && **at <= '9'; ++*at) {
        if (digits->count == DIGITS_MAX)
            return false;
        digits->text[digits->count++] = **at;
    }
    return *at > start;
}

static bool read_exponent(struct digits *digits, const char *at)
{
    char *end;
    if (*at == '\0')
        return true;
    if (*at != 'e' && *at != 'E')
        return false;
    bool begins = at[1] == '-' || at[1] == '+' || (at[1] >= '0' && at[1] <= '9');
    long exponent = begins ? strtol(at + 1, &end, 10) : 0;
    if (!begins || end == at + 1 || *end != '\0' || exponent > EXPONENT_MAX || exponent < -EXPONENT_MAX)
        return false;
    digits->point += exponent;
    return true;
}

static bool read_digits(const char *text, struct digits *digits)
{
    const char *at = text;
    *digits = (struct digits){.negative = *at == '-'};
    at += digits->negative;
    if (!add_digits(digits, &at))
        return false;
    digits->point = (long)digits->count;
    if (*at == '.') {
        at++;
        if (!add_digits(digits, &at))
            return false;
    }
    return read_exponent(digits, at);
}

/* The digit before or behind the point; zeros go on for ever on both sides. */
static char digit_at(const struct digits *digits, long place)
{
    if (place >= 0 && place < (long)digits->count)
        return digits->text[place];
    return '0';
}

bool reference_plain_number(const char *text, char *plain, size_t bytes)
{
    struct digits digits;
    if (!read_digits(text, &digits) || bytes < DIGITS_MAX + 2 * EXPONENT_MAX + 4)
        return false;
    long first = 0; /* without zeros before it, but for one before the point */
    while (first < digits.point - 1 && digit_at(&digits, first) == '0')
        first++;
    long last = (long)digits.count;
    while (last > digits.point && digit_at(&digits, last - 1) == '0')
        last--;
    if (first > digits.point - 1)
        first = digits.point - 1;
    char *at = plain;
    if (digits.negative)
        *at++ = '-';
    for (long place = first; place < digits.point; place++)
        *at++ = digit_at(&digits, place);
    if (last > digits.point)
        *at++ = '.';
    for (long place = digits.point; place < last; place++)
        *at++ = digit_at(&digits, place);
    *at = '\0';
    return true;
}
