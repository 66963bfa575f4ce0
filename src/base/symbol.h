/* Symbols as bytes, and where their books are. */
#ifndef BASE_SYMBOL_H
#define BASE_SYMBOL_H

#include "base/bytes.h"

#include <trading/base.h>
#include <trading/id.h>

/* A varint length and the text. */
static inline void write_symbol(struct writer *writer, const trading_symbol *symbol)
{
    write_block(writer, symbol->text, (uint32_t)strnlen(symbol->text, sizeof symbol->text));
}

static inline void read_symbol(struct reader *reader, trading_symbol *symbol)
{
    uint32_t size;
    const uint8_t *text = read_block(reader, &size);
    if (!text || size == 0 || size >= sizeof symbol->text)
        reader->bad = true;
    else
        memcpy(symbol->text, text, size);
}

/* The symbol's 16-bit slot, as an account's is the first two bytes of its id. It is for ever:
 *
 *      the first two bytes, little endian, of SipHash-2-4("libtrading/id/v1", the text padded with zeros to 16 bytes) */
uint16_t symbol_slot(const trading_symbol *symbol);

#endif
