/* A journal that was not closed: what its next writer makes of the newest appends. What a power loss leaves at random is lmdb_power_test.c's,
 * and files of version 1 are lmdb_version_test.c's. */
#include "backends/lmdb/journal.h"
#include "lmdb_faults.h"
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
#include <sodium.h>
#include <unistd.h>

/* Where the mark is, as docs/format.md says. */
enum { MARK_AT = 2048, MARK_SYSTEM = 16, MARK_SECRET = 64, MARK_CHECK = 96 };

struct file {
    char path[SCRATCH_PATH + 64];
    uint8_t *bytes;
    size_t size;
};

static struct file load(const char *folder, const char *name)
{
    struct file file;
    path_in(file.path, folder, name);
    file.bytes = file_load(file.path, &file.size);
    return file;
}

static void save(struct file *file)
{
    file_save(file->path, file->bytes, file->size);
    free(file->bytes);
}

/* ---- how the file came to be left ---- */

static void append_three(void *store)
{
    for (int64_t position = 0; position < 3; position++)
        must_append(store, 0, position, 1, 9000);
}

/* One append that has a first commit of its own transaction, and one of three commits. */
static void append_one_and_three(void *store)
{
    static const char bytes[6000];
    trading_store_commit commits[3];
    must_append(store, 0, 0, 1, 100);
    for (int64_t i = 0; i < 3; i++)
        commits[i] = (trading_store_commit){
            .first_position = 1 + i, .event_count = 1, .nonce = {{9}}, .data = bytes, .size = sizeof bytes};
    for (int64_t i = 0; i < 3; i++)
        memcpy(commits[i].nonce.bytes + 8, &commits[i].first_position, 8);
    assert_int_equal(lmdb_store_ops.append(store, 0, commits, 3, NULL, NULL), TRADING_OK);
}

/* LMDB cannot write the last one's meta page, and puts the old one's number back, but not its trees. */
static void append_three_and_fail(void *store)
{
    trading_error error;
    append_three(store);
    fail_next(META, EIO, 1);
    assert_int_equal(append_bytes(store, 0, 3, 1, 9000, &error), TRADING_E_OUTCOME_UNKNOWN);
}

/* Changes a byte of a commit, which its nonce tells. */
static void spoil(const char *folder, int64_t position)
{
    struct file file = load(folder, JOURNAL_FILE);
    uint8_t nonce[16] = {9};
    memcpy(nonce + 8, &position, sizeof position);
    uint8_t *value = memmem(file.bytes, file.size, nonce, sizeof nonce);
    assert_non_null(value);
    value[JOURNAL_HEAD_BYTES + 5000] ^= 1;
    save(&file);
}

/* Changes the mark, and its check with it. */
static void change_mark(const char *folder, size_t at)
{
    static const uint8_t zeros[crypto_shorthash_KEYBYTES];
    struct file file = load(folder, JOURNAL_FILE);
    uint8_t *mark = file.bytes + MARK_AT;
    assert_memory_equal(mark, "being written   ", 16);
    mark[at] ^= 1;
    crypto_shorthash(mark + MARK_CHECK, mark, MARK_CHECK, zeros);
    save(&file);
}

static void expect_reopened(const char *folder, int64_t end)
{
    for (int round = 0; round < 2; round++) {
        void *store = must_open(folder);
        expect_all(store, end + round);
        must_append(store, 0, end + round, 1, 5000);
        lmdb_store_ops.close(store);
    }
}

/* ---- what becomes of the newest append ---- */

static void whole_ones_are_kept(void **state)
{
    leave_open(*state, append_three);
    expect_reopened(*state, 3);
}

static void half_ones_are_given_up(void **state)
{
    leave_open(*state, append_three);
    spoil(*state, 2);
    expect_reopened(*state, 2);
}

static void of_several_commits_all_are(void **state)
{
    for (int64_t spoiled = 1; spoiled < 4; spoiled++) {
        char folder[SCRATCH_PATH];
        (void)state;
        scratch_make(folder);
        leave_open(folder, append_one_and_three);
        spoil(folder, spoiled);
        expect_reopened(folder, 1);
        scratch_remove(folder);
    }
}

