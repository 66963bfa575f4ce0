#include "engine/overlay.h"

#include "base/hash.h"

#include <string.h>

int overlay_compare(const void *a, size_t a_size, const void *b, size_t b_size)
{
    size_t shorter = a_size < b_size ? a_size : b_size;
    int difference = shorter ? memcmp(a, b, shorter) : 0;
    return difference ? difference : (a_size > b_size) - (a_size < b_size);
}

static bool has_key(const struct overlay_row *row, const void *key, size_t key_size)
{
    return row && overlay_compare(row->key, row->key_size, key, key_size) == 0;
}

/* The first row at or after the key. `path`, unless NULL, receives the links that a row of this key hangs on, level by level. */
static struct overlay_row *search(struct overlay_row *const *links, const void *key, size_t key_size,
                                  struct overlay_row *const **path)
{
    for (uint32_t level = OVERLAY_HEIGHT; level-- > 0;) {
        while (links[level] && overlay_compare(links[level]->key, links[level]->key_size, key, key_size) < 0)
            links = links[level]->next;
        if (path)
            path[level] = links;
    }
    return links[0];
}

const struct overlay_row *overlay_seek(const struct overlay *overlay, const void *key, size_t key_size)
{
    return search(overlay->first, key, key_size, NULL);
}

const struct overlay_row *overlay_find(const struct overlay *overlay, const void *key, size_t key_size)
{
    const struct overlay_row *row = overlay_seek(overlay, key, key_size);
    return has_key(row, key, key_size) ? row : NULL;
}

/* ---- changing ---- */

static size_t row_bytes(const struct overlay_row *row)
{
    return sizeof *row + row->height * sizeof(void *) + row->key_size;
}

/* Each level holds a quarter of the rows of the one below. */
static uint32_t draw_height(struct overlay *overlay)
{
    uint64_t bits = hash_mix(++overlay->made);
    uint32_t height = 1;
    while (height < OVERLAY_HEIGHT && (bits & 3) == 0) {
        bits >>= 2;
        height++;
    }
    return height;
}

static struct overlay_row *make_row(struct overlay *overlay, const void *key, size_t key_size)
{
    struct overlay_row shape = {.key_size = (uint32_t)key_size, .height = draw_height(overlay)};
    struct overlay_row *row = memory_allocate(overlay->memory, row_bytes(&shape));
    if (!row)
        return NULL;
    *row = shape;
    uint8_t *copy = (uint8_t *)&row->next[row->height];
    if (key_size)
        memcpy(copy, key, key_size);
    row->key = copy;
    return row;
}

static struct overlay_row *insert(struct overlay *overlay, const void *key, size_t key_size)
{
    struct overlay_row *const *path[OVERLAY_HEIGHT];
    struct overlay_row *row = search(overlay->first, key, key_size, path);
    if (has_key(row, key, key_size))
        return row;
    row = make_row(overlay, key, key_size);
    if (!row)
        return NULL;
    row->removed = true; /* until it has a value */
    for (uint32_t level = 0; level < row->height; level++) {
        struct overlay_row **links = (struct overlay_row **)path[level];
        row->next[level] = links[level];
        links[level] = row;
    }
    return row;
}

static void drop_value(struct overlay *overlay, struct overlay_row *row)
{
    memory_release(overlay->memory, row->value, row->value_size);
    row->value = NULL;
    row->value_size = 0;
}

bool overlay_put(struct overlay *overlay, const void *key, size_t key_size, const void *value, size_t value_size)
{
    const struct overlay_row *old = overlay_find(overlay, key, key_size);
    uint8_t *copy = old && old->value_size == value_size ? old->value : NULL;
    bool fresh = value_size && !copy;
    if (fresh)
        copy = memory_allocate(overlay->memory, value_size);
    struct overlay_row *row = fresh && !copy ? NULL : insert(overlay, key, key_size);
    if (!row) {
        memory_release(overlay->memory, fresh ? copy : NULL, value_size);
        return false;
    }
    if (row->value != copy)
        drop_value(overlay, row);
    if (value_size)
        memcpy(copy, value, value_size);
    row->value = copy;
    row->value_size = value_size;
    row->removed = false;
    return true;
}

bool overlay_remove(struct overlay *overlay, const void *key, size_t key_size)
{
    struct overlay_row *row = insert(overlay, key, key_size);
    if (!row)
        return false;
    drop_value(overlay, row);
    row->removed = true;
    return true;
}

void overlay_clear(struct overlay *overlay)
{
    struct overlay_row *row = overlay->first[0];
    while (row) {
        struct overlay_row *next = row->next[0];
        drop_value(overlay, row);
        memory_release(overlay->memory, row, row_bytes(row));
        row = next;
    }
    memset(overlay->first, 0, sizeof overlay->first);
}
