/* The sum that the image of a page ends with, and its proof when the page is first touched. */
#include "base/checksum.h"
#include "state/table_inside.h"

#include <endian.h>
#include <sodium.h>

uint64_t page_sum(uint32_t id, uint32_t page, const void *bytes)
{
    return checksum(bytes, TABLE_IMAGE_BYTES, hash_mix((uint64_t)id << 32 | page));
}

/* What checkpoints of format 2 have. */
__attribute__((cold)) static uint64_t former_page_sum(uint32_t id, uint32_t page, const void *bytes)
{
    uint32_t place[4] = {htole32(TABLE_PAGE_BYTES), htole32(id), htole32(page), htole32(TABLE_IMAGE_BYTES)};
    _Static_assert(sizeof place == crypto_shorthash_KEYBYTES, "a key of SipHash");
    uint64_t sum;
    _Static_assert(sizeof sum == crypto_shorthash_BYTES, "and what it gives");
    crypto_shorthash((unsigned char *)&sum, bytes, TABLE_IMAGE_BYTES, (const unsigned char *)place);
    return sum;
}

bool page_sum_matches(uint32_t id, uint32_t page, const unsigned char *bytes)
{
    uint64_t sum;
    memcpy(&sum, bytes + TABLE_IMAGE_BYTES, sizeof sum);
    return sum == page_sum(id, page, bytes) || sum == former_page_sum(id, page, bytes);
}

bool table_verify_page_first(const struct table *table, uint32_t page)
{
    if (page_sum_matches(table->id, page, page_image(table, page))) {
        atomic_fetch_or_explicit(&table->verified[page / 64], UINT64_C(1) << page % 64, memory_order_acq_rel);
        return true;
    }
    fence_acquire();
    if (page_is_verified(table, page)) /* and the writer has changed it meanwhile */
        return true;
    atomic_store(&table->tables->damaged, true);
    return false;
}