/* All three are there, and what was spoiled of them is as it was spoiled. */
static void expect_spoiled(const char *folder)
{
    void *store = must_open(folder);
    struct extent extent = read_extent(store, 0);
    assert_int_equal(extent.end, 3);
    assert_true(extent.wrong);
    lmdb_store_ops.close(store);
}

static void those_before_are_not_in_question(void **state)
{
    leave_open(*state, append_three);
    spoil(*state, 1);
    expect_spoiled(*state);
}

static void nor_one_that_was_shown_to_readers(void **state)
{
    kill_writer(*state, append_three);
    spoil(*state, 2);
    expect_spoiled(*state);
}

static void nor_one_before_another_whose_meta_page_failed(void **state)
{
    void *store;
    trading_error error;
    kill_writer(*state, append_three_and_fail);
    struct file lock = load(*state, "lock"); /* as a power loss may leave it: of the append before */
    lock.bytes[64]--;
    save(&lock);
    assert_int_equal(open_lmdb(*state, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error), TRADING_OK);
    expect_all(store, 3);
    lmdb_store_ops.close(store);
    expect_reopened(*state, 3);
}

/* What was closed was flushed: what is wrong with it since is damage, which is not for the store to hide. */
static void nor_those_of_a_closed_file(void **state)
{
    void *store = must_open(*state);
    append_three(store);
    lmdb_store_ops.close(store);
    spoil(*state, 2);
    expect_spoiled(*state);
}

/* What was summed under an earlier mark was left by an append that failed. */
static void only_those_under_the_mark_are_kept(void **state)
{
    leave_open(*state, append_three);
    change_mark(*state, MARK_SECRET);
    expect_reopened(*state, 2);
}

static void an_append_that_failed_ends_a_mark(void **state)
{
    trading_error error;
    void *store = must_open(*state);
    append_three(store);
    struct file before = load(*state, JOURNAL_FILE);
    fail_next(DATA, ENOSPC, 1);
    assert_int_equal(append_bytes(store, 0, 3, 1, 9000, &error), TRADING_E_NO_SPACE);
    must_append(store, 0, 3, 1, 9000);
    struct file after = load(*state, JOURNAL_FILE);
    assert_memory_not_equal(before.bytes + MARK_AT + MARK_SECRET, after.bytes + MARK_AT + MARK_SECRET, 32);
    must_append(store, 0, 4, 1, 9000);
    struct file later = load(*state, JOURNAL_FILE);
    assert_memory_equal(after.bytes + MARK_AT, later.bytes + MARK_AT, MARK_CHECK + 8);
    free(before.bytes);
    free(after.bytes);
    free(later.bytes);
    lmdb_store_ops.close(store);
}

/* Puts a commit into the file as LMDB has it, which says that its transaction has so many. */
static void put_one_of(const char *folder, int64_t position, uint64_t commits)
{
    struct file file = load(folder, JOURNAL_FILE);
    struct hash_secret secret;
    memcpy(&secret, file.bytes + MARK_AT + MARK_SECRET, sizeof secret);
    free(file.bytes);
    uint8_t value[JOURNAL_HEAD_BYTES + 5] = {0};
    uint8_t key[JOURNAL_KEY_BYTES];
    const trading_store_commit commit = {
        .first_position = position, .event_count = 1, .nonce = {{9}}, .data = value + JOURNAL_HEAD_BYTES, .size = 5};
    const struct journal_seal seal = {.commits = commits, .sum = hash_keyed_bytes(&secret, commit.data, commit.size)};
    journal_key(0, position, key);
    journal_value_head(key, &commit, &seal, value);
    change_with_lmdb(file.path, key, sizeof key, value, sizeof value);
}

