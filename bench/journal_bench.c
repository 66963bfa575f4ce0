/* What framing and proving commits cost, against the hash and the copy that they are made of. Prints one line a figure: the best of
 * several runs, in bytes of body.
 * usage: journal-bench [--quick] */
#include "journal/commit.h"
#include "journal/entry.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 7u

static void fail(const char *what)
{
    fprintf(stderr, "journal-bench: %s\n", what);
    exit(1);
}

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Entries as deposits are: a random key and digest, and an event of 28 bytes of which half repeat. */
static uint32_t write_deposits(struct writer *writer)
{
    uint64_t random = 88172645463325252u;
    uint32_t entries = 0;
    while ((size_t)(writer->end - writer->at) > ENTRY_FRAME_BYTES + 28) {
        struct cause cause = {.type = 5, .account = 1 + entries % 10000};
        uint64_t words[4];
        for (size_t i = 0; i < 4; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            words[i] = random;
        }
        memcpy(&cause.key, words, sizeof cause.key);
        cause.digest = words[2];
        struct entry_mark mark;
        entry_begin(writer, &cause, &mark);
        write_bytes(writer, "\x01\x1b\0\0USD\0\0\0\0\0\0\0\0\0", 16);
        write_bytes(writer, &words[3], 4);
        write_bytes(writer, &entries, 4);
        write_bytes(writer, "\0\0\0\0", 4);
        entry_end(writer, &mark, 1, entries);
        entries++;
    }
    return entries;
}

struct bench {
    uint64_t run_bytes; /* how much a run goes through */
    struct commit_builder builder;
    struct commit_scratch scratch;
    struct commit header;
    trading_store_commit stored;
    size_t body_size;
    uint8_t *copy;
};

static void run_build(struct bench *bench)
{
    if (commit_build(&bench->builder, &bench->header, &bench->stored, NULL))
        fail("not built");
}

static void run_read(struct bench *bench)
{
    struct commit read;
    if (commit_read(&bench->stored, 0, &bench->scratch, &read, NULL))
        fail("not read");
}

static void run_read_header(struct bench *bench)
{
    struct commit read;
    if (commit_read_header(&bench->stored, 0, &read, NULL))
        fail("not read");
}

static void run_hash(struct bench *bench)
{
    crypto_generichash(bench->header.digest, COMMIT_DIGEST_BYTES, bench->header.body, bench->body_size, NULL, 0);
}

static void run_copy(struct bench *bench)
{
    memcpy(bench->copy, bench->header.body, bench->body_size);
    __asm__ volatile("" ::"r"(bench->copy) : "memory");
}

static void measure(const char *name, struct bench *bench, void (*run)(struct bench *bench))
{
    uint64_t count = bench->run_bytes / bench->body_size + 1;
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t begin = nanoseconds();
        for (uint64_t n = 0; n < count; n++)
            run(bench);
        uint64_t took = nanoseconds() - begin;
        best = took < best ? took : best;
    }
    printf("  %-24s %10" PRIu64 " ns", name, best / count);
    if (run != run_read_header)
        printf(" %8" PRIu64 " MB/s", bench->body_size * count * 1000 / best);
    printf("\n");
}

static void bench_commits(size_t limit, int32_t compression, uint64_t run_bytes)
{
    struct memory memory;
    memory_init(&memory);
    struct bench bench = {.run_bytes = run_bytes, .scratch = {.memory = &memory}, .header = {.nonce = {{1}}}};
    if (commit_builder_open(&bench.builder, &memory, limit, compression, NULL))
        fail("no builder");
    const uint8_t *begin = bench.builder.body.at;
    bench.header.entries = write_deposits(&bench.builder.body);
    bench.header.events = bench.header.entries;
    bench.body_size = (size_t)(bench.builder.body.at - begin);
    bench.copy = memory_allocate(&memory, bench.body_size);
    run_build(&bench);
    printf("%zu bytes of body, %" PRIu32 " entries, compression %d: %" PRIu64 " stored\n", bench.body_size,
           bench.header.entries, compression, bench.stored.size);
    measure("build", &bench, run_build);
    measure("read", &bench, run_read);
    if (!compression) {
        measure("read header", &bench, run_read_header);
        measure("BLAKE2b-256 alone", &bench, run_hash);
        measure("copy alone", &bench, run_copy);
    }
    memory_release(&memory, bench.copy, bench.body_size);
    commit_scratch_close(&bench.scratch);
    commit_builder_close(&bench.builder);
}

int main(int argc, char **argv)
{
    bool quick = argc == 2 && !strcmp(argv[1], "--quick");
    if (argc > 1 && !quick)
        return fputs("usage: journal-bench [--quick]\n", stderr), 2;
    uint64_t run_bytes = quick ? 1u << 20 : 64u << 20;
    static const size_t limits[] = {200, 4096, 65536, 360000, 4000000};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        bench_commits(limits[i], 0, run_bytes);
    bench_commits(360000, 1, run_bytes);
    bench_commits(360000, 3, run_bytes);
    return 0;
}
