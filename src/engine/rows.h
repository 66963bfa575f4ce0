/* The rows of one projection in a state store, and the mark that says how far they go. Both change in one write. */
#ifndef ENGINE_ROWS_H
#define ENGINE_ROWS_H

#include "engine/overlay.h"
#include "journal/commit.h"
#include "state/store.h"

#define PROJECTION_NAME_BYTES 63u

/* Stored as u32, i64 and the digest, little endian. */
struct rows_mark {
    uint32_t version;
    int64_t position;                    /* of the next event */
    uint8_t digest[COMMIT_DIGEST_BYTES]; /* of the commit that holds the event before it; zero at position 0 */
};

struct rows {
    struct state_store store;
    uint8_t prefix[2 + PROJECTION_NAME_BYTES]; /* of the keys: space, length of the name, name */
    size_t prefix_size;
};

void rows_init(struct rows *rows, const struct state_store *store, const char *name);

/* TRADING_E_NOT_FOUND when there is none; TRADING_E_DAMAGED when it is none. */
int32_t rows_read_mark(const struct rows *rows, struct rows_mark *mark, trading_error *error);

/* Copies the value when it fits; else TRADING_E_OVERFLOW. `*value_size`: the room, then the value's size. TRADING_E_NOT_FOUND. */
int32_t rows_get(const struct rows *rows, const void *key, size_t key_size, void *value, size_t *value_size,
                 trading_error *error);

/* The key of the first row at or after `key`, in its place: TRADING_ROW_KEY_BYTES of room. TRADING_E_NOT_FOUND at the end. */
int32_t rows_seek(const struct rows *rows, uint8_t *key, size_t *key_size, trading_error *error);

/* Writes what was put and removed, and the mark. Whole or not at all. A power loss may take the newest commits, rows and mark
 * together: they are made again from the journal. */
int32_t rows_commit(const struct rows *rows, const struct overlay *overlay, const struct rows_mark *mark, trading_error *error);

/* Removes all rows and writes the mark. */
int32_t rows_reset(const struct rows *rows, const struct rows_mark *mark, trading_error *error);

/* Makes `to` what `from` is, while another process may write there. TRADING_E_NOT_FOUND when there is nothing, TRADING_E_BUSY when
 * it kept changing. */
int32_t rows_copy(const struct rows *to, const struct rows *from, struct memory *memory, trading_error *error);

#endif
