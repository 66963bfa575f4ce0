/* What every store refuses before it does anything: misuse by its caller. Each returns TRADING_OK, or fills `error`; the last three
 * are for state stores. */
#ifndef STORE_ARGUMENTS_H
#define STORE_ARGUMENTS_H

#include <trading/plugin/store.h>

int32_t check_open_arguments(const trading_store_request *request, const trading_host_functions *host, void **store,
                             trading_error *error);
int32_t check_head_arguments(const trading_store_head *head, trading_error *error);
/* That there are commits, each with bytes (at most `most`) and events, and each begins where the one before it ends. */
int32_t check_append_arguments(const trading_store_commit *commits, size_t count, uint64_t most, trading_error *error);
int32_t check_read_arguments(int64_t from, trading_store_visit visit, trading_error *error);
int32_t check_snapshot_put_arguments(int64_t position, const void *data, uint64_t size, trading_error *error);
int32_t check_snapshot_find_arguments(const int64_t *position, const uint32_t *chunks, trading_error *error);
int32_t check_snapshot_get_arguments(int64_t position, trading_store_bytes take, trading_error *error);
int32_t check_snapshot_drop_arguments(int64_t position, trading_error *error);
int32_t check_secret_put_arguments(const trading_store_secret *secrets, size_t count, trading_error *error);
int32_t check_secret_get_arguments(const trading_id *name, const uint8_t *value, trading_error *error);
int32_t check_secret_delete_arguments(const trading_id *name, trading_error *error);
int32_t check_info_arguments(const trading_store_info *info, trading_error *error);

int32_t check_state_key(const void *key, size_t key_size, trading_error *error);
int32_t check_state_value(const void *value, size_t value_size, trading_error *error);
int32_t check_state_scan(const void *prefix, size_t prefix_size, const void *from, size_t from_size, trading_error *error);

#endif
