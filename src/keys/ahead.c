/* Any thread's side: looking ahead of the decider into what is stored. */
#include "keys/inside.h"

/* ---- visiting ---- */

struct key_list *keys_visit(struct keys *keys)
{
    pthread_mutex_lock(&keys->door);
    struct key_list *list = atomic_load_explicit(&keys->published, memory_order_relaxed);
    atomic_fetch_add_explicit(&list->visitors, 1, memory_order_relaxed);
    pthread_mutex_unlock(&keys->door);
    return list;
}

void keys_leave(struct key_list *list)
{
    atomic_fetch_sub_explicit(&list->visitors, 1, memory_order_release);
}

/* ---- looking ---- */

void keys_prefetch_stored(const struct key_list *list, uint64_t hash)
{
    if (list->sieve)
        key_sieve_prefetch(list->sieve, hash);
}

uint32_t keys_suspects(const struct key_list *list, uint64_t hash)
{
    uint32_t eras = key_list_suspects(list, hash);
    if (eras)
        key_list_prefetch(list, hash, eras, 0);
    return eras;
}

int64_t keys_absent_before(const struct key_list *list, uint64_t hash, uint32_t suspects)
{
    if (!suspects)
        return list->ends[0];
    struct key_probe first = key_first_probe(hash);
    for (uint32_t i = 0; i < list->count; i++)
        if (list->eras[i] & suspects && key_filter_may_have(&list->filters[i], hash, &first) &&
            key_filter_has(&list->filters[i], hash))
            return 0;
    return list->ends[0];
}
