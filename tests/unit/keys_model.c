#include "base/hash.h"
#include "keys_test.h"

void keys_model_open(struct keys_model *model, uint32_t capacity, uint32_t lag)
{
    *model = (struct keys_model){.capacity = capacity, .lag = lag, .seed = 88172645463325252u, .position = 5, .time = 1000};
    model->hashes = malloc(capacity * sizeof *model->hashes);
    model->positions = malloc(capacity * sizeof *model->positions);
    model->times = malloc(capacity * sizeof *model->times);
    model->before = malloc(capacity * sizeof *model->before);
    model->last_of = malloc(capacity * sizeof *model->last_of);
    for (uint32_t i = 0; i < capacity; i++)
        model->last_of[i] = UINT32_MAX;
}

void keys_model_close(struct keys_model *model)
{
    free(model->hashes);
    free(model->positions);
    free(model->times);
    free(model->before);
    free(model->last_of);
}

static uint32_t name_of(const struct keys_model *model, uint32_t place)
{
    uint32_t name = place;
    while (model->before[name] != UINT32_MAX)
        name = model->before[name];
    return name;
}

bool keys_model_try(struct keys_model *model, struct keys *keys)
{
    uint32_t place = model->count;
    assert_true(place < model->capacity);
    uint32_t name = place; /* of the first key with the hash */
    if (place && random_below(&model->seed, 40) == 0)
        name = name_of(model, random_below(&model->seed, place < 20 ? place : 20));
    else if (place && random_below(&model->seed, 40) == 0)
        name = name_of(model, random_below(&model->seed, place));
    uint64_t hash = hash_mix(name + UINT64_C(1));
    int64_t position = model->position + 1 + random_below(&model->seed, 3);
    int64_t time = model->time + random_below(&model->seed, 20);
    if (!keys_insert(keys, hash, position, time))
        return false;
    model->count++;
    model->before[place] = name == place ? UINT32_MAX : model->last_of[name];
    model->last_of[name] = place;
    model->hashes[place] = hash;
    model->positions[place] = model->position = position;
    model->times[place] = model->time = time;
    if (model->count > model->lag)
        keys_model_durable(model, keys, model->count - model->lag);
    return true;
}

void keys_model_durable(struct keys_model *model, struct keys *keys, uint32_t count)
{
    if (count <= model->durable)
        return;
    model->durable = count;
    keys_durable(keys, model->positions[count - 1] + 1);
}

void keys_model_insert(struct keys_model *model, struct keys *keys)
{
    assert_true(keys_model_try(model, keys));
}

void keys_model_discard(struct keys_model *model, struct keys *keys, uint32_t count)
{
    if (!count)
        return;
    assert_true(count <= model->count - model->durable);
    for (; count; count--) {
        uint32_t place = --model->count;
        model->last_of[name_of(model, place)] = model->before[place];
        model->position = model->positions[place] - 1;
    }
    keys_discard(keys, model->position + 1);
}

/* Whether all candidates are as they should be; false when that cannot be told. */
static bool check_key(const struct keys_model *model, const struct keys *keys, uint32_t first, uint32_t count, uint32_t place)
{
    uint32_t expected = model->last_of[name_of(model, place)];
    while (expected != UINT32_MAX && expected >= count)
        expected = model->before[expected];
    struct keys_cursor cursor = {0};
    int64_t position;
    while ((position = keys_next(keys, model->hashes[place], &cursor)) >= 0) {
        assert_true(expected != UINT32_MAX && expected >= first);
        assert_true(position == model->positions[expected]);
        expected = model->before[expected];
    }
    if (position == KEYS_DAMAGED)
        return false;
    assert_true(expected == UINT32_MAX || expected < first);
    return true;
}

int keys_model_told(const struct keys_model *model, const struct keys *keys, uint32_t place)
{
    uint32_t first = model->count - (uint32_t)keys_count(keys);
    return check_key(model, keys, first, model->count, place);
}

uint32_t keys_model_resume(struct keys_model *model, struct keys *keys)
{
    int64_t from = keys_stored(keys).next_position;
    uint32_t stored = model->count;
    while (stored && model->positions[stored - 1] >= from)
        stored--;
    if (stored)
        assert_true(from == model->positions[stored - 1] + 1 && keys_stored(keys).hash == model->hashes[stored - 1]);
    for (uint32_t i = stored; i < model->count; i++)
        assert_true(keys_insert(keys, model->hashes[i], model->positions[i], model->times[i]));
    if (model->durable)
        keys_durable(keys, model->positions[model->durable - 1] + 1);
    return stored;
}

void keys_model_check(const struct keys_model *model, const struct keys *keys, uint32_t count, uint32_t step)
{
    assert_true(keys_count(keys) <= count);
    uint32_t first = count - (uint32_t)keys_count(keys);
    for (uint32_t place = 0; place < model->count; place += step)
        assert_true(check_key(model, keys, first, count, place));
    for (uint32_t stranger = 0; stranger < 1000; stranger++) {
        struct keys_cursor cursor = {0};
        assert_true(keys_next(keys, hash_mix(UINT64_C(1) << 40 | stranger), &cursor) == -1);
    }
}
