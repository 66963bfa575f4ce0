#include "bench/lib/usage.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
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

/* Of a file of one line, without its end. */
static bool read_first_line(const char *directory, const char *thread, const char *name, char *line, int size)
{
    char path[320];
    snprintf(path, sizeof path, "%s/%s/%s", directory, thread, name);
    FILE *file = fopen(path, "r");
    bool good = file && fgets(line, size, file);
    if (good)
        line[strcspn(line, "\n")] = 0;
    if (file)
        fclose(file);
    return good;
}

int64_t usage_of_threads(const char *name)
{
    static const char tasks[] = "/proc/self/task";
    char line[256];
    int64_t sum = 0;
    DIR *directory = opendir(tasks);
    for (struct dirent *entry; directory && (entry = readdir(directory));) {
        if (read_first_line(tasks, entry->d_name, "comm", line, sizeof line) && !strcmp(line, name) &&
            read_first_line(tasks, entry->d_name, "schedstat", line, sizeof line))
            sum += strtoll(line, NULL, 10);
    }
    if (directory)
        closedir(directory);
    return sum;
}
