#include "engine/store_marks.h"

#include "base/error.h"

#include <endian.h>
#include <string.h>

const trading_id store_digest_key = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}};
const trading_id store_partitions = {{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 254}};

/* A value is the number, 4 bytes, little endian, and zeros; of an unfinished copy the number is 0, and this stands behind it. */
static const char unfinished[] = "unfinished copy";

trading_store_secret store_count_of(uint32_t count)
{
    trading_store_secret secret = {.name = store_partitions};
    uint32_t little = htole32(count);
    memcpy(secret.value, &little, sizeof little);
    return secret;
}

trading_store_secret store_unfinished(void)
{
    trading_store_secret secret = store_count_of(0);
    memcpy(secret.value + sizeof(uint32_t), unfinished, sizeof unfinished);
    return secret;
}

int32_t store_count_read(const uint8_t value[32], uint32_t *count, trading_error *error)
{
    uint32_t little;
    memcpy(&little, value, sizeof little);
    *count = le32toh(little);
    if (*count == 0 && memcmp(value + sizeof little, unfinished, sizeof unfinished) == 0)
        return error_set(
            error, TRADING_E_INVALID,
            "the store is a copy that was not finished; delete it, and copy anew from the store that it was to be of");
    return TRADING_OK;
}

int32_t store_digest_key_lost(trading_error *error)
{
    return error_set(error, TRADING_E_DAMAGED,
                     "the store has a journal but not the key of its digests; put its secrets back from a backup");
}
