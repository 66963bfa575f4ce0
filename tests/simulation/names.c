#include "simulation/names.h"

#include "simulation/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t mix(int32_t entity, uint64_t a, uint64_t b)
{
    struct chance chance = {a ^ (b * 31) ^ ((uint64_t)entity << 56)};
    return chance_next(&chance);
}

static uint64_t hash_of_name(int32_t entity, int64_t name)
{
    return mix(entity, (uint64_t)name, 0);
}

static uint64_t hash_of_id(int32_t entity, const trading_id *id)
{
    uint64_t halves[2];
    memcpy(halves, id->bytes, sizeof(halves));
    return mix(entity, halves[0], halves[1]);
}

/* The entry of the name, or the free one where it belongs. */
static struct name_entry *slot_of_name(const struct names *names, int32_t entity, int64_t name)
{
    size_t at = hash_of_name(entity, name) & (names->room - 1);
    while (names->by_name[at].entity && (names->by_name[at].entity != entity || names->by_name[at].name != name))
        at = (at + 1) & (names->room - 1);
    return &names->by_name[at];
}

static struct name_entry *slot_of_id(const struct names *names, int32_t entity, const trading_id *id)
{
    size_t at = hash_of_id(entity, id) & (names->room - 1);
    while (names->by_id[at].entity && (names->by_id[at].entity != entity || memcmp(&names->by_id[at].id, id, sizeof(*id)) != 0))
        at = (at + 1) & (names->room - 1);
    return &names->by_id[at];
}

static struct name_entry *new_table(size_t room)
{
    struct name_entry *table = calloc(room, sizeof(*table));
    if (!table) {
        fprintf(stderr, "names: out of memory\n");
        exit(2);
    }
    return table;
}

static void make_room(struct names *names)
{
    if (names->room && names->count * 2 < names->room)
        return;
    struct names old = *names;
    names->room = old.room ? old.room * 2 : 1024;
    names->by_name = new_table(names->room);
    names->by_id = new_table(names->room);
    for (size_t i = 0; i < old.room; i++) {
        const struct name_entry *entry = &old.by_name[i];
        if (!entry->entity)
            continue;
        *slot_of_name(names, entry->entity, entry->name) = *entry;
        *slot_of_id(names, entry->entity, &entry->id) = *entry;
    }
    free(old.by_name);
    free(old.by_id);
}

void names_free(struct names *names)
{
    free(names->by_name);
    free(names->by_id);
    memset(names, 0, sizeof(*names));
}

bool names_bind(struct names *names, int32_t entity, int64_t name, const trading_id *id)
{
    if (trading_id_is_zero(id))
        return false;
    make_room(names);
    struct name_entry *by_name = slot_of_name(names, entity, name);
    struct name_entry *by_id = slot_of_id(names, entity, id);
    if (by_name->entity || by_id->entity)
        return by_name->entity && by_id->entity && memcmp(&by_name->id, id, sizeof(*id)) == 0 && by_id->name == name;
    *by_name = *by_id = (struct name_entry){.entity = entity, .name = name, .id = *id};
    names->count++;
    return true;
}

bool names_knows(const struct names *names, int32_t entity, int64_t name)
{
    return names->room && slot_of_name(names, entity, name)->entity;
}

trading_id names_id(const struct names *names, int32_t entity, int64_t name)
{
    trading_id id = {{0}};
    if (name == 0)
        return id;
    if (names_knows(names, entity, name))
        return slot_of_name(names, entity, name)->id;
    uint64_t halves[2] = {mix(entity, (uint64_t)name, 7), mix(entity, (uint64_t)name, 11)};
    memcpy(id.bytes, halves, sizeof(id.bytes));
    return id;
}

int64_t names_name(const struct names *names, int32_t entity, const trading_id *id)
{
    if (trading_id_is_zero(id))
        return 0;
    if (!names->room)
        return NAME_STRANGE;
    const struct name_entry *entry = slot_of_id(names, entity, id);
    return entry->entity ? entry->name : NAME_STRANGE;
}
