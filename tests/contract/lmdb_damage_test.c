/* Files that are not what was written: an error, or no difference, but never a crash, and never other bytes than were written. */
#include "backends/lmdb/page_format.h"
#include "lmdb_support.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <lmdb.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
enum { PARTITIONS = 2 };

struct sample {
    char folder[SCRATCH_PATH]; /* of the store that is broken */
    char journal[SCRATCH_PATH + 64];
    uint8_t *bytes; /* of the whole file */
    size_t size;
    int64_t ends[PARTITIONS];
};

/* A store with a tree of two or three levels, leaves with commits within and without, a free list, and two partitions. */
static int make_sample(void **state)
{
    static struct sample sample;
    scratch_make(sample.folder);
    path_in(sample.journal, sample.folder, "journal.mdb");
    void *store = must_open(sample.folder);
    for (int64_t i = 0; i < 150; i++)
        must_append(store, 0, i * 2, 2, i % 5 ? 1500 : 3000);
    for (int64_t i = 0; i < 100; i++)
        must_append(store, 7, i, 1, i % 50 ? 40 : 30000);
    sample.ends[0] = head_of(store, 0);
    sample.ends[1] = head_of(store, 7);
    lmdb_store_ops.close(store);
    sample.bytes = file_load(sample.journal, &sample.size);
    *state = &sample;
    return 0;
}

static int drop_sample(void **state)
{
    struct sample *sample = *state;
    free(sample->bytes);
    scratch_remove(sample->folder);
    return 0;
}

/* What became of a store that was broken. */
struct fate {
    bool opened;
    bool noticed; /* somewhere an error */
    bool shorter; /* commits at the end are missing, and nothing said so */
    bool wrong;   /* bytes that never were written */
};

static void note(struct fate *fate, int32_t code)
{
    fate->noticed = fate->noticed || code != TRADING_OK;
}

/* Opens it, reads, appends, reads again, checks: all that could crash. */
static struct fate try_store(const struct sample *sample, uint32_t flags)
{
    static const uint32_t numbers[PARTITIONS] = {0, 7};
    struct fate fate = {0};
    void *store;
    trading_error error;
    note(&fate, open_lmdb(sample->folder, (struct opening){.flags = flags}, &store, &error));
    if (!store)
        return fate;
    fate.opened = true;
    for (int i = 0; i < PARTITIONS; i++) {
        struct extent extent = read_extent(store, numbers[i]);
        note(&fate, extent.code);
        fate.wrong = fate.wrong || extent.wrong;
        fate.shorter = fate.shorter || (!extent.code && extent.end != sample->ends[i]);
        if (!(flags & TRADING_STORE_READ_ONLY) && !extent.code) {
            note(&fate, append_bytes(store, numbers[i], head_of(store, numbers[i]), 1, 3000, &error));
            extent = read_extent(store, numbers[i]);
            note(&fate, extent.code);
            fate.wrong = fate.wrong || extent.wrong;
        }
    }
    note(&fate, lmdb_store_ops.check(store, &error));
    lmdb_store_ops.close(store);
    return fate;
}

static uint16_t flags_at(const struct sample *sample, size_t page)
{
    struct page_header header;
    memcpy(&header, sample->bytes + page * PAGE, sizeof header);
    return header.number == page ? header.flags : 0;
}

static struct fate flip(const struct sample *sample, size_t at, uint8_t bits, uint32_t flags)
{
    sample->bytes[at] ^= bits;
    file_save(sample->journal, sample->bytes, sample->size);
    sample->bytes[at] ^= bits;
    struct fate fate = try_store(sample, flags);
    if (fate.wrong || (fate.shorter && !fate.noticed && at >= 2 * PAGE))
        fail_msg("byte %zu with %#x: %s", at, bits,
                 fate.wrong ? "wrong bytes were read" : "commits are gone, and nobody says so");
    return fate;
}

/* ---- tests ---- */

static void whole(void **state)
{
    const struct sample *sample = *state;
    struct fate fate = try_store(sample, 0);
    assert_true(fate.opened && !fate.noticed && !fate.shorter && !fate.wrong);
}

