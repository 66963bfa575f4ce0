#include "base/id.h"

#include "base/symbol.h"

#include <sodium.h>

#define DIGITS 26

/* Crockford's base 32. */
static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* The value of each digit plus one, so that 0 says that it is none. */
static const uint8_t values[256] = {
    ['0'] = 1,  ['O'] = 1,  ['o'] = 1,  ['1'] = 2,  ['I'] = 2,  ['i'] = 2,  ['L'] = 2,  ['l'] = 2,  ['2'] = 3,  ['3'] = 4,
    ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['A'] = 11, ['a'] = 11, ['B'] = 12, ['b'] = 12,
    ['C'] = 13, ['c'] = 13, ['D'] = 14, ['d'] = 14, ['E'] = 15, ['e'] = 15, ['F'] = 16, ['f'] = 16, ['G'] = 17, ['g'] = 17,
    ['H'] = 18, ['h'] = 18, ['J'] = 19, ['j'] = 19, ['K'] = 20, ['k'] = 20, ['M'] = 21, ['m'] = 21, ['N'] = 22, ['n'] = 22,
    ['P'] = 23, ['p'] = 23, ['Q'] = 24, ['q'] = 24, ['R'] = 25, ['r'] = 25, ['S'] = 26, ['s'] = 26, ['T'] = 27, ['t'] = 27,
    ['V'] = 28, ['v'] = 28, ['W'] = 29, ['w'] = 29, ['X'] = 30, ['x'] = 30, ['Y'] = 31, ['y'] = 31, ['Z'] = 32, ['z'] = 32,
};

/* NULL when the entity has no textual ids. */
static const char *prefix_of(int32_t entity)
{
    switch (entity) {
    case TRADING_ENTITY_ACCOUNT:
        return "A-";
    case TRADING_ENTITY_PORTFOLIO:
        return "P-";
    case TRADING_ENTITY_ORDER:
        return "ORD-";
    default:
        return NULL;
    }
}

static bool has_prefix(const char *text, const char *prefix)
{
    for (; *prefix; text++, prefix++) {
        bool lower = *text >= 'a' && *text <= 'z';
        if ((lower ? *text - 'a' + 'A' : *text) != *prefix)
            return false;
    }
    return true;
}

size_t trading_id_format(int32_t entity, const trading_id *id, char *buffer)
{
    const char *prefix = prefix_of(entity);
    if (!prefix)
        return 0;
    unsigned __int128 number = 0;
    for (size_t i = 0; i < sizeof id->bytes; i++)
        number = number << 8 | id->bytes[i];
    size_t start = strlen(prefix);
    memcpy(buffer, prefix, start);
    for (size_t i = DIGITS; i-- > 0; number >>= 5)
        buffer[start + i] = digits[number & 31];
    buffer[start + DIGITS] = '\0';
    return start + DIGITS;
}

int32_t trading_id_parse(int32_t entity, const char *text, size_t length, trading_id *id)
{
    const char *prefix = prefix_of(entity);
    if (!prefix || !text)
        return TRADING_E_SYNTAX;
    size_t start = strlen(prefix);
    if (length != start + DIGITS || !has_prefix(text, prefix))
        return TRADING_E_SYNTAX;
    unsigned __int128 number = 0;
    for (size_t i = 0; i < DIGITS; i++) {
        uint8_t value = values[(unsigned char)text[start + i]];
        bool overflows = i == 0 && value > 8; /* 26 digits are 130 bits */
        if (!value || overflows)
            return TRADING_E_SYNTAX;
        number = number << 5 | (uint8_t)(value - 1);
    }
    for (size_t i = sizeof id->bytes; i-- > 0; number >>= 8)
        id->bytes[i] = (uint8_t)number;
    return TRADING_OK;
}

int32_t trading_id_is_zero(const trading_id *id)
{
    return id_is_zero(id);
}

int32_t trading_key_from_text(const char *text, size_t length, trading_id *key)
{
    if (!text && length)
        return TRADING_E_INVALID;
    if (!length) {
        memset(key, 0, sizeof *key);
        return TRADING_OK;
    }
    crypto_generichash(key->bytes, sizeof key->bytes, (const unsigned char *)text, length, NULL, 0);
    return TRADING_OK;
}

/* The key of hashes that every reader of a journal must be able to take again. */
static const unsigned char published[] = {'l', 'i', 'b', 't', 'r', 'a', 'd', 'i', 'n', 'g', '/', 'i', 'd', '/', 'v', '1'};
_Static_assert(sizeof published == crypto_shorthash_siphashx24_KEYBYTES, "a SipHash key");
_Static_assert(sizeof published == crypto_shorthash_KEYBYTES, "of both lengths");

void id_derive(trading_id *out, int32_t entity, const trading_id *scope, const trading_id *key, uint32_t ordinal)
{
    struct {
        uint32_t entity;
        trading_id scope;
        trading_id key;
        uint32_t ordinal;
    } message = {htole32((uint32_t)entity), *scope, *key, htole32(ordinal)};
    _Static_assert(sizeof message == 40, "no padding is hashed");
    trading_id id;
    _Static_assert(sizeof id == crypto_shorthash_siphashx24_BYTES, "an id is a whole hash");
    crypto_shorthash_siphashx24(id.bytes, (const unsigned char *)&message, sizeof message, published);
    if (entity != TRADING_ENTITY_ACCOUNT)
        memcpy(id.bytes, scope->bytes, 2);
    if (id_is_zero(&id))
        id.bytes[15] = 1;
    *out = id;
}

uint16_t symbol_slot(const trading_symbol *symbol)
{
    uint8_t hash[crypto_shorthash_BYTES];
    crypto_shorthash(hash, (const unsigned char *)symbol->text, sizeof symbol->text, published);
    return (uint16_t)(hash[0] | hash[1] << 8);
}

int32_t trading_opened_ids(const trading_id *key, trading_id *account, trading_id *portfolio)
{
    if (!key || id_is_zero(key) || !account || !portfolio)
        return TRADING_E_INVALID;
    id_derive(account, TRADING_ENTITY_ACCOUNT, &(trading_id){{0}}, key, 0);
    id_derive(portfolio, TRADING_ENTITY_PORTFOLIO, account, key, 0);
    return TRADING_OK;
}
