/* Proving several partitions: what holds between them once each is proved by itself. */
#ifndef ENGINE_VERIFY_H
#define ENGINE_VERIFY_H

#include "base/error.h"
#include "engine/engine.h"

/* The states that the journals of all partitions amount to, at one moment. */
struct parts {
    uint32_t count;
    struct domain *at;
};

/* `finding`: what is wrong, or NULL. */
int32_t verify_between(const struct parts *parts, const struct journal *journals, struct memory *memory, const char **finding,
                       trading_error *error);

#endif