static void flipped_in_the_metas(void **state)
{
    const struct sample *sample = *state;
    size_t end = sizeof(struct page_header) + sizeof(struct meta_record);
    unsigned noticed = 0;
    for (size_t page = 0; page < 2; page++) {
        for (size_t at = 0; at < end; at++) {
            noticed += flip(sample, page * PAGE + at, (uint8_t)(1u << (at % 8)), 0).noticed;
            noticed += flip(sample, page * PAGE + at, 0xff, TRADING_STORE_READ_ONLY).noticed;
        }
    }
    assert_true(noticed > 100);
}

/* Every page of the trees, at bytes that are spread over it. */
static void flipped_in_the_trees(void **state)
{
    const struct sample *sample = *state;
    unsigned pages[PAGE_OVERFLOW + 1] = {0};
    unsigned noticed = 0;
    uint64_t random = 88172645463325252u;
    for (size_t page = 2; page < sample->size / PAGE; page++) {
        uint16_t kind = flags_at(sample, page);
        if (kind != PAGE_BRANCH && (kind != PAGE_LEAF || page % 3))
            continue;
        pages[kind]++;
        struct page_header header;
        memcpy(&header, sample->bytes + page * PAGE, sizeof header);
        for (int i = 0; i < 24; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            size_t at = i < 16 ? (size_t)i * 3 % header.lower : random % PAGE;
            /* The commits' own bytes are checked by who wrote them. */
            bool structure = at < header.lower || kind == PAGE_BRANCH;
            if (structure)
                noticed +=
                    flip(sample, page * PAGE + at, (uint8_t)(1u << (random >> 32) % 8), i % 2 ? TRADING_STORE_READ_ONLY : 0)
                        .noticed;
        }
    }
    assert_true(pages[PAGE_BRANCH] > 0 && pages[PAGE_LEAF] > 10 && noticed > 50);
}

/* Whole pages by zeros, by another page, by noise. */
static void overwritten_pages(void **state)
{
    const struct sample *sample = *state;
    uint8_t kept[PAGE];
    for (size_t page = 0; page < sample->size / PAGE; page++) {
        uint16_t kind = flags_at(sample, page);
        if (kind != PAGE_META && kind != PAGE_BRANCH && (kind != PAGE_LEAF || page % 7))
            continue;
        uint8_t *bytes = sample->bytes + page * PAGE;
        memcpy(kept, bytes, PAGE);
        for (int how = 0; how < 3; how++) {
            if (how < 2)
                memset(bytes, how ? 0xa5 : 0, PAGE);
            else
                memcpy(bytes, sample->bytes + (page + 3) % (sample->size / PAGE) * PAGE, PAGE);
            file_save(sample->journal, sample->bytes, sample->size);
            struct fate fate = try_store(sample, page % 2 ? TRADING_STORE_READ_ONLY : 0);
            memcpy(bytes, kept, PAGE);
            assert_false(fate.wrong || (fate.shorter && !fate.noticed));
        }
    }
}

static void truncated(void **state)
{
    const struct sample *sample = *state;
    struct meta_record metas[2];
    for (size_t i = 0; i < 2; i++)
        memcpy(&metas[i], sample->bytes + i * PAGE + sizeof(struct page_header), sizeof metas[i]);
    size_t used = (metas[metas[1].transaction > metas[0].transaction].last_page + 1) * PAGE;
    assert_true(used <= sample->size);
    for (size_t length = 0; length < sample->size; length += length < 3 * PAGE ? 509 : sample->size / 97) {
        file_save(sample->journal, sample->bytes, length);
        struct fate fate = try_store(sample, length % 2 ? TRADING_STORE_READ_ONLY : 0);
        if (fate.wrong || (fate.shorter && !fate.noticed))
            fail_msg("cut to %zu bytes: %s", length,
                     fate.wrong ? "wrong bytes were read" : "commits are gone, and nobody says so");
        if (length + 16 * PAGE < used && !fate.noticed) /* the very last pages may be free ones */
            fail_msg("the file was cut to %zu of %zu bytes, and nobody says so", length, used);
        if (length >= used && fate.noticed)
            fail_msg("the file was cut behind its last page, which is no damage");
    }
}

