/* Sealing personal data: XChaCha20-Poly1305 (libsodium) under a key per account, so that destroying the key forgets the person.
 *
 *   24 bytes  nonce
 *    …        ciphertext, as long as the text
 *   16 bytes  tag; authenticated with it: the account's id and the kind of the event (u32, little endian), so that no sealed text
 *             can be moved
 */
#ifndef JOURNAL_SEAL_H
#define JOURNAL_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <trading/id.h>

#define SEAL_KEY_BYTES   32u
#define SEAL_NONCE_BYTES 24u
#define SEAL_EXTRA_BYTES 40u /* how much longer than the text */

/* `sealed` takes size + SEAL_EXTRA_BYTES. The nonce is random, and never used twice with a key. */
void seal_close(const uint8_t key[SEAL_KEY_BYTES], const uint8_t nonce[SEAL_NONCE_BYTES], const trading_id *account,
                uint32_t kind, const void *text, size_t size, uint8_t *sealed);
/* `text` takes sealed_size − SEAL_EXTRA_BYTES, none when that is negative. False, and nothing to be read in `text`, when it was not
 * sealed with this key for this account and kind. */
bool seal_open(const uint8_t key[SEAL_KEY_BYTES], const trading_id *account, uint32_t kind, const uint8_t *sealed,
               size_t sealed_size, void *text);

/* Texts one after another, each as varint length and bytes: what is sealed. */
#define TEXT_LIST_MAX 8u
struct text_list {
    uint32_t count;
    struct {
        const char *data;
        uint32_t size;
    } text[TEXT_LIST_MAX];
};

/* Bytes written, or 0 when they do not fit or are no or too many texts. */
size_t text_list_write(const struct text_list *list, uint8_t *buffer, size_t capacity);
/* False when the bytes are not such a list of exactly `count` texts. The texts point into the bytes. */
bool text_list_read(struct text_list *list, uint32_t count, const uint8_t *bytes, size_t size);

#endif
