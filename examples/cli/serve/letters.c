/* Letters between partitions. The topic is the fast way; what it loses is found in the journals. */
#include "monotonic.h"
#include "owned_inside.h"

#define LETTERS 256

/* How often the journals of the other partitions are looked into. */
#define LOOK_PERIOD INT64_C(3000000000)

void owned_take_letter(struct owned *owned, const struct parcel *parcel)
{
    trading_error error;
    const trading_letter letter = {.data = parcel->record.value, .size = parcel->record.value_size};
    int32_t code = trading_letters_put(owned->desk.engine, &letter, 1, &error);
    if (code == TRADING_OK)
        owned->counters.letters_taken++;
    else
        owned->counters.failures++;
}

void owned_send_letters(struct owned *owned)
{
    trading_letter letters[LETTERS];
    trading_error error;
    size_t count = LETTERS;
    if (owned->serving->partitions == 1)
        return;
    while (count == LETTERS && trading_letters_take(owned->desk.engine, letters, LETTERS, &count, &error) == TRADING_OK) {
        for (size_t i = 0; i < count; i++) {
            const trading_bus_record record = {.topic = owned->serving->wire.letters,
                                               .partition = letters[i].to,
                                               .value = letters[i].data,
                                               .value_size = letters[i].size};
            parcels_add(&owned->outgoing, parcel_copy(&record));
        }
        owned->counters.letters_sent += count;
    }
}

void owned_look(struct owned *owned)
{
    trading_error error;
    if (owned->serving->partitions == 1 || monotonic_now() < owned->look_again)
        return;
    if (trading_letters_look(owned->desk.engine, &error) != TRADING_OK)
        owned->counters.failures++;
    owned->look_again = monotonic_now() + LOOK_PERIOD;
}
