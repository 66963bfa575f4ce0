/* Letters that no engine wrote: whatever the bytes say, they are refused, or a message that would be written so. A trap is a property that does
 * not hold. The first byte says what is mended, so that the fuzzer comes beyond version and seal. */
#include "base/error.h"
#include "engine/letter.h"

#include <stdlib.h>
#include <string.h>

#define MEND_SEAL    1u
#define MEND_VERSION 2u

static const uint8_t key[LETTER_KEY_BYTES] = {1, 2, 3};

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check_refused(const trading_error *error, int32_t code)
{
    require(code == TRADING_E_DAMAGED || code == TRADING_E_NEWER_FORMAT);
    require(error->code == code && error->message[0]);
}

static void check_read(const struct message *message, const uint8_t *letter, size_t size)
{
    uint8_t again[LETTER_BYTES];
    require(message->event.to == message->to + 1 && message->from != message->to && event_may_be_sent(message->event.kind));
    require(message->event.position >= 0 && message->event.before < message->event.position);
    require(letter_write(message, key, again, sizeof again) == size && memcmp(again, letter, size) == 0);
    for (size_t less = 0; less < size; less++)
        require(letter_write(message, key, again, less) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t mend = data[0];
    size_t letter_size = size - 1 + (mend & MEND_SEAL ? LETTER_SEAL_BYTES : 0);
    uint8_t *letter = malloc(letter_size + 1); /* exactly as long, so that a step beyond is seen */
    require(letter != NULL);
    memcpy(letter, data + 1, size - 1);
    if (mend & MEND_VERSION && size > 1)
        letter[0] = LETTER_VERSION;
    if (mend & MEND_SEAL)
        letter_seal(letter, letter_size, key);
    uint8_t *exact = realloc(letter, letter_size ? letter_size : 1);
    struct message message;
    trading_error error = {0};
    int32_t code = letter_read(&message, key, exact, letter_size, &error);
    if (code)
        check_refused(&error, code);
    else
        check_read(&message, exact, letter_size);
    free(exact);
    return 0;
}
