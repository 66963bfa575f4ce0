/* The rows of a projection: pending over stored, apart from those of others, within their limits, and like those of a simple table. */
#include "desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static trading_projection *open_rows(struct desk *desk, const char *name)
{
    trading_projection *projection;
    trading_projection_options options = TRADING_PROJECTION_OPTIONS_INIT;
    options.name = name;
    assert_int_equal(trading_projection_open(&projection, desk->engine, &options, NULL), TRADING_OK);
    return projection;
}

static int32_t put_text(trading_projection *projection, const char *key, const char *value)
{
    return trading_projection_put(projection, key, strlen(key), value, strlen(value), NULL);
}

static void expect_text(trading_projection *projection, const char *key, const char *value)
{
    char buffer[16];
    size_t size = sizeof buffer;
    int32_t code = trading_projection_get(projection, key, strlen(key), buffer, &size, NULL);
    assert_int_equal(code, value ? TRADING_OK : TRADING_E_NOT_FOUND);
    if (value) {
        assert_int_equal(size, strlen(value));
        assert_memory_equal(buffer, value, size);
    }
}

/* The keys from `from` on, as text with a comma behind each. */
static void expect_keys(trading_projection *projection, const char *from, const char *keys)
{
    uint8_t key[TRADING_ROW_KEY_BYTES];
    char value[16];
    char found[256] = "";
    size_t key_size = strlen(from);
    size_t size = sizeof value;
    memcpy(key, from, key_size);
    while (!trading_projection_seek(projection, key, &key_size, value, &size, NULL)) {
        snprintf(found + strlen(found), sizeof found - strlen(found), "%.*s,", (int)key_size, (const char *)key);
        key[key_size++] = 0;
        size = sizeof value;
    }
    assert_string_equal(found, keys);
}

static void pending_rows_lie_over_stored_ones(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    trading_projection *projection = open_rows(&desk, "rows");
    assert_int_equal(put_text(projection, "b", "stored"), TRADING_OK);
    assert_int_equal(put_text(projection, "d", "stored"), TRADING_OK);
    assert_int_equal(put_text(projection, "f", "stored"), TRADING_OK);
    assert_int_equal(trading_projection_commit(projection, NULL), TRADING_OK);
    assert_int_equal(put_text(projection, "a", "new"), TRADING_OK);
    assert_int_equal(put_text(projection, "d", "changed"), TRADING_OK);
    assert_int_equal(put_text(projection, "e", ""), TRADING_OK);
    assert_int_equal(trading_projection_remove(projection, "b", 1, NULL), TRADING_OK);
    assert_int_equal(trading_projection_remove(projection, "x", 1, NULL), TRADING_OK);
    for (int committed = 0; committed < 2; committed++) {
        expect_text(projection, "a", "new");
        expect_text(projection, "b", NULL);
        expect_text(projection, "d", "changed");
        expect_text(projection, "e", "");
        expect_text(projection, "f", "stored");
        expect_keys(projection, "", "a,d,e,f,");
        expect_keys(projection, "b", "d,e,f,");
        expect_keys(projection, "d", "d,e,f,");
        expect_keys(projection, "g", "");
        assert_int_equal(trading_projection_commit(projection, NULL), TRADING_OK);
    }
    assert_int_equal(put_text(projection, "b", "again"), TRADING_OK);
    assert_int_equal(trading_projection_remove(projection, "b", 1, NULL), TRADING_OK);
    assert_int_equal(put_text(projection, "b", "at last"), TRADING_OK);
    expect_text(projection, "b", "at last");
    trading_projection_close(projection); /* what is pending is gone */
    projection = open_rows(&desk, "rows");
    expect_keys(projection, "", "a,d,e,f,");
    assert_int_equal(trading_projection_reset(projection, NULL), TRADING_OK);
    expect_keys(projection, "", "");
    trading_projection_close(projection);
    desk_close(&desk);
}

static void rows_of_projections_are_apart(void **state)
{
    (void)state;
    struct desk desk;
    desk_open_memory(&desk);
    const char *const names[] = {"a", "ab", "abc"};
    trading_projection *projections[3];
    for (size_t i = 0; i < 3; i++) {
        projections[i] = open_rows(&desk, names[i]);
        assert_int_equal(put_text(projections[i], "c", names[i]), TRADING_OK);
        assert_int_equal(trading_projection_commit(projections[i], NULL), TRADING_OK);
    }
    assert_int_equal(trading_projection_reset(projections[0], NULL), TRADING_OK);
    expect_keys(projections[0], "", "");
    for (size_t i = 1; i < 3; i++) {
        expect_keys(projections[i], "", "c,");
        expect_text(projections[i], "c", names[i]);
    }
    for (size_t i = 0; i < 3; i++)
        trading_projection_close(projections[i]);
    desk_close(&desk);
}

