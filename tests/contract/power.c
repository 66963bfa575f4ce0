/* The record, and what is noted in it. */
#include "power.h"

#include "power_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS ((size_t)1 << 17)
#define ROOM   ((size_t)256 << 20)
#define LIFE   120 /* seconds: who lives longer hangs */

static struct power_record *watched;
static uint64_t runs;

_Noreturn void power_give_up(const char *why)
{
    fprintf(stderr, "the record of what is written: %s (%s)\n", why, strerror(errno));
    abort();
}

/* ---- the record ---- */

static void *shared(size_t bytes)
{
    void *made = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (made == MAP_FAILED)
        power_give_up("no memory");
    return made;
}

static void renew_lock(struct power_record *record)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&record->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

struct power_record *power_record_make(void)
{
    struct power_record *record = shared(sizeof *record);
    record->events = shared(EVENTS * sizeof *record->events);
    record->room = shared(ROOM);
    renew_lock(record);
    return record;
}

struct power_record *power_watched(void)
{
    return watched;
}

void power_lock(struct power_record *record)
{
    pthread_mutex_lock(&record->lock);
}

void power_unlock(struct power_record *record)
{
    pthread_mutex_unlock(&record->lock);
}

static uint8_t *keep_room(struct power_record *record, uint64_t size)
{
    if (size > ROOM - record->used)
        power_give_up("too many bytes");
    uint8_t *room = record->room + record->used;
    record->used += (size + 7) & ~(uint64_t)7;
    return room;
}

static const char *keep_name(struct power_record *record, const char *name)
{
    size_t size = strlen(name) + 1;
    return memcpy(keep_room(record, size), name, size);
}

static struct power_file *add_file(struct power_record *record, const struct stat *status, const char *path)
{
    if (record->file_count == POWER_FILES)
        power_give_up("too many files");
    struct power_file *file = &record->files[record->file_count++];
    *file = (struct power_file){.device = status->st_dev, .inode = status->st_ino};
    if (S_ISDIR(status->st_mode))
        file->folder = keep_name(record, path);
    return file;
}

/* ---- what is there before ---- */

static void load_file(struct power_record *record, struct power_file *file, const char *path)
{
    uint8_t *bytes = keep_room(record, file->size);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || pread(fd, bytes, file->size, 0) != (ssize_t)file->size)
        power_give_up(path);
    close(fd);
    file->bytes = bytes;
}

static void load_folder(struct power_record *record, const char *prefix);

static void load_entry(struct power_record *record, const char *prefix, const char *entry)
{
    char name[POWER_PATH];
    char path[2 * POWER_PATH];
    struct stat status;
    if (snprintf(name, sizeof name - 1, "%s%s", prefix, entry) >= (int)sizeof name - 1)
        power_give_up("a long name");
    snprintf(path, sizeof path, "%s/%s", record->root, name);
    if (stat(path, &status))
        power_give_up(path);
    struct power_file *file = add_file(record, &status, name);
    file->name = keep_name(record, name);
    if (file->folder) {
        snprintf(path, sizeof path, "%s/", name);
        load_folder(record, path);
        return;
    }
    file->size = file->size_now = (uint64_t)status.st_size;
    load_file(record, file, path);
}

static void load_folder(struct power_record *record, const char *prefix)
{
    char path[2 * POWER_PATH];
    snprintf(path, sizeof path, "%s/%s", record->root, prefix);
    DIR *entries = opendir(path);
    if (!entries)
        power_give_up(path);
    const struct dirent *entry;
    while ((entry = readdir(entries)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            load_entry(record, prefix, entry->d_name);
    closedir(entries);
}

void power_watch(struct power_record *record, const char *folder, bool flush)
{
    char path[PATH_MAX];
    struct stat status;
    if (!realpath(folder, path) || strlen(path) >= sizeof record->root || stat(path, &status))
        power_give_up(folder);
    memcpy(record->root, path, strlen(path) + 1);
    record->flush = flush;
    record->run = ++runs;
    record->die_at = SIZE_MAX;
    record->count = record->used = record->file_count = 0;
    add_file(record, &status, "");
    load_folder(record, "");
    watched = record;
}

void power_unwatch(void)
{
    watched = NULL;
}

int power_live(void (*life)(void *arg), void *arg)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        alarm(LIFE);
        life(arg);
        power_lock(watched); /* what other threads of it do is noted */
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child)
        power_give_up("a process of its own");
    renew_lock(watched); /* who died may have had it */
    return status;
}

void power_die_at(size_t count, bool late)
{
    watched->die_at = count;
    watched->dies_late = late;
}

/* ---- which file ---- */

