#include "base/text.h"

#include <stdint.h>
#include <string.h>

/* The character at `at`, and the bytes that it takes, of `left` that there are; 0 when they are not well-formed. */
static size_t decode(const unsigned char *at, size_t left, uint32_t *character)
{
    static const uint32_t least[] = {[2] = 0x80, [3] = 0x800, [4] = 0x10000};
    unsigned first = at[0];
    if (first < 0x80) {
        *character = first;
        return 1;
    }
    size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc0 || first > 0xf4 || size > left)
        return 0;
    uint32_t value = first & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
        value = value << 6 | (at[i] & 0x3fu);
    }
    bool surrogate = value >= 0xd800 && value <= 0xdfff;
    if (value < least[size] || value > 0x10ffff || surrogate)
        return 0;
    *character = value;
    return size;
}

static bool is_control(uint32_t character)
{
    return character < 0x20 || (character >= 0x7f && character < 0xa0);
}

static bool is_text(const char *text, size_t length, bool controls)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t character;
    for (size_t at = 0, size; at < length; at += size) {
        size = decode(bytes + at, length - at, &character);
        if (!size || !character || (!controls && is_control(character)))
            return false;
    }
    return true;
}

bool text_is_utf8(const char *text, size_t length)
{
    return is_text(text, length, true);
}

bool text_is_printable(const char *text, size_t length)
{
    return is_text(text, length, false);
}

/* Characters of symbols. */
static const bool of_symbols[256] = {
    ['A' ... 'Z'] = true, ['0' ... '9'] = true, ['.'] = true, ['-'] = true, ['_'] = true, ['/'] = true,
};

bool symbol_is_valid(const trading_symbol *symbol)
{
    const size_t size = sizeof symbol->text;
    size_t length = 0;
    while (length < size && of_symbols[(unsigned char)symbol->text[length]])
        length++;
    size_t end = length;
    while (end < size && !symbol->text[end])
        end++;
    return length > 0 && length < size && end == size;
}
