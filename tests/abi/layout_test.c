/*
 * The layout of the public structs is what layout.inc recorded, by the compiler's own word; and none has padding, so that two of
 * the same content are the same bytes. There is nothing to run: that it was compiled is the test.
 */
#pragma GCC diagnostic error "-Wpadded"
#include <trading.h>

#define STRUCT(name, bytes) _Static_assert(sizeof(name) == (bytes), "the size of " #name " changed");
#define FIELD(name, field, offset, bytes)                                                                                      \
    _Static_assert(offsetof(name, field) == (offset) && sizeof(((name *)0)->field) == (bytes),                                 \
                   #name "." #field " moved or changed its size");
#include "layout.inc"

int main(void)
{
    return 0;
}