/* The newest file of the number: they are used again. */
static uint32_t find_file(const struct power_record *record, const struct stat *status)
{
    for (uint32_t i = record->file_count; i-- > 0;)
        if (record->files[i].device == status->st_dev && record->files[i].inode == status->st_ino)
            return i;
    return POWER_UNKNOWN;
}

uint32_t power_file_of(struct power_record *record, int fd)
{
    struct stat status;
    if (!record || fstat(fd, &status))
        return POWER_UNKNOWN;
    power_lock(record);
    uint32_t file = find_file(record, &status);
    power_unlock(record);
    return file;
}

static uint32_t folder_of(const struct power_record *record, const char *name)
{
    const char *slash = strrchr(name, '/');
    size_t length = slash ? (size_t)(slash - name) : 0;
    for (uint32_t i = record->file_count; i-- > 0;) {
        const char *folder = record->files[i].folder;
        if (folder && strlen(folder) == length && memcmp(folder, name, length) == 0)
            return i;
    }
    return POWER_UNKNOWN;
}

bool power_place_of(struct power_record *record, int at, const char *path, struct power_place *place)
{
    if (!record)
        return false;
    size_t root = strlen(record->root);
    if (*path == '/') {
        if (strncmp(path, record->root, root) != 0 || path[root] != '/')
            return false;
        snprintf(place->name, sizeof place->name, "%s", path + root + 1);
    } else {
        uint32_t folder = power_file_of(record, at);
        if (folder == POWER_UNKNOWN || !record->files[folder].folder)
            return false;
        const char *prefix = record->files[folder].folder;
        snprintf(place->name, sizeof place->name, "%s%s%s", prefix, *prefix ? "/" : "", path);
    }
    power_lock(record);
    place->folder = folder_of(record, place->name);
    power_unlock(record);
    return place->folder != POWER_UNKNOWN;
}

/* ---- events ---- */

/* All threads end within what they do; none of them is between doing and noting it. */
static void note(struct power_record *record, const struct power_event *event)
{
    bool dies = record->count >= record->die_at;
    if (dies && record->dies_late && event->kind == POWER_FLUSHED)
        _exit(0);
    if (record->count == EVENTS)
        power_give_up("too many events");
    record->events[record->count++] = *event;
    if (dies && !record->dies_late)
        _exit(0);
}

void power_mark(const void *bytes, size_t size)
{
    power_lock(watched);
    struct power_event event = {.kind = POWER_MARKED, .size = size, .bytes = memcpy(keep_room(watched, size), bytes, size)};
    note(watched, &event);
    power_unlock(watched);
}

void power_note_size(struct power_record *record, uint32_t file, uint64_t size)
{
    struct power_event event = {.kind = POWER_SIZED, .file = file, .size = size};
    record->files[file].size_now = size;
    note(record, &event);
}

void power_note_bytes(struct power_record *record, uint32_t file, uint64_t offset, const struct iovec *parts, uint64_t size)
{
    uint8_t *bytes = keep_room(record, size);
    uint64_t done = 0;
    for (; done < size; parts++) {
        uint64_t piece = size - done < parts->iov_len ? size - done : parts->iov_len;
        memcpy(bytes + done, parts->iov_base, piece);
        done += piece;
    }
    struct power_event event = {.kind = POWER_WROTE, .file = file, .offset = offset, .size = size, .bytes = bytes};
    struct power_file *to = &record->files[file];
    if (offset + size > to->size_now)
        to->size_now = offset + size;
    note(record, &event);
}

void power_note_flush(struct power_record *record, uint32_t file, uint64_t offset, uint64_t size, size_t since)
{
    struct power_event event = {.kind = POWER_FLUSHED, .file = file, .offset = offset, .size = size, .since = since};
    note(record, &event);
}

void power_note_made(struct power_record *record, const struct power_place *place, const struct stat *status)
{
    add_file(record, status, place->name);
    struct power_event event = {
        .kind = POWER_NAMED, .file = record->file_count - 1, .folder = place->folder, .name = keep_name(record, place->name)};
    note(record, &event);
}

void power_note_renamed(struct power_record *record, const struct power_place *from, const struct power_place *to,
                        const struct stat *status)
{
    if (from->folder != to->folder)
        power_give_up("a name in another folder is not modelled");
    struct power_event event = {.kind = POWER_RENAMED,
                                .file = find_file(record, status),
                                .folder = from->folder,
                                .name = keep_name(record, from->name),
                                .new_name = keep_name(record, to->name)};
    note(record, &event);
}

void power_note_removed(struct power_record *record, const struct power_place *place)
{
    struct power_event event = {.kind = POWER_UNNAMED, .folder = place->folder, .name = keep_name(record, place->name)};
    note(record, &event);
}
