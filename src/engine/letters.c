/* Letters between an engine of one partition and those of the others: taken, put, and looked for in journals. */
#include "engine/letters.h"

#include "base/error.h"
#include "engine/engine.h"

#include <inttypes.h>
#include <sodium.h>

#include <trading/partition.h>

_Static_assert(LETTER_BYTES == TRADING_LETTER_BYTES, "as it is told");

/* ---- trays ---- */

static void tray_close(struct letter_tray *tray, struct memory *memory)
{
    memory_release(memory, tray->slots, tray->room * sizeof *tray->slots);
    memory_release(memory, tray->bytes, tray->bytes_room);
}

static bool tray_add(struct letter_tray *tray, struct memory *memory, const struct message *message, const uint8_t *key)
{
    if (tray->count >= LETTERS_MOST ||
        memory_grow(memory, (void **)&tray->slots, &tray->room, tray->count + 1, sizeof *tray->slots) ||
        memory_grow(memory, (void **)&tray->bytes, &tray->bytes_room, tray->used + LETTER_BYTES, 1))
        return false;
    size_t size = letter_write(message, key, tray->bytes + tray->used, LETTER_BYTES);
    if (!size)
        return false;
    tray->slots[tray->count++] = (struct letter_slot){
        .to = message->to, .size = (uint32_t)size, .position = message->event.position, .offset = tray->used};
    tray->used += size;
    return true;
}

void letters_open(struct letters *letters, struct memory *memory, const uint8_t digest_key[16])
{
    static const char purpose[] = "libtrading/letter/v1";
    *letters = (struct letters){.memory = memory};
    pthread_mutex_init(&letters->mutex, NULL);
    crypto_generichash(letters->key, sizeof letters->key, (const uint8_t *)purpose, sizeof purpose, digest_key, 16);
}

void letters_close(struct letters *letters)
{
    if (!letters->memory)
        return;
    tray_close(&letters->filling, letters->memory);
    tray_close(&letters->taken, letters->memory);
    pthread_mutex_destroy(&letters->mutex);
    sodium_memzero(letters, sizeof *letters);
}

void letters_send(struct letters *letters, const struct message *message)
{
    pthread_mutex_lock(&letters->mutex);
    bool sent = tray_add(&letters->filling, letters->memory, message, letters->key);
    pthread_mutex_unlock(&letters->mutex);
    if (sent)
        atomic_fetch_add_explicit(&letters->sent, 1, memory_order_relaxed);
}

/* ---- taking ---- */

int32_t trading_letters_take(trading_engine *engine, trading_letter *out, size_t max, size_t *count, trading_error *error)
{
    int32_t code = engine_check_letters(engine, error);
    if (code)
        return code;
    if (!count || (max && !out))
        return error_set(error, TRADING_E_INVALID,
                         "trading_letters_take needs an array for letters and a place for their count");
    struct letters *letters = &engine->letters;
    *count = 0;
    pthread_mutex_lock(&letters->mutex);
    if (letters->given == letters->taken.count) {
        struct letter_tray empty = letters->taken;
        letters->taken = letters->filling;
        letters->filling = empty;
        letters->filling.count = letters->filling.used = letters->given = 0;
    }
    const struct letter_tray *tray = &letters->taken;
    for (; *count < max && letters->given < tray->count; ++*count) {
        const struct letter_slot *slot = &tray->slots[letters->given++];
        out[*count] = (trading_letter){.from = engine->partition,
                                       .to = slot->to,
                                       .position = slot->position,
                                       .data = tray->bytes + slot->offset,
                                       .size = slot->size};
    }
    pthread_mutex_unlock(&letters->mutex);
    return error_clear(error);
}

/* ---- putting ---- */

static int32_t check_writing(trading_engine *engine, trading_error *error)
{
    int32_t code = engine_check_letters(engine, error);
    return code ? code : engine_check(engine, error);
}

/* The decider is to look at its mail; or the host is, that drives it. */
static void wake(trading_engine *engine)
{
    if (engine->manual)
        engine_progress(engine);
    else
        queue_wake(&engine->queue);
}

static int32_t open_letter(trading_engine *engine, const trading_letter *letter, struct message *message, trading_error *error)
{
    if (!letter->data)
        return error_set(error, TRADING_E_INVALID, "a letter has no data");
    int32_t code = letter_read(message, engine->letters.key, letter->data, letter->size, error);
    if (code)
        return code;
    if (message->to != engine->partition || message->from >= engine->parts)
        return error_set(error, TRADING_E_INVALID,
                         "a letter is from partition %u to partition %u; the engine is of partition %u of %u", message->from,
                         message->to, engine->partition, engine->parts);
    return TRADING_OK;
}

int32_t trading_letters_put(trading_engine *engine, const trading_letter *in, size_t count, trading_error *error)
{
    if (count && !in)
        return error_set(error, TRADING_E_INVALID, "letters are an array of %zu, not NULL", count);
    int32_t code = check_writing(engine, error);
    struct message message;
    for (size_t i = 0; i < count && !code; i++)
        code = open_letter(engine, &in[i], &message, error);
    if (code)
        return code;
    for (size_t i = 0; i < count; i++)
        if (!open_letter(engine, &in[i], &message, NULL))
            mail_put(&engine->mail, &message);
    atomic_fetch_add_explicit(&engine->letters.received, count, memory_order_relaxed);
    if (count)
        wake(engine);
    return error_clear(error);
}

/* ---- looking ---- */

/* Into one sender's journal, beside the decider, who reads on by itself where a letter is not kept. */
static int32_t look_into(trading_engine *engine, uint32_t sender, trading_error *error)
{
    struct mail_scan scan;
    bool kept;
    struct peer_record peer = {0};
    table_read(engine->domain.peers, sender + 1, NULL, &peer);
    if (!mail_begin_scan(&engine->mail, sender, peer.received, &scan))
        return TRADING_OK; /* the decider is about to */
    int32_t code = engine_read_mail(engine, sender, &scan, INT64_MAX, mail_put, &kept, error);
    if (!code && kept)
        mail_end_scan(&engine->mail, sender, &scan);
    return code;
}

int32_t trading_letters_look(trading_engine *engine, trading_error *error)
{
    int32_t code = check_writing(engine, error);
    for (uint32_t sender = 0; !code && sender < engine->parts; sender++)
        if (sender != engine->partition)
            code = look_into(engine, sender, error);
    if (engine && engine->letters.memory && mail_waits(&engine->mail))
        wake(engine);
    return code ? code : error_clear(error);
}
