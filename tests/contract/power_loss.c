/* What a loss of power leaves (power.h): a folder made from a record. */
#include "power.h"
#include "power_record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD_SECTORS (2 * 4096 / POWER_SECTOR)
#define NAMES        256u

/* ---- chance ---- */

static uint64_t mix(uint64_t value)
{
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

uint64_t power_random(uint64_t *seed, uint64_t bound)
{
    *seed += 0x9e3779b97f4a7c15;
    return mix(*seed) % bound;
}

/* Half of the time all of them are, else often none. */
static size_t draw_moment(uint64_t *seed, size_t at)
{
    size_t before = (size_t)power_random(seed, 64);
    if (before >= 32)
        return at;
    return before >= 16 || before > at ? 0 : at - before;
}

struct power_loss power_draw(uint64_t seed, size_t at)
{
    static const uint32_t grains[] = {1, 1, 8, 0};
    static const uint32_t kept[] = {0, 0, 256, 256, 128, 16, 240};
    struct power_loss loss = {.at = at};
    loss.luck = (enum power_luck)power_random(&seed, 3);
    loss.grain = grains[power_random(&seed, 4)];
    loss.kept = kept[power_random(&seed, 7)];
    loss.heads = (int)power_random(&seed, 4) - 2;
    loss.heads = loss.heads < -1 ? 1 : loss.heads; /* that the newest meta page is there is the worst that can be */
    loss.odd = power_random(&seed, 2);
    if (loss.odd && power_random(&seed, 2)) { /* all is there but for one sector */
        loss.luck = POWER_BY_CHANCE;
        loss.kept = 256;
        loss.heads = 0;
    }
    loss.sizes = draw_moment(&seed, at);
    loss.names = draw_moment(&seed, at);
    loss.seed = seed;
    return loss;
}

struct power_loss power_lose_nothing(const struct power_record *record)
{
    return (struct power_loss){.at = record->count, .kept = 256, .sizes = record->count, .names = record->count};
}

void power_describe(const struct power_loss *loss, char *text, size_t size)
{
    static const char *const lucks[] = {"by chance", "what was first", "what was last"};
    snprintf(text, size,
             "lost before event %zu; of what was not flushed, %s, %u of 256 pieces of %u sectors are kept, of heads %s%s; "
             "lengths up "
             "to event %zu, names up to %zu; seed %llu",
             loss->at, lucks[loss->luck], loss->kept, loss->grain,
             loss->heads < 0 ? "none"
             : loss->heads   ? "all"
                             : "some",
             loss->odd ? ", and one sector is odd" : "", loss->sizes, loss->names, (unsigned long long)loss->seed);
}

/* ---- what is surely there, and what may be ---- */

struct cut {
    const struct power_record *record;
    struct power_loss loss;
    size_t durable[POWER_FILES]; /* what was done to the file before this event is there */
    size_t sized[POWER_FILES];   /* … its length */
    size_t *writes;              /* that are not surely there */
    size_t write_count;
    size_t *parts; /* flushes of a part of a file */
    size_t part_count;
    size_t split; /* between what was first and what was last */
    size_t odd_write;
    uint64_t odd_sector;
};

static uint64_t first_sector(const struct power_event *event)
{
    return event->offset / POWER_SECTOR;
}

static uint64_t end_sector(const struct power_event *event)
{
    return (event->offset + event->size + POWER_SECTOR - 1) / POWER_SECTOR;
}

static bool touches(const struct power_event *event, uint32_t file, uint64_t sector)
{
    return event->file == file && sector >= first_sector(event) && sector < end_sector(event);
}

static void raise(size_t *to, size_t value)
{
    if (*to < value)
        *to = value;
}

static void find_durable(struct cut *cut)
{
    for (size_t i = 0; i < cut->loss.at; i++) {
        const struct power_event *event = &cut->record->events[i];
        if (event->kind != POWER_FLUSHED)
            continue;
        raise(&cut->sized[event->file], event->since);
        if (event->size == UINT64_MAX)
            raise(&cut->durable[event->file], event->since);
    }
}

static void find_uncertain(struct cut *cut)
{
    for (size_t i = 0; i < cut->loss.at; i++) {
        const struct power_event *event = &cut->record->events[i];
        if (event->kind == POWER_WROTE && i >= cut->durable[event->file])
            cut->writes[cut->write_count++] = i;
        if (event->kind == POWER_FLUSHED && event->size != UINT64_MAX && event->since > cut->durable[event->file])
            cut->parts[cut->part_count++] = i;
    }
}

/* One of the newest: a file that is never flushed has more and more. */
static size_t draw_write(const struct cut *cut, uint64_t *seed)
{
    size_t newest = cut->write_count < 8 ? cut->write_count : 8;
    return cut->writes[cut->write_count - 1 - power_random(seed, newest)];
}

static void draw_odd(struct cut *cut)
{
    const struct power_event *events = cut->record->events;
    uint64_t seed = cut->loss.seed;
    cut->odd_write = SIZE_MAX;
    if (!cut->write_count)
        return;
    cut->split = draw_write(cut, &seed);
    if (!cut->loss.odd)
        return;
    cut->odd_write = draw_write(cut, &seed);
    const struct power_event *odd = &events[cut->odd_write];
    cut->odd_sector = first_sector(odd) + power_random(&seed, end_sector(odd) - first_sector(odd));
}

static void cut_begin(struct cut *cut, const struct power_record *record, const struct power_loss *loss)
{
    *cut = (struct cut){.record = record, .loss = *loss};
    cut->writes = malloc((loss->at + 1) * sizeof *cut->writes);
    cut->parts = malloc((loss->at + 1) * sizeof *cut->parts);
    if (!cut->writes || !cut->parts)
        power_give_up("no memory");
    find_durable(cut);
    find_uncertain(cut);
    draw_odd(cut);
}

static void cut_end(struct cut *cut)
{
    free(cut->writes);
    free(cut->parts);
}

static bool lucky_piece(const struct cut *cut, size_t write, uint64_t sector)
{
    const struct power_loss *loss = &cut->loss;
    if (loss->heads && sector < HEAD_SECTORS)
        return loss->heads > 0;
    if (loss->luck == POWER_FIRST)
        return write < cut->split;
    if (loss->luck == POWER_LAST)
        return write >= cut->split;
    uint64_t piece = loss->grain ? sector / loss->grain : 0;
    return mix(loss->seed ^ mix(write ^ piece << 24)) % 256 < loss->kept;
}

static bool lucky(const struct cut *cut, size_t write, uint64_t sector)
{
    bool odd = write == cut->odd_write && sector == cut->odd_sector;
    return lucky_piece(cut, write, sector) != odd;
}

/* A sector is there as a later write left it, or surely. */
static bool is_there(const struct cut *cut, size_t write, uint64_t sector)
{
    const struct power_event *events = cut->record->events;
    uint32_t file = events[write].file;
    for (size_t i = cut->write_count; i-- > 0 && cut->writes[i] >= write;)
        if (touches(&events[cut->writes[i]], file, sector) && lucky(cut, cut->writes[i], sector))
            return true;
    for (size_t i = cut->part_count; i-- > 0 && cut->parts[i] > write;)
        if (events[cut->parts[i]].since > write && touches(&events[cut->parts[i]], file, sector))
            return true;
    return false;
}

/* ---- files ---- */

struct image {
    uint8_t *bytes;
    uint64_t capacity;
    uint64_t size;
};

static uint64_t longest(const struct cut *cut, uint32_t file)
{
    uint64_t most = cut->record->files[file].size;
    for (size_t i = 0; i < cut->loss.at; i++) {
        const struct power_event *event = &cut->record->events[i];
        if (event->file == file && event->kind == POWER_WROTE && event->offset + event->size > most)
            most = event->offset + event->size;
        if (event->file == file && event->kind == POWER_SIZED && event->size > most)
            most = event->size;
    }
    return most;
}

static void put_bytes(const struct cut *cut, size_t write, struct image *image)
{
    const struct power_event *event = &cut->record->events[write];
    if (write < cut->durable[event->file]) {
        memcpy(image->bytes + event->offset, event->bytes, event->size);
        return;
    }
    for (uint64_t sector = first_sector(event); sector < end_sector(event); sector++) {
        uint64_t begins = sector * POWER_SECTOR;
        uint64_t ends = begins + POWER_SECTOR;
        begins = begins < event->offset ? event->offset : begins;
        ends = ends > event->offset + event->size ? event->offset + event->size : ends;
        if (is_there(cut, write, sector))
            memcpy(image->bytes + begins, event->bytes + (begins - event->offset), ends - begins);
    }
}

static void put_size(const struct cut *cut, size_t index, struct image *image)
{
    const struct power_event *event = &cut->record->events[index];
    if (index >= cut->sized[event->file] && index >= cut->loss.sizes)
        return;
    if (event->kind == POWER_SIZED && event->size < image->size)
        memset(image->bytes + event->size, 0, image->capacity - event->size);
    if (event->kind == POWER_SIZED)
        image->size = event->size;
    else if (event->offset + event->size > image->size)
        image->size = event->offset + event->size;
}

static struct image make_image(const struct cut *cut, uint32_t file)
{
    const struct power_file *before = &cut->record->files[file];
    struct image image = {.capacity = longest(cut, file), .size = before->size};
    image.bytes = calloc(1, image.capacity + 1);
    if (!image.bytes)
        power_give_up("no memory");
    if (before->size)
        memcpy(image.bytes, before->bytes, before->size);
    for (size_t i = 0; i < cut->loss.at; i++) {
        const struct power_event *event = &cut->record->events[i];
        if (event->file != file || (event->kind != POWER_WROTE && event->kind != POWER_SIZED))
            continue;
        if (event->kind == POWER_WROTE)
            put_bytes(cut, i, &image);
        put_size(cut, i, &image);
    }
    return image;
}

/* ---- names ---- */

struct names {
    struct {
        const char *path;
        uint32_t file;
    } all[NAMES];
    uint32_t count;
};

static void take_name(struct names *names, const char *path)
{
    for (uint32_t i = 0; i < names->count; i++)
        if (strcmp(names->all[i].path, path) == 0)
            names->all[i--] = names->all[--names->count];
}

static void give_name(struct names *names, const char *path, uint32_t file)
{
    take_name(names, path);
    if (names->count == NAMES)
        power_give_up("too many names");
    names->all[names->count].path = path;
    names->all[names->count++].file = file;
}

static void change_name(struct names *names, const struct power_event *event)
{
    if (event->kind == POWER_UNNAMED || event->kind == POWER_RENAMED)
        take_name(names, event->name);
    if (event->kind == POWER_NAMED)
        give_name(names, event->name, event->file);
    if (event->kind == POWER_RENAMED)
        give_name(names, event->new_name, event->file);
}

static void find_names(const struct cut *cut, struct names *names)
{
    *names = (struct names){0};
    const struct power_record *record = cut->record;
    for (uint32_t i = 1; i < record->file_count; i++)
        if (record->files[i].name)
            give_name(names, record->files[i].name, i);
    for (size_t i = 0; i < cut->loss.at; i++) {
        const struct power_event *event = &record->events[i];
        bool names_something = event->kind == POWER_NAMED || event->kind == POWER_RENAMED || event->kind == POWER_UNNAMED;
        if (names_something && (i < cut->durable[event->folder] || i < cut->loss.names))
            change_name(names, event);
    }
}

/* ---- the folder ---- */

static void save_file(const struct image *image, const char *path)
{
    static const uint8_t zeros[1 << 16];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)image->size))
        power_give_up(path);
    for (uint64_t at = 0; at < image->size; at += sizeof zeros) {
        size_t piece = image->size - at < sizeof zeros ? (size_t)(image->size - at) : sizeof zeros;
        if (memcmp(image->bytes + at, zeros, piece) != 0 && pwrite(fd, image->bytes + at, piece, (off_t)at) != (ssize_t)piece)
            power_give_up(path);
    }
    close(fd);
}