/* Cut within a commit whose beginning is still there. Writing on would fill the gap with zeros. */
static void cut_within_a_commit(void **state)
{
    (void)state;
    char folder[SCRATCH_PATH];
    char path[SCRATCH_PATH + 64];
    scratch_make(folder);
    path_in(path, folder, "journal.mdb");
    void *store = must_open(folder);
    for (int64_t i = 0; i < 10; i++) /* so that the tree's pages are low ones, used again */
        must_append(store, 0, i, 1, 100);
    must_append(store, 7, 0, 1, 50 * PAGE);
    lmdb_store_ops.close(store);
    size_t size;
    uint8_t *bytes = file_load(path, &size);
    size_t first = 2;
    struct page_header header = {0};
    while (header.flags != PAGE_OVERFLOW || header.number != first) {
        first++;
        assert_true((first + 50) * PAGE <= size);
        memcpy(&header, bytes + first * PAGE, sizeof header);
    }
    file_save(path, bytes, (first + 20) * PAGE);
    trading_error error;
    assert_int_equal(open_lmdb(folder, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "the file ends here"));
    assert_int_equal(open_lmdb(folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error), TRADING_OK);
    struct extent extent = read_extent(store, 0);
    if (extent.code)
        fail_msg("the partition that is whole: %s", extent.error.message);
    assert_int_equal(read_extent(store, 7).code, TRADING_E_DAMAGED);
    assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_E_DAMAGED);
    lmdb_store_ops.close(store);
    free(bytes);
    scratch_remove(folder);
}

