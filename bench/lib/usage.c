#include "bench/lib/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The number after `name` in a file of lines such as "VmHWM:   1234 kB"; 0: there is none. */
static uint64_t read_line(const char *path, const char *name)
{
    char line[256];
    uint64_t value = 0;
    size_t length = strlen(name);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, length) && sscanf(line + length, ": %" SCNu64, &value) == 1)
            break;
    fclose(file);
    return value;
}

void usage_read(struct usage *usage)
{
    usage->max_rss_bytes = read_line("/proc/self/status", "VmHWM") * 1024;
    usage->rss_anon_bytes = read_line("/proc/self/status", "RssAnon") * 1024;
    usage->written_bytes = read_line("/proc/self/io", "write_bytes");
}
