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
    for (uint32_t i = 0; i < list->count; i++)
        key_filter_prefetch(&list->filters[i], hash);
}

int64_t keys_absent_before(const struct key_list *list, uint64_t hash)
{
    struct key_probe first = key_first_probe(hash);
    for (uint32_t i = 0; i < list->count; i++)
        if (key_filter_may_have(&list->filters[i], hash, &first) && key_filter_has(&list->filters[i], hash))
            return 0;
    return list->ends[0];
}
