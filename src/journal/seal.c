#include "journal/seal.h"

#include "base/bytes.h"

#include <endian.h>
#include <sodium.h>
#include <string.h>

_Static_assert(SEAL_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "XChaCha20-Poly1305");
_Static_assert(SEAL_NONCE_BYTES == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "XChaCha20-Poly1305");
_Static_assert(SEAL_EXTRA_BYTES == SEAL_NONCE_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES, "XChaCha20-Poly1305");

/* What a sealed text is bound to. */
struct binding {
    trading_id account;
    uint32_t kind;
};
_Static_assert(sizeof(struct binding) == 20, "no padding is authenticated");

void seal_close(const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES], const trading_id *account,
                uint32_t kind, const void *text, size_t size, uint8_t *sealed)
{
    /* It chooses the fastest cipher; where it fails, the portable one seals the same bytes. */
    int initialised = sodium_init();
    (void)initialised;
    struct binding binding = {*account, htole32(kind)};
    memcpy(sealed, nonce, SEAL_NONCE_BYTES);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + SEAL_NONCE_BYTES, NULL, text, size, (const unsigned char *)&binding,
                                               sizeof binding, NULL, nonce, key);
}

bool seal_open(const uint8_t key[SEAL_KEY_BYTES], const trading_id *account, uint32_t kind, const uint8_t *sealed,
               size_t sealed_size, void *text)
{
    if (sealed_size < SEAL_EXTRA_BYTES || sodium_init() < 0)
        return false;
    struct binding binding = {*account, htole32(kind)};
    return !crypto_aead_xchacha20poly1305_ietf_decrypt(text, NULL, NULL, sealed + SEAL_NONCE_BYTES,
                                                       sealed_size - SEAL_NONCE_BYTES, (const unsigned char *)&binding,
                                                       sizeof binding, sealed, key);
}

size_t text_list_write(const struct text_list *list, uint8_t *buffer, size_t capacity)
{
    if (list->count > TEXT_LIST_MAX)
        return 0;
    struct writer writer = {.at = buffer, .end = buffer + capacity};
    for (uint32_t i = 0; i < list->count; i++)
        write_block(&writer, list->text[i].data, list->text[i].size);
    return writer.full ? 0 : (size_t)(writer.at - buffer);
}

bool text_list_read(struct text_list *list, uint32_t count, const uint8_t *bytes, size_t size)
{
    *list = (struct text_list){0};
    if (count > TEXT_LIST_MAX)
        return false;
    struct reader reader = {.at = bytes, .end = bytes + size};
    for (uint32_t i = 0; i < count; i++)
        list->text[i].data = (const char *)read_block(&reader, &list->text[i].size);
    if (reader.bad || reader.at != reader.end) {
        *list = (struct text_list){0};
        return false;
    }
    list->count = count;
    return true;
}
