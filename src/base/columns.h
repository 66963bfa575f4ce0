/* Records as columns: byte 0 of all of them side by side, then byte 1, and so on. What is alike in records then stands together, and what is
 * not, such as their ids, apart from it; so it is packed in less time, and often into fewer bytes. */
#ifndef BASE_COLUMNS_H
#define BASE_COLUMNS_H

#include <stddef.h>
#include <stdint.h>

/* `count` records of `bytes` bytes, a multiple of 8. The two must not overlap. */
void columns_of_records(uint8_t *restrict columns, const uint8_t *restrict records, size_t count, size_t bytes);
void records_of_columns(uint8_t *restrict records, const uint8_t *restrict columns, size_t count, size_t bytes);

#endif
