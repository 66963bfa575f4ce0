/* Text from outside: decimals, ids, times and UTF-8. Whatever the bytes, a parser answers one of its statuses, touches nothing when it
 * refuses, and what it takes reads back the same from how it is written. A trap is a property that does not hold. */
#include "base/id.h"
#include "base/text.h"

#include <string.h>

#include <trading/decimal.h>
#include <trading/time.h>

#define UNTOUCHED INT64_C(-77)

static void require(bool holds)
{
    if (!holds)
        __builtin_trap();
}

static void check_decimal(const char *text, size_t length)
{
    trading_decimal value = UNTOUCHED;
    int32_t status = trading_decimal_parse(text, length, &value);
    if (status != TRADING_OK) {
        require(status == TRADING_E_SYNTAX || status == TRADING_E_OVERFLOW);
        require(value == UNTOUCHED);
        return;
    }
    require(value >= TRADING_DECIMAL_MIN);
    for (int32_t least = 0; least <= 6; least++) {
        char buffer[TRADING_DECIMAL_TEXT];
        trading_decimal back;
        size_t written = trading_decimal_format(value, least, buffer);
        require(written < sizeof buffer && strlen(buffer) == written);
        require(trading_decimal_parse(buffer, written, &back) == TRADING_OK && back == value);
    }
}

static void check_id(int32_t entity, const char *text, size_t length)
{
    static const trading_id untouched = {{7}};
    trading_id id = untouched;
    int32_t status = trading_id_parse(entity, text, length, &id);
    if (status != TRADING_OK) {
        require(status == TRADING_E_SYNTAX && id_equal(&id, &untouched));
        return;
    }
    char buffer[TRADING_ID_TEXT];
    trading_id back;
    size_t written = trading_id_format(entity, &id, buffer);
    require(written == length && strlen(buffer) == written);
    require(trading_id_parse(entity, buffer, written, &back) == TRADING_OK && id_equal(&id, &back));
}

static void check_time(const char *text, size_t length)
{
    trading_time time = UNTOUCHED;
    int32_t status = trading_time_parse(text, length, &time);
    if (status != TRADING_OK) {
        require(status == TRADING_E_SYNTAX || status == TRADING_E_OVERFLOW);
        require(time == UNTOUCHED);
        return;
    }
    char buffer[TRADING_TIME_TEXT];
    trading_time back;
    size_t written = trading_time_format(time, buffer);
    require(time >= 0 && written < sizeof buffer && strlen(buffer) == written);
    require(trading_time_parse(buffer, written, &back) == TRADING_OK && back == time);
}

/* The bytes as numbers: what is written of any value at all is in bounds, and reads back when it is in range. */
static void check_value(const uint8_t *data, size_t size)
{
    int64_t value;
    if (size < sizeof value)
        return;
    memcpy(&value, data, sizeof value);
    char text[TRADING_TIME_TEXT];
    int64_t back = UNTOUCHED;
    size_t written = trading_decimal_format(value, data[0] % 7, text);
    require(written < TRADING_DECIMAL_TEXT);
    bool fits = trading_decimal_parse(text, written, &back) == TRADING_OK;
    require(fits == (value != INT64_MIN) && back == (fits ? value : UNTOUCHED));
    written = trading_time_format(value, text);
    require(written < TRADING_TIME_TEXT);
    back = UNTOUCHED;
    fits = trading_time_parse(text, written, &back) == TRADING_OK;
    require(fits == (value >= 0) && back == (fits ? value : UNTOUCHED));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    check_decimal(text, size);
    for (int32_t entity = 0; entity <= TRADING_ENTITY_INSTRUMENT; entity++)
        check_id(entity, text, size);
    check_time(text, size);
    check_value(data, size);
    require(!text_is_printable(text, size) || text_is_utf8(text, size));
    return 0;
}