static void says_where(void **state)
{
    const struct sample *sample = *state;
    trading_error error;
    void *store;
    file_save(sample->journal, sample->bytes, PAGE + 10);
    assert_int_equal(open_lmdb(sample->folder, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "journal.mdb"));
    assert_non_null(strstr(error.message, "byte 4096"));
    file_save(sample->journal, "this is a text", 14);
    assert_int_equal(open_lmdb(sample->folder, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
    file_save(sample->journal, "", 0);
    assert_int_equal(open_lmdb(sample->folder, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
    uint8_t *text = calloc(1, 3 * PAGE);
    memset(text, 'x', 3 * PAGE);
    file_save(sample->journal, text, 3 * PAGE);
    assert_int_equal(open_lmdb(sample->folder, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "no LMDB file"));
    free(text);
}

/* A page that is in use and named free: LMDB would overwrite it. */
static void used_and_free(void **state)
{
    const struct sample *sample = *state;
    struct meta_record metas[2];
    for (size_t i = 0; i < 2; i++)
        memcpy(&metas[i], sample->bytes + i * PAGE + sizeof(struct page_header), sizeof metas[i]);
    const struct meta_record *meta = &metas[metas[1].transaction > metas[0].transaction];
    assert_int_equal(meta->free.depth, 1);
    uint8_t *page = sample->bytes + meta->free.root * PAGE;
    uint16_t offset;
    memcpy(&offset, page + sizeof(struct page_header), sizeof offset);
    uint8_t *list = page + offset + sizeof(struct node_header) + 8; /* of the first record: how many, then their numbers */
    uint64_t count;
    memcpy(&count, list, sizeof count);
    uint64_t *numbers = calloc(count + 2, sizeof *numbers);
    memcpy(numbers, list, (count + 1) * sizeof *numbers);
    numbers[0] = meta->last_page + 1;
    size_t at = 0;
    uint64_t used = 0;
    for (size_t i = 1; i <= count && !at; i++) { /* a page with a commit in it, whose number fits in place of another's */
        for (used = numbers[i + 1] + 1; used < numbers[i - 1] && !at; used++)
            at = flags_at(sample, used) == PAGE_OVERFLOW ? i : 0;
    }
    used--;
    assert_true(at > 0);
    memcpy(list + at * 8, &used, sizeof used);
    file_save(sample->journal, sample->bytes, sample->size);
    memcpy(list + at * 8, &numbers[at], sizeof used);
    free(numbers);
    void *store;
    trading_error error;
    assert_int_equal(open_lmdb(sample->folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error), TRADING_OK);
    assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "used"));
    lmdb_store_ops.close(store);
}

/* LMDB does not get to free what it has when it is left in the middle of a call. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:liblmdb";
}

/* While the store is open. LMDB itself meets it, and would abort. */
static void damaged_under_way(void **state)
{
    const struct sample *sample = *state;
    file_save(sample->journal, sample->bytes, sample->size);
    void *store = must_open(sample->folder);
    uint8_t *bytes = malloc(sample->size);
    memcpy(bytes, sample->bytes, sample->size);
    for (size_t page = 2; page < sample->size / PAGE; page++) {
        if (flags_at(sample, page) == PAGE_BRANCH) {
            struct page_header header;
            memcpy(&header, bytes + page * PAGE, sizeof header);
            header.lower = sizeof header + 2; /* one entry: LMDB asserts that there are two */
            memcpy(bytes + page * PAGE, &header, sizeof header);
        }
    }
    FILE *file = fopen(sample->journal, "r+b"); /* in place: LMDB has it mapped */
    assert_int_equal(fwrite(bytes, 1, sample->size, file), sample->size);
    fclose(file);
    free(bytes);
    trading_error error;
    assert_int_equal(append_bytes(store, 0, sample->ends[0], 1, 100, &error), TRADING_E_DAMAGED);
    assert_int_equal(append_bytes(store, 7, sample->ends[1], 1, 100, &error), TRADING_E_DAMAGED);
    assert_int_equal(read_extent(store, 0).code, TRADING_E_DAMAGED);
    assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_E_DAMAGED);
    lmdb_store_ops.close(store);
    file_save(sample->journal, sample->bytes, sample->size); /* mended, the lock is free and all is there */
    struct fate fate = try_store(sample, 0);
    assert_true(fate.opened && !fate.noticed && !fate.shorter && !fate.wrong);
}

/* The bytes that the store keeps with each commit. */
static void flipped_in_a_head(void **state)
{
    const struct sample *sample = *state;
    size_t page = 2;
    while (flags_at(sample, page) != PAGE_OVERFLOW)
        page++;
    for (size_t at = 0; at < 32; at++) {
        size_t byte = page * PAGE + sizeof(struct page_header) + at;
        sample->bytes[byte] ^= 4;
        file_save(sample->journal, sample->bytes, sample->size);
        sample->bytes[byte] ^= 4;
        void *store;
        trading_error error;
        if (open_lmdb(sample->folder, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error))
            fail_msg("opening to read: %s", error.message);
        bool damaged = read_extent(store, 0).code == TRADING_E_DAMAGED || read_extent(store, 7).code == TRADING_E_DAMAGED;
        if (!damaged)
            fail_msg("byte %zu of a commit's head was changed, and nobody says so", at);
        lmdb_store_ops.close(store);
    }
}

static void missing_commit(void **state)
{
    const struct sample *sample = *state;
    static const uint8_t positions[] = {0, 2, 50, 100, 200, 254};
    for (size_t i = 0; i < sizeof positions; i++) {
        file_save(sample->journal, sample->bytes, sample->size);
        uint8_t key[12] = {0};
        key[11] = positions[i];
        change_with_lmdb(sample->journal, key, sizeof key, NULL, 0);
        void *store = must_open(sample->folder);
        struct extent extent = read_extent(store, 0);
        assert_int_equal(extent.code, TRADING_E_DAMAGED);
        assert_int_equal(extent.end, positions[i]);
        assert_non_null(strstr(extent.error.message, "no commit at position"));
        assert_int_equal(read_extent(store, 7).code, TRADING_OK);
        trading_error error;
        assert_int_equal(lmdb_store_ops.check(store, &error), TRADING_E_DAMAGED);
        lmdb_store_ops.close(store);
    }
}

int main(void)
{
    if (access("/dev/shm", W_OK) == 0)
        setenv("TMPDIR", "/dev/shm", 0); /* thousands of stores are opened, and none need last */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole),
        cmocka_unit_test(flipped_in_the_metas),
        cmocka_unit_test(flipped_in_the_trees),
        cmocka_unit_test(overwritten_pages),
        cmocka_unit_test(truncated),
        cmocka_unit_test(cut_within_a_commit),
        cmocka_unit_test(says_where),
        cmocka_unit_test(used_and_free),
        cmocka_unit_test(damaged_under_way),
        cmocka_unit_test(flipped_in_a_head),
        cmocka_unit_test(missing_commit),
    };
    return cmocka_run_group_tests(tests, make_sample, drop_sample);
}