static void one_is_not_enough_of_two(void **state)
{
    for (uint64_t commits = 1; commits < 3; commits++) {
        leave_open(*state, append_three);
        put_one_of(*state, 3, commits);
        void *store = must_open(*state);
        assert_int_equal(head_of(store, 0), commits == 1 ? 4 : 3);
        lmdb_store_ops.close(store);
        drop_folder(state);
        make_folder(state);
    }
}

static void an_unreadable_mark_is_none(void **state)
{
    leave_open(*state, append_three);
    struct file file = load(*state, JOURNAL_FILE);
    file.bytes[MARK_AT + MARK_SECRET] ^= 1;
    save(&file);
    expect_reopened(*state, 3);
}

static void readers_wait_for_a_writer(void **state)
{
    void *store;
    trading_error error;
    struct opening reading = {.flags = TRADING_STORE_READ_ONLY};
    leave_open(*state, append_three);
    assert_int_equal(open_lmdb(*state, reading, &store, &error), TRADING_OK); /* all that was written is to be seen */
    expect_all(store, 3);
    lmdb_store_ops.close(store);
    change_mark(*state, MARK_SYSTEM);
    assert_int_equal(open_lmdb(*state, reading, &store, &error), TRADING_E_READ_ONLY);
    assert_non_null(strstr(error.message, "for writing once"));
    lmdb_store_ops.close(must_open(*state));
    assert_int_equal(open_lmdb(*state, reading, &store, &error), TRADING_OK);
    expect_all(store, 3);
    lmdb_store_ops.close(store);
}

static void but_not_for_what_is_known_to_be_flushed(void **state)
{
    void *store;
    trading_error error;
    kill_writer(*state, append_three);
    change_mark(*state, MARK_SYSTEM);
    assert_int_equal(open_lmdb(*state, (struct opening){.flags = TRADING_STORE_READ_ONLY}, &store, &error), TRADING_OK);
    expect_all(store, 3);
    lmdb_store_ops.close(store);
}

static void *reader;

static void expect_three(void)
{
    struct extent extent = read_extent(reader, 0);
    assert_int_equal(extent.code, TRADING_OK);
    assert_int_equal(extent.end, 3);
    assert_int_equal(head_of(reader, 0), 3);
}

/* … while the next writer looks after what the last one left. */
static void readers_miss_nothing_that_they_saw(void **state)
{
    trading_error error;
    struct opening reading = {.flags = TRADING_STORE_READ_ONLY};
    kill_writer(*state, append_three);
    assert_int_equal(open_lmdb(*state, reading, &reader, &error), TRADING_OK);
    expect_three();
    meanwhile_flushing(expect_three);
    void *store = must_open(*state);
    meanwhile_flushing(NULL);
    must_append(store, 0, 3, 1, 9000);
    expect_all(reader, 4);
    lmdb_store_ops.close(reader);
    lmdb_store_ops.close(store);
}

/* ---- a crash on the way ---- */

/* The opening ends where the meta page is overwritten. Leaves both files as they were before that, and as they are. */
static void fail_while_going_back(const char *folder, struct file before[2], struct file after[2])
{
    void *store;
    trading_error error;
    leave_open(folder, append_three);
    before[0] = load(folder, JOURNAL_FILE);
    fail_next(FLUSH, EIO, 1);
    assert_int_equal(open_lmdb(folder, (struct opening){0}, &store, &error), TRADING_E_IO);
    after[0] = load(folder, JOURNAL_FILE);
    before[1] = load(folder, "journal.redo");
    after[1] = load(folder, "journal.redo");
    assert_memory_not_equal(before[0].bytes, after[0].bytes, 8192);
}

/* What was given up is not asked for again, whose transaction is no more. */
static void given_up_once(void **state)
{
    void *store;
    trading_error error;
    leave_open(*state, append_three);
    spoil(*state, 2);
    fail_next(FLUSH, EIO, 1);
    assert_int_equal(open_lmdb(*state, (struct opening){0}, &store, &error), TRADING_E_IO);
    expect_reopened(*state, 2);
}

