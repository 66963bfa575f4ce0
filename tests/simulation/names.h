/* Which of the engine's ids stands for which name of the model. */
#ifndef SIMULATION_NAMES_H
#define SIMULATION_NAMES_H

#include <stdbool.h>

#include <trading.h>

/* A name for an id that the model never heard of. */
#define NAME_STRANGE INT64_C(-1)

struct name_entry {
    int32_t entity; /* TRADING_ENTITY_; 0: the slot is free */
    int64_t name;
    trading_id id;
};

struct names {
    struct name_entry *by_name; /* two open hash tables of the same entries */
    struct name_entry *by_id;
    size_t room;
    size_t count;
};

void names_free(struct names *names);
/* Binds both. @return false when either is bound to another already. */
bool names_bind(struct names *names, int32_t entity, int64_t name, const trading_id *id);
/* The id; for a name that is not bound, one that nobody has, always the same; zero for 0. */
trading_id names_id(const struct names *names, int32_t entity, int64_t name);
bool names_knows(const struct names *names, int32_t entity, int64_t name);
/* The name; NAME_STRANGE for an id that is not bound, 0 for zero. */
int64_t names_name(const struct names *names, int32_t entity, const trading_id *id);

#endif
