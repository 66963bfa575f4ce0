/* What a checkpoint or a snapshot says of itself before its pages: format, byte order, the tables with the sizes and numbers of
 * their records, and a few bytes of its owner's. */
#ifndef STATE_SHAPE_H
#define STATE_SHAPE_H

#include "state/table.h"

#include <stddef.h>
#include <stdint.h>

#include <trading/error.h>

#define SHAPE_FORMAT     2u   /* the oldest that is read; its owner's, which tells of the pages too, may be newer */
#define SHAPE_META_BYTES 512u /* the most that the owner may add */
#define SHAPE_BYTES      1024u
#define SHAPE_SUM_BYTES  16u

struct shape {
    uint64_t format;
    uint32_t counts[TABLES_MAX];
    uint8_t meta[SHAPE_META_BYTES];
    uint32_t meta_size;
};

/* Bytes written to `bytes`, at most SHAPE_BYTES; 0 when meta is longer than SHAPE_META_BYTES. They end in their own checksum. */
size_t shape_write(const struct tables *tables, const struct pin *pin, uint32_t format, const void *meta, size_t meta_size,
                   uint8_t bytes[SHAPE_BYTES]);

/* Reads it, and compares it with the tables that are to be filled. `what` names it in messages, `newest` is its newest format. TRADING_E_DAMAGED,
 * TRADING_E_NEWER_FORMAT, or TRADING_E_UNSUPPORTED when it was made for other tables or by a machine of the other byte order. */
int32_t shape_read(const struct tables *tables, const uint8_t *bytes, size_t size, const char *what, uint32_t newest,
                   struct shape *shape, trading_error *error);

/* Says how many records each table has, once its pages were put. As tables_set_count. */
int32_t shape_apply(struct tables *tables, const struct shape *shape, trading_error *error);

#endif