/* What is in a folder whose own name is not there is lost with it. */
static void save_entries(const struct cut *cut, const struct names *names, const char *folder, bool folders)
{
    for (uint32_t i = 0; i < names->count; i++) {
        char path[2 * POWER_PATH];
        char parent[2 * POWER_PATH];
        snprintf(path, sizeof path, "%s/%s", folder, names->all[i].path);
        snprintf(parent, sizeof parent, "%.*s", (int)(strrchr(path, '/') - path), path);
        if (!cut->record->files[names->all[i].file].folder != !folders || access(parent, F_OK))
            continue;
        if (folders) {
            if (mkdir(path, 0700))
                power_give_up(path);
            continue;
        }
        struct image image = make_image(cut, names->all[i].file);
        save_file(&image, path);
        free(image.bytes);
    }
}

void power_lose(const struct power_record *record, const struct power_loss *loss, const char *folder)
{
    struct cut cut;
    struct names names;
    cut_begin(&cut, record, loss);
    find_names(&cut, &names);
    save_entries(&cut, &names, folder, true);
    save_entries(&cut, &names, folder, false);
    cut_end(&cut);
}

static bool same_file(const struct image *image, const char *path)
{
    struct stat status;
    uint8_t *bytes = malloc(image->size + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool same = bytes && fd >= 0 && fstat(fd, &status) == 0 && (uint64_t)status.st_size == image->size &&
                pread(fd, bytes, image->size, 0) == (ssize_t)image->size && memcmp(bytes, image->bytes, image->size) == 0;
    if (fd >= 0)
        close(fd);
    free(bytes);
    return same;
}

static uint32_t count_entries(const char *path)
{
    DIR *entries = opendir(path);
    const struct dirent *entry;
    uint32_t count = 0;
    while (entries && (entry = readdir(entries)))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (entries)
        closedir(entries);
    return count;
}

bool power_agrees(const struct power_record *record, const char *folder)
{
    struct cut cut;
    struct names names;
    struct power_loss nothing = power_lose_nothing(record);
    cut_begin(&cut, record, &nothing);
    find_names(&cut, &names);
    bool agrees = true;
    uint32_t entries = count_entries(folder);
    for (uint32_t i = 0; i < names.count; i++) {
        char path[2 * POWER_PATH];
        snprintf(path, sizeof path, "%s/%s", folder, names.all[i].path);
        if (record->files[names.all[i].file].folder) {
            entries += count_entries(path);
            continue;
        }
        struct image image = make_image(&cut, names.all[i].file);
        bool same = same_file(&image, path);
        if (!same)
            fprintf(stderr, "%s is not what was written there\n", path);
        agrees = agrees && same;
        free(image.bytes);
    }
    cut_end(&cut);
    return agrees && entries == names.count;
}
