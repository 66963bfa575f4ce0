/* What a plugin needs of a host, where a test has none: the C library's memory, and lines on standard error. */
#ifndef PLAIN_HOST_H
#define PLAIN_HOST_H

#include <stdio.h>
#include <stdlib.h>

#include <trading/plugin/plugin.h>

static inline void *plain_allocate(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static inline void plain_release(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)bytes;
    free(memory);
}

static inline void plain_log(void *context, int32_t level, const char *line)
{
    (void)context;
    fprintf(stderr, "the plugin says (%d): %s\n", (int)level, line);
}

static const trading_host_functions plain_host = {.size = sizeof plain_host,
                                                  .abi = TRADING_PLUGIN_ABI,
                                                  .allocate = plain_allocate,
                                                  .release = plain_release,
                                                  .log = plain_log};

#endif
