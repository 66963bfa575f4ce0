/* Opening what is stored, and closing. */
#include "base/error.h"
#include "keys/inside.h"

static void forget_runs(struct keys *keys)
{
    while (keys->set.count)
        key_run_close(keys->set.runs[--keys->set.count], &keys->memory, &keys->store);
    keys->stored = (struct keys_stored){0};
    keys->stored_sieve = (struct key_sieve_name){0};
}

/* What cannot be trusted is said, and dropped with what nobody knows. */
static int32_t open_stored(struct keys *keys, trading_error *error)
{
    trading_error failure;
    int32_t code = keys->options.fresh ? TRADING_E_NOT_FOUND : keys_read_manifest(keys, &failure);
    if (code == TRADING_E_NO_MEMORY || code == TRADING_E_IO) {
        if (error)
            *error = failure;
        return code;
    }
    if (code && code != TRADING_E_NOT_FOUND)
        keys_report(keys, &failure);
    if (code) {
        forget_runs(keys);
        keys->next_number = 1;
    }
    keys_begin_loading(keys);
    keys->troubled = false;
    return keys_drop_orphans(keys, error);
}

static int32_t open_store(struct keys *keys, const struct state_store *store, trading_error *error)
{
    const struct memory *memory = keys->memory.memory;
    trading_host_functions host = {.size = sizeof host,
                                   .abi = TRADING_PLUGIN_ABI,
                                   .context = memory->context,
                                   .allocate = memory->allocate,
                                   .release = memory->release};
    keys->own_store = !store;
    keys->store = store ? *store : (struct state_store){.ops = &memory_state_store_ops};
    return store ? TRADING_OK : keys->store.ops->open("", false, &host, &keys->store.store, error);
}

static int32_t open_parts(struct keys *keys, const struct state_store *store, trading_error *error)
{
    int32_t code = open_store(keys, store, error);
    if (!code)
        code = open_stored(keys, error);
    if (code)
        return code;
    struct key_list *list = keys_list_of(keys, &keys->set, 0);
    if (!list)
        return error_no_memory(error, "command keys");
    keys_publish(keys, list);
    keys_count_stored(keys);
    for (uint32_t i = 0; i < keys->set.count; i++)
        keys->inserted += keys->set.runs[i]->footer.count;
    keys->list = list;
    keys->acknowledged = list->generation;
    keys->durable = keys->stored.next_position;
    uint32_t most = keys->options.young;
    keys->young = keys->tables[0] = key_young_new(&keys->memory, most < KEY_FIRST_YOUNG ? most : KEY_FIRST_YOUNG);
    if (!keys->young)
        return error_no_memory(error, "command keys");
    if (keys->options.thread && !keys_start_thread(keys))
        return error_set(error, TRADING_E_NO_MEMORY, "the system gives no thread to the command keys");
    return TRADING_OK;
}

int32_t keys_open(struct keys **keys, struct memory *memory, const struct state_store *store,
                  const struct keys_options *options, trading_error *error)
{
    struct keys *opened = memory_zeroed(memory, 1, sizeof *opened);
    if (!opened)
        return error_no_memory(error, "command keys");
    opened->memory.memory = memory;
    opened->options = *options;
    if (!opened->options.young)
        opened->options.young = KEYS_YOUNG;
    opened->next_number = 1;
    opened->wake_at = INT64_MAX;
    pthread_mutex_init(&opened->mutex, NULL);
    pthread_mutex_init(&opened->door, NULL);
    sem_init(&opened->work, 0, 0);
    int32_t code = open_parts(opened, store, error);
    if (code) {
        keys_close(opened);
        return code;
    }
    *keys = opened;
    return error_clear(error);
}

static void free_tables(struct keys *keys)
{
    for (uint64_t number = keys->sealed; keys->young && number <= keys->young_table; number++)
        key_young_free(&keys->memory, keys->tables[number % KEY_TABLES]);
    struct key_young *spare = atomic_load_explicit(&keys->spare, memory_order_relaxed);
    if (spare)
        key_young_free(&keys->memory, spare);
}

void keys_close(struct keys *keys)
{
    if (!keys)
        return;
    keys_stop_thread(keys);
    keys_abandon_merge(keys);
    keys_store_sieve(keys);
    keys_abandon_loading(keys);
    keys_free_retired(keys);
    free_tables(keys);
    forget_runs(keys);
    if (keys->published)
        keys_free_list(keys, keys->published);
    key_sieve_free(&keys->memory, keys->sieve);
    if (keys->own_store && keys->store.store)
        keys->store.ops->close(keys->store.store);
    sem_destroy(&keys->work);
    pthread_mutex_destroy(&keys->mutex);
    pthread_mutex_destroy(&keys->door);
    memory_release(keys->memory.memory, keys, sizeof *keys);
}