/* What was flushed, but is gone back from, is not to be seen until it is appended again. */
static void readers_wait_for_what_is_to_come(void **state)
{
    struct file before[2];
    struct file after[2];
    void *store;
    trading_error error;
    struct opening reading = {.flags = TRADING_STORE_READ_ONLY};
    fail_while_going_back(*state, before, after);
    change_mark(*state, MARK_SYSTEM);
    assert_int_equal(open_lmdb(*state, reading, &store, &error), TRADING_E_READ_ONLY);
    lmdb_store_ops.close(must_open(*state));
    assert_int_equal(open_lmdb(*state, reading, &store, &error), TRADING_OK);
    expect_all(store, 3);
    lmdb_store_ops.close(store);
    for (int i = 0; i < 2; i++) {
        free(before[i].bytes);
        free(after[i].bytes);
    }
}

static void expect_no_redo(const char *folder)
{
    char path[SCRATCH_PATH + 64];
    path_in(path, folder, "journal.redo");
    assert_int_equal(access(path, F_OK), -1);
}

static void begun_again_from_any_step(void **state)
{
    struct file before[2];
    struct file after[2];
    fail_while_going_back(*state, before, after);
    for (int i = 0; i < 2; i++)
        save(&before[i]); /* kept, and not gone back yet */
    lmdb_store_ops.close(must_open(*state));
    expect_no_redo(*state);
    struct file forward = load(*state, JOURNAL_FILE);
    for (int i = 0; i < 2; i++)
        file_save(after[i].path, after[i].bytes, after[i].size); /* gone back */
    expect_reopened(*state, 3);
    expect_no_redo(*state);
    save(&forward);
    save(&after[1]); /* appended again, and not forgotten yet */
    expect_reopened(*state, 3);
    expect_no_redo(*state);
    free(after[0].bytes);
}

static void what_is_kept_is_not_believed_blindly(void **state)
{
    struct file before[2];
    struct file after[2];
    void *store;
    trading_error error;
    fail_while_going_back(*state, before, after);
    for (size_t at = 0; at < after[1].size; at += at < 60 ? 1 : 977) {
        after[1].bytes[at] ^= 0x20;
        file_save(after[1].path, after[1].bytes, after[1].size);
        after[1].bytes[at] ^= 0x20;
        assert_int_equal(open_lmdb(*state, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
        assert_non_null(strstr(error.message, "journal.redo"));
    }
    save(&before[1]);
    lmdb_store_ops.close(must_open(*state));
    expect_reopened(*state, 3);
    save(&after[1]); /* of a file that has gone on since */
    assert_int_equal(open_lmdb(*state, (struct opening){0}, &store, &error), TRADING_E_DAMAGED);
    assert_non_null(strstr(error.message, "belongs to another"));
    free(before[0].bytes);
    free(after[0].bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOLDER_CASE(whole_ones_are_kept),
        FOLDER_CASE(half_ones_are_given_up),
        FOLDER_CASE(of_several_commits_all_are),
        FOLDER_CASE(those_before_are_not_in_question),
        FOLDER_CASE(nor_one_that_was_shown_to_readers),
        FOLDER_CASE(nor_one_before_another_whose_meta_page_failed),
        FOLDER_CASE(nor_those_of_a_closed_file),
        FOLDER_CASE(only_those_under_the_mark_are_kept),
        FOLDER_CASE(an_append_that_failed_ends_a_mark),
        FOLDER_CASE(one_is_not_enough_of_two),
        FOLDER_CASE(given_up_once),
        FOLDER_CASE(an_unreadable_mark_is_none),
        FOLDER_CASE(readers_wait_for_a_writer),
        FOLDER_CASE(but_not_for_what_is_known_to_be_flushed),
        FOLDER_CASE(readers_miss_nothing_that_they_saw),
        FOLDER_CASE(readers_wait_for_what_is_to_come),
        FOLDER_CASE(begun_again_from_any_step),
        FOLDER_CASE(what_is_kept_is_not_believed_blindly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
