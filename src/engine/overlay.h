/* Rows that are put and removed and not committed yet, in order of their keys: a skip list. */
#ifndef ENGINE_OVERLAY_H
#define ENGINE_OVERLAY_H

#include "base/memory.h"

#include <stdbool.h>

#define OVERLAY_HEIGHT 16u

struct overlay_row {
    uint8_t *value; /* NULL when it is empty */
    size_t value_size;
    const uint8_t *key;
    uint32_t key_size;
    uint32_t height;
    bool removed;
    struct overlay_row *next[]; /* on each level; the key lies behind them */
};

struct overlay {
    struct memory *memory;
    uint64_t made; /* rows, ever: what their heights are drawn from */
    struct overlay_row *first[OVERLAY_HEIGHT];
};

/* A row takes the place of that with the same key. False when there is no memory; then nothing changed. */
bool overlay_put(struct overlay *overlay, const void *key, size_t key_size, const void *value, size_t value_size);
bool overlay_remove(struct overlay *overlay, const void *key, size_t key_size);

/* The first row at or after the key, removed ones too; NULL at the end. Valid until the overlay changes. */
const struct overlay_row *overlay_seek(const struct overlay *overlay, const void *key, size_t key_size);

/* That with the very key, or NULL. */
const struct overlay_row *overlay_find(const struct overlay *overlay, const void *key, size_t key_size);

void overlay_clear(struct overlay *overlay);

/* Keys are compared as bytes, as the state store does. */
int overlay_compare(const void *a, size_t a_size, const void *b, size_t b_size);

#endif