static void limits_of_rows(void **state)
{
    (void)state;
    struct desk desk;
    uint8_t key[TRADING_ROW_KEY_BYTES];
    uint8_t *value = calloc(1, TRADING_ROW_VALUE_BYTES + 1);
    uint8_t *read = calloc(1, TRADING_ROW_VALUE_BYTES);
    memset(key, 0xff, sizeof key);
    memset(value, 7, TRADING_ROW_VALUE_BYTES + 1);
    desk_open_folder(&desk);
    trading_projection *projection = open_rows(&desk, "rows");
    assert_int_equal(trading_projection_put(projection, key, 0, value, 1, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_projection_put(projection, key, 256, value, 1, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_projection_put(projection, key, 255, value, TRADING_ROW_VALUE_BYTES + 1, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_projection_put(projection, key, 255, value, TRADING_ROW_VALUE_BYTES, NULL), TRADING_OK);
    for (int committed = 0; committed < 2; committed++) {
        size_t size = TRADING_ROW_VALUE_BYTES;
        assert_int_equal(trading_projection_get(projection, key, 255, read, &size, NULL), TRADING_OK);
        assert_int_equal(size, TRADING_ROW_VALUE_BYTES);
        assert_memory_equal(read, value, size);
        memset(read, 0, 16);
        size = 10;
        assert_int_equal(trading_projection_get(projection, key, 255, read, &size, NULL), TRADING_E_OVERFLOW);
        assert_int_equal(size, TRADING_ROW_VALUE_BYTES);
        assert_int_equal(read[0], 0);
        size = 0;
        assert_int_equal(trading_projection_get(projection, key, 255, NULL, &size, NULL), TRADING_E_OVERFLOW);
        uint8_t found[TRADING_ROW_KEY_BYTES] = "from";
        size_t found_size = 4;
        size = 10;
        assert_int_equal(trading_projection_seek(projection, found, &found_size, read, &size, NULL), TRADING_E_OVERFLOW);
        assert_int_equal(found_size, 4);
        size = TRADING_ROW_VALUE_BYTES;
        assert_int_equal(trading_projection_seek(projection, found, &found_size, read, &size, NULL), TRADING_OK);
        assert_int_equal(found_size, 255);
        assert_memory_equal(found, key, 255);
        found[found_size++] = 0; /* there is room for it */
        assert_int_equal(trading_projection_seek(projection, found, &found_size, read, &size, NULL), TRADING_E_NOT_FOUND);
        assert_int_equal(trading_projection_commit(projection, NULL), TRADING_OK);
    }
    trading_projection_close(projection);
    desk_close(&desk);
    free(value);
    free(read);
}

/* ---- rows against a model ---- */

#define MODEL_KEYS 200

static uint32_t draw(uint32_t *seed, uint32_t below)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(*seed >> 8) * below >> 24);
}

/* Key k as text of a length of its own, in another order than that of the numbers. */
static size_t model_key(uint32_t k, char key[8])
{
    return (size_t)snprintf(key, 8, "%x", (k * 37 + 11) % 251);
}

static void check_against_model(trading_projection *projection, const int *model)
{
    uint8_t key[TRADING_ROW_KEY_BYTES];
    char before[8] = "";
    size_t key_size = 0;
    int value;
    size_t size = sizeof value;
    size_t seen = 0;
    size_t expected = 0;
    for (uint32_t k = 0; k < MODEL_KEYS; k++) {
        char text[8];
        size_t length = model_key(k, text);
        int32_t code = trading_projection_get(projection, text, length, &value, &size, NULL);
        assert_int_equal(code, model[k] ? TRADING_OK : TRADING_E_NOT_FOUND);
        assert_true(code || value == model[k]);
        expected += model[k] != 0;
    }
    while (!trading_projection_seek(projection, key, &key_size, &value, &size, NULL)) {
        assert_true(key_size < sizeof before);
        key[key_size++] = 0;
        assert_true(strcmp((const char *)key, before) > 0);
        memcpy(before, key, key_size);
        seen++;
    }
    assert_int_equal(seen, expected);
}

static void rows_are_like_those_of_a_simple_table(void **state)
{
    (void)state;
    struct desk desk;
    int model[MODEL_KEYS] = {0};
    int committed[MODEL_KEYS] = {0};
    uint32_t seed = 5;
    desk_open_folder(&desk);
    trading_projection *projection = open_rows(&desk, "rows");
    for (int i = 1; i < 4000; i++) {
        uint32_t k = draw(&seed, MODEL_KEYS);
        uint32_t what = draw(&seed, 100);
        char key[8];
        size_t length = model_key(k, key);
        if (what < 60) {
            assert_int_equal(trading_projection_put(projection, key, length, &i, sizeof i, NULL), TRADING_OK);
            model[k] = i;
        } else if (what < 97) {
            assert_int_equal(trading_projection_remove(projection, key, length, NULL), TRADING_OK);
            model[k] = 0;
        } else if (what < 99) {
            assert_int_equal(trading_projection_commit(projection, NULL), TRADING_OK);
            memcpy(committed, model, sizeof model);
        } else {
            trading_projection_close(projection);
            projection = open_rows(&desk, "rows");
            memcpy(model, committed, sizeof model);
        }
        if (i % 50 == 0)
            check_against_model(projection, model);
    }
    trading_projection_close(projection);
    desk_close(&desk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pending_rows_lie_over_stored_ones),
        cmocka_unit_test(rows_of_projections_are_apart),
        cmocka_unit_test(limits_of_rows),
        cmocka_unit_test(rows_are_like_those_of_a_simple_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
