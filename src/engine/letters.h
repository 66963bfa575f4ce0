/* Letters on their way out, until somebody takes them. */
#ifndef ENGINE_LETTERS_H
#define ENGINE_LETTERS_H

#include "engine/letter.h"

#include <pthread.h>
#include <stdatomic.h>

/* More than this are left to the journal. */
#define LETTERS_MOST 16384u

/* Letters one after another. */
struct letter_tray {
    struct letter_slot {
        uint32_t to;
        uint32_t size;
        int64_t position;
        size_t offset; /* of its bytes */
    } * slots;
    size_t count;
    size_t room;
    uint8_t *bytes;
    size_t used;
    size_t bytes_room;
};

struct letters {
    struct memory *memory; /* NULL: the engine is of all its store's partitions */
    uint8_t key[LETTER_KEY_BYTES];
    pthread_mutex_t mutex;
    struct letter_tray filling;
    struct letter_tray taken; /* what was given of it stays until the next take */
    size_t given;
    _Atomic uint64_t sent; /* since the engine was opened, like the others */
    _Atomic uint64_t received;
    _Atomic uint64_t read; /* out of journals */
};

void letters_open(struct letters *letters, struct memory *memory, const uint8_t digest_key[16]);
void letters_close(struct letters *letters);

/* A message that is durable. Where there is no room it is left to the journal. */
void letters_send(struct letters *letters, const struct message *message);

#endif
