/* Where plugins are looked for. */
#ifndef PLUGIN_SEARCH_H
#define PLUGIN_SEARCH_H

#include "plugin/host.h"

/* Hands over the absolute folders of the host's search path in their order, until `take` returns false. */
void search_folders(const trading_host *host, bool (*take)(void *arg, const char *folder, size_t length), void *arg);

/* The path of the first NAME.so there is. TRADING_E_NOT_FOUND, with the folders that were looked into. */
int32_t search_name(const trading_host *host, const char *name, char path[PLUGIN_PATH_BYTES], trading_error *error);

/* The names for which there is a file in a folder, in no order, until `take` returns false. A folder that cannot be read has none. */
void search_folder(const char *folder, bool (*take)(void *arg, const char *name), void *arg);

/* Puts the path of a plugin together. False when it is too long. */
bool search_join(char path[PLUGIN_PATH_BYTES], const char *folder, size_t length, const char *name);

#endif
