/* Writes the first inputs of the letter fuzzer into a folder: corpus/letter is its output. Run again when the format changes.
 * usage: letter-corpus FOLDER */
#include "engine/letter.h"

#include <stdio.h>
#include <string.h>

#include <trading.h>

static const struct order_event order = {.id = {{1, 2, 3}},
                                         .counter_id = {{3, 2, 1}},
                                         .symbol = {"GOOG"},
                                         .currency = {"USD"},
                                         .side = TRADING_SIDE_SELL,
                                         .type = TRADING_ORDER_TYPE_LIMIT,
                                         .time_in_force = TRADING_TIME_IN_FORCE_DAY,
                                         .status = TRADING_ORDER_STATUS_CANCELED,
                                         .quantity = 1000000,
                                         .price = 99000000,
                                         .amount = 99000000,
                                         .rounding = -1};
static const struct account_event transfer = {
    .other_id = {{1, 2, 3}}, .own_id = {{3, 2, 1}}, .currency = {"USD"}, .amount = 1000000, .reason = 8};

static const struct seed {
    const char *name;
    uint32_t kind;
    bool first; /* to its receiver */
} seeds[] = {
    {"transfer-sent", TRADING_EVENT_TRANSFER_SENT, true},
    {"transfer-received", TRADING_EVENT_TRANSFER_RECEIVED, false},
    {"transfer-refused", TRADING_EVENT_TRANSFER_REFUSED, false},
    {"order-sent", TRADING_EVENT_ORDER_SENT, true},
    {"cancel-sent", TRADING_EVENT_CANCEL_SENT, false},
    {"guest-executed", TRADING_EVENT_GUEST_EXECUTED, false},
    {"guest-ended", TRADING_EVENT_GUEST_ENDED, true},
};

static int write_seed(const char *folder, const struct seed *seed)
{
    static const uint8_t key[LETTER_KEY_BYTES] = {1, 2, 3};
    struct message message = {.from = 1, .to = 3, .cause = {.type = TRADING_COMMAND_PLACE_ORDER, .actor = {{9}}}};
    message.event = (struct event){
        .kind = seed->kind, .number = 7, .position = 1000, .previous = 900, .before = seed->first ? -1 : 800, .to = 4};
    if (account_has_kind(seed->kind))
        message.event.account = transfer;
    else
        message.event.order = order;
    uint8_t letter[LETTER_BYTES];
    char path[4096];
    size_t size = letter_write(&message, key, letter, sizeof letter);
    int length = snprintf(path, sizeof path, "%s/%s", folder, seed->name);
    FILE *file = size && length > 0 && length < (int)sizeof path ? fopen(path, "wb") : NULL;
    if (!file)
        return -1;
    bool written = fputc(3, file) != EOF && fwrite(letter, 1, size - LETTER_SEAL_BYTES, file) == size - LETTER_SEAL_BYTES;
    return fclose(file) || !written ? -1 : 0;
}

int main(int count, char **arguments)
{
    for (size_t i = 0; count == 2 && i < sizeof seeds / sizeof *seeds; i++)
        if (write_seed(arguments[1], &seeds[i]))
            return 1;
    return count == 2 ? 0 : 2;
}
