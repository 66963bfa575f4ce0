#include "base/columns.h"
#include "base_test.h"

#include <stdlib.h>
#include <string.h>

/* Buffers of their own, not a byte longer, so that what reads or writes past one is found. */
static void check(size_t count, size_t bytes, uint64_t *seed)
{
    size_t size = count * bytes;
    uint8_t *records = malloc(size);
    uint8_t *columns = malloc(size);
    uint8_t *again = malloc(size);
    for (size_t i = 0; i < size; i++)
        records[i] = (uint8_t)random_next(seed);
    columns_of_records(columns, records, count, bytes);
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < bytes; at++)
            if (columns[at * count + i] != records[i * bytes + at])
                fail_msg("byte %zu of record %zu of %zu, which have %zu, is not where it belongs", at, i, count, bytes);
    records_of_columns(again, columns, count, bytes);
    if (size && memcmp(again, records, size) != 0)
        fail_msg("%zu records of %zu bytes do not come back", count, bytes);
    free(records);
    free(columns);
    free(again);
}

static void records_become_columns_and_come_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 16, 24, 40, 64, 96, 120, 160, 248, 1016, 2032, 2040};
    uint64_t seed = 99;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t count = 0; count <= 50; count++)
            check(count, sizes[i], &seed);
        check((1 << 20) / sizes[i], sizes[i], &seed);
    }
}

int columns_suite(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records_become_columns_and_come_back)};
    return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
