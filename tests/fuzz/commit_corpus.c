/* Writes the first inputs of the commit fuzzer into a folder: corpus/commit is its output. Run again when the format changes.
 * usage: commit-corpus FOLDER */
#include "journal/commit.h"
#include "journal/entry.h"

#include <stdio.h>
#include <string.h>

struct seed {
    const char *name;
    uint32_t entries;
    uint32_t flags; /* of the entries */
    int32_t compression;
    uint8_t fixes; /* commit_fuzz.c: FIX_ */
    bool noise;    /* in place of entries */
};

static const struct seed seeds[] = {
    {.name = "whole", .entries = 2, .flags = ENTRY_FLAGS},
    {.name = "whole-compressed", .entries = 20, .compression = 3},
    {.name = "plain", .fixes = 7, .entries = 1},
    {.name = "plain-actor", .fixes = 7, .entries = 2, .flags = ENTRY_ACTOR},
    {.name = "plain-correlation", .fixes = 7, .entries = 2, .flags = ENTRY_CORRELATION},
    {.name = "plain-continued", .fixes = 7, .entries = 3, .flags = ENTRY_CONTINUED},
    {.name = "plain-sizes", .fixes = 1, .entries = 2, .flags = ENTRY_FLAGS},
    {.name = "compressed", .fixes = 3, .entries = 40, .flags = ENTRY_FLAGS, .compression = 1},
    {.name = "compressed-sizes", .fixes = 1, .entries = 10, .compression = 19},
    {.name = "noise", .fixes = 7, .entries = 1, .noise = true},
};

static void write_entries(struct writer *writer, const struct seed *seed)
{
    for (uint32_t i = 0; i < seed->entries; i++) {
        struct cause cause = {.type = (int32_t)(1 + i), .flags = seed->flags, .key = {{1, 2, 3}}, .account = 1000 * i};
        if (seed->flags & ENTRY_ACTOR)
            cause.actor.bytes[0] = 9;
        if (seed->flags & ENTRY_CORRELATION)
            cause.correlation.bytes[0] = 9;
        struct entry_mark mark;
        entry_begin(writer, &cause, &mark);
        write_bytes(writer, "ev", 2);
        entry_end(writer, &mark, 2, INT64_C(1000) * i);
    }
}

static int write_seed(const char *folder, const struct seed *seed, const trading_store_commit *commit)
{
    char path[4096];
    int length = snprintf(path, sizeof path, "%s/%s", folder, seed->name);
    if (length < 0 || length >= (int)sizeof path)
        return -1;
    FILE *file = fopen(path, "wb");
    if (!file)
        return -1;
    size_t size = (size_t)commit->size - (seed->fixes ? COMMIT_DIGEST_BYTES : 0);
    bool written = fputc(seed->fixes, file) != EOF && fwrite(commit->data, 1, size, file) == size;
    return fclose(file) || !written ? -1 : 0;
}

static int make_seed(const char *folder, const struct seed *seed)
{
    struct memory memory;
    memory_init(&memory);
    struct commit_builder builder;
    trading_error error = {0};
    if (commit_builder_open(&builder, &memory, 10000, seed->compression, &error))
        return -1;
    if (seed->noise)
        write_bytes(&builder.body, "neither an entry nor a frame", 28);
    else
        write_entries(&builder.body, seed);
    struct commit header = {.partition = 3,
                            .entries = seed->entries,
                            .events = 2 * seed->entries,
                            .time = INT64_C(1700000000000000000),
                            .nonce = {{7}}};
    if (seed->flags) {
        header.first_position = 12345;
        memset(header.previous, 0xdd, sizeof header.previous);
    }
    trading_store_commit commit;
    int status = commit_build(&builder, &header, &commit, &error) ? -1 : write_seed(folder, seed, &commit);
    commit_builder_close(&builder);
    return status;
}

int main(int count, char **arguments)
{
    if (count != 2) {
        fprintf(stderr, "usage: commit-corpus FOLDER\n");
        return 2;
    }
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        if (make_seed(arguments[1], &seeds[i])) {
            fprintf(stderr, "commit-corpus: cannot write %s/%s\n", arguments[1], seeds[i].name);
            return 1;
        }
    }
    return 0;
}
