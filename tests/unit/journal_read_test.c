#include "backends/memory/memory_store.h"
#include "base/error.h"
#include "base/id.h"
#include "journal/read.h"
#include "journal_test.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PARTITION 7u
#define COMMITS   40u

/* A store of one partition that can be damaged, and can answer what no good store answers. */
struct shelf {
    trading_store_commit commits[COMMITS];
    size_t count;
    int astray;            /* hands over the commit this many places further on */
    int32_t fails;         /* with this code, after it has handed over everything */
    bool deaf;             /* goes on after the visitor has ended it */
    size_t handed_over;    /* over all reads */
    size_t exchange_after; /* 0, or how many commits are handed over before the next gets another time */
    trading_time exchanged_time;
};

/* Gives a commit another time, and the digest for it. */
static void exchange_time(const trading_store_commit *stored, trading_time time)
{
    uint8_t *bytes = (uint8_t *)stored->data;
    uint64_t little = htole64((uint64_t)time);
    memcpy(bytes + 40, &little, sizeof little);
    fix_digest(bytes, stored->size);
}

static int64_t shelf_end(const struct shelf *shelf)
{
    const trading_store_commit *last = &shelf->commits[shelf->count - 1];
    return last->first_position + last->event_count;
}

static int32_t shelf_read(void *store, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                          trading_error *error)
{
    struct shelf *shelf = store;
    assert_int_equal(partition, PARTITION);
    if (from > shelf_end(shelf))
        return error_set(error, TRADING_E_NOT_FOUND, "the shelf ends before %lld", (long long)from);
    size_t first = 0;
    while (first < shelf->count && shelf->commits[first].first_position + shelf->commits[first].event_count <= from)
        first++;
    for (size_t i = first + (size_t)shelf->astray; i < shelf->count; i++) {
        if (shelf->exchange_after && shelf->handed_over == shelf->exchange_after)
            exchange_time(&shelf->commits[i], shelf->exchanged_time);
        shelf->handed_over++;
        if (visit(arg, &shelf->commits[i]) && !shelf->deaf)
            break;
    }
    return shelf->fails ? error_set(error, shelf->fails, "the shelf fell down") : error_clear(error);
}

/* Boasts of so many events that reading ahead is worth a thread. */
static int32_t shelf_head(void *store, uint32_t partition, trading_store_head *head, trading_error *error)
{
    (void)store;
    assert_int_equal(partition, PARTITION);
    *head = (trading_store_head){.next_position = 1 << 20};
    return error_clear(error);
}

static const trading_store_ops shelf_ops = {
    .size = sizeof shelf_ops, .abi = TRADING_PLUGIN_ABI, .head = shelf_head, .read = shelf_read};

struct room {
    struct memory memory;
    struct shelf shelf;
    struct journal journal;
    int32_t (*walk)(const struct journal *journal, int64_t from, journal_visit visit, void *arg, trading_error *error);
    trading_host_functions host; /* of the memory store */
};

/* Commit i has 1 + i % 4 events, a body that names it, and a time that stands still now and then; every third is compressed. */
static trading_time time_of(size_t commit)
{
    return 1000 + 10 * (int64_t)(commit / 3 * 2);
}

static void build_one(struct room *room, struct commit *header, size_t i, int32_t compression)
{
    struct commit_builder builder;
    assert_int_equal(commit_builder_open(&builder, &room->memory, 1000, compression, NULL), TRADING_OK);
    write_pattern(&builder.body, 100 + 20 * i, (unsigned)i);
    header->entries = 1;
    header->events = (uint32_t)(1 + i % 4);
    header->time = time_of(i);
    header->nonce.bytes[0] = (uint8_t)(i + 1);
    trading_store_commit *stored = &room->shelf.commits[i];
    assert_int_equal(commit_build(&builder, header, stored, NULL), TRADING_OK);
    uint8_t *bytes = malloc(stored->size);
    memcpy(bytes, stored->data, stored->size);
    stored->data = bytes;
    commit_builder_close(&builder);
    header->first_position = commit_end(header);
    memcpy(header->previous, header->digest, sizeof header->previous);
}

static int fill_room(void **state)
{
    struct room *room = calloc(1, sizeof *room);
    memory_init(&room->memory);
    room->journal = (struct journal){.ops = &shelf_ops, .store = &room->shelf, .partition = PARTITION, .memory = &room->memory};
    room->walk = journal_walk;
    struct commit header = {.partition = PARTITION};
    for (size_t i = 0; i < COMMITS; i++)
        build_one(room, &header, i, i % 3 == 2);
    room->shelf.count = COMMITS;
    *state = room;
    return 0;
}

/* Walks have a thread that reads ahead of the visitor. */
static int fill_room_ahead(void **state)
{
    fill_room(state);
    struct room *room = *state;
    room->walk = journal_walk_ahead;
    room->journal.reads_ahead = true;
    return 0;
}

static int clear_room(void **state)
{
    struct room *room = *state;
    for (size_t i = 0; i < COMMITS; i++)
        free((void *)room->shelf.commits[i].data);
    int leaked = room->memory.bytes != 0;
    free(room);
    return leaked;
}

static void *host_allocate(void *context, size_t bytes)
{
    return memory_allocate(context, bytes);
}

static void host_release(void *context, void *memory, size_t bytes)
{
    memory_release(context, memory, bytes);
}

static void host_log(void *context, int32_t level, const char *line)
{
    (void)context;
    fail_msg("%d: %s", level, line);
}

/* The same commits in a real store. */
static int fill_memory_store(void **state)
{
    fill_room(state);
    struct room *room = *state;
    room->host = (trading_host_functions){.size = sizeof room->host,
                                          .abi = TRADING_PLUGIN_ABI,
                                          .context = &room->memory,
                                          .allocate = host_allocate,
                                          .release = host_release,
                                          .log = host_log};
    trading_store_request request = {.size = sizeof request, .location = "", .durability = TRADING_DURABILITY_SYNC};
    room->journal.ops = &memory_store_ops;
    if (memory_store_ops.open(&request, &room->host, &room->journal.store, NULL))
        return -1;
    return memory_store_ops.append(room->journal.store, PARTITION, room->shelf.commits, COMMITS, NULL, NULL);
}

static int clear_memory_store(void **state)
{
    struct room *room = *state;
    memory_store_ops.close(room->journal.store);
    return clear_room(state);
}

static uint8_t *bytes_of(struct room *room, size_t commit)
{
    return (uint8_t *)room->shelf.commits[commit].data;
}

/* What a visitor saw, and when it has had enough. */
struct seen {
    const struct room *room;
    size_t next; /* commit expected next */
    size_t count;
    size_t stop_after;
    int32_t answer; /* then */
};

static int32_t look(void *arg, const struct commit *commit, trading_error *error)
{
    struct seen *seen = arg;
    const trading_store_commit *stored = &seen->room->shelf.commits[seen->next++];
    assert_int_equal(commit->first_position, stored->first_position);
    assert_int_equal(commit->events, stored->event_count);
    assert_true(id_equal(&commit->nonce, &stored->nonce));
    assert_int_equal(commit->body_size, 100 + 20 * (seen->next - 1));
    assert_int_equal(commit->body[0], seen->next - 1);
    if (++seen->count != seen->stop_after)
        return TRADING_OK;
    return seen->answer > 0 ? error_set(error, seen->answer, "seen enough") : seen->answer;
}

static size_t commit_of(const struct room *room, int64_t position)
{
    size_t i = 0;
    while (i < COMMITS && room->shelf.commits[i].first_position + room->shelf.commits[i].event_count <= position)
        i++;
    return i;
}

static void a_walk_begins_with_the_commit_that_holds_the_position(void **state)
{
    struct room *room = *state;
    for (int64_t from = 0; from <= shelf_end(&room->shelf); from++) {
        struct seen seen = {.room = room, .next = commit_of(room, from)};
        size_t expected = COMMITS - seen.next;
        trading_error error = {0};
        if (room->walk(&room->journal, from, look, &seen, &error))
            fail_msg("%s", error.message);
        assert_int_equal(seen.count, expected);
    }
    trading_error error = {0};
    assert_int_equal(room->walk(&room->journal, shelf_end(&room->shelf) + 1, look, NULL, &error), TRADING_E_NOT_FOUND);
    assert_int_equal(error.code, TRADING_E_NOT_FOUND);
    assert_int_equal(room->walk(&room->journal, -1, look, NULL, &error), TRADING_E_INVALID);
}

static void a_visitor_ends_the_walk(void **state)
{
    struct room *room = *state;
    for (size_t deaf = 0; deaf < 2; deaf++) {
        room->shelf.deaf = deaf;
        struct seen seen = {.room = room, .stop_after = 5, .answer = JOURNAL_STOP};
        trading_error error = {0};
        assert_int_equal(room->walk(&room->journal, 0, look, &seen, &error), TRADING_OK);
        assert_int_equal(seen.count, 5);
        seen = (struct seen){.room = room, .stop_after = 5, .answer = TRADING_E_STOPPED};
        assert_int_equal(room->walk(&room->journal, 0, look, &seen, &error), TRADING_E_STOPPED);
        assert_int_equal(error.code, TRADING_E_STOPPED);
        assert_string_equal(error.message, "seen enough");
        assert_int_equal(seen.count, 5);
        seen = (struct seen){.room = room, .stop_after = 5, .answer = TRADING_E_STOPPED};
        assert_int_equal(room->walk(&room->journal, 0, look, &seen, NULL), TRADING_E_STOPPED);
    }
}

static void a_failure_of_the_store_is_the_walks(void **state)
{
    struct room *room = *state;
    room->shelf.fails = TRADING_E_IO;
    struct seen seen = {.room = room};
    trading_error error = {0};
    assert_int_equal(room->walk(&room->journal, 0, look, &seen, &error), TRADING_E_IO);
    assert_string_equal(error.message, "the shelf fell down");
    struct journal_copy copy = {0};
    int64_t position = 77;
    assert_int_equal(journal_commit_at(&room->journal, 0, &copy, &error), TRADING_E_IO);
    assert_int_equal(journal_position_at_time(&room->journal, shelf_end(&room->shelf), 1000, &position, NULL), TRADING_E_IO);
    assert_int_equal(position, 77);
    journal_copy_close(&copy);
}

static void assert_walk_damaged(struct room *room, size_t handed_over, const char *fault)
{
    struct seen seen = {.room = room};
    trading_error error = {0};
    assert_int_equal(room->walk(&room->journal, 0, look, &seen, &error), TRADING_E_DAMAGED);
    assert_int_equal(seen.count, handed_over);
    if (!strstr(error.message, fault))
        fail_msg("'%s' does not say '%s'", error.message, fault);
}

static void damage_ends_the_walk_where_it_is(void **state)
{
    struct room *room = *state;
    for (size_t i = 0; i < COMMITS; i++) {
        bytes_of(room, i)[100] ^= 1;
        assert_walk_damaged(room, i, "digest");
        bytes_of(room, i)[100] ^= 1;
    }
}

/* A commit that is whole, but was not written after the one before it. */
static void a_replaced_commit_breaks_the_chain(void **state)
{
    struct room *room = *state;
    uint8_t *bytes = bytes_of(room, 10);
    size_t size = room->shelf.commits[10].size;
    bytes[40]++; /* the time */
    fix_digest(bytes, size);
    assert_walk_damaged(room, 11, "was not written after the commit that stands before it");
    bytes[40]--;
    bytes[64]++; /* the digest of the commit before it */
    fix_digest(bytes, size);
    assert_walk_damaged(room, 10, "was not written after the commit that stands before it");
    struct journal_copy copy = {0};
    assert_int_equal(journal_commit_at(&room->journal, room->shelf.commits[10].first_position, &copy, NULL), TRADING_OK);
    journal_copy_close(&copy);
}

static void gaps_and_repetitions_break_the_chain(void **state)
{
    struct room *room = *state;
    trading_store_commit kept = room->shelf.commits[20];
    room->shelf.commits[20] = room->shelf.commits[21];
    assert_walk_damaged(room, 20, "after position 49 begins at 51");
    room->shelf.commits[20] = room->shelf.commits[19];
    assert_walk_damaged(room, 20, "after position 49 begins at 46");
    room->shelf.commits[20] = kept;
}

static void a_store_that_gives_the_wrong_commit_is_found_out(void **state)
{
    struct room *room = *state;
    room->shelf.astray = -1;
    struct seen seen = {0};
    assert_int_equal(room->walk(&room->journal, 1, look, &seen, NULL), TRADING_E_DAMAGED);
    assert_int_equal(seen.count, 0);
    room->shelf.astray = 1;
    assert_walk_damaged(room, 0, "asked for position 0, the store gave the commit of positions 1 to 2");
    struct journal_copy copy = {0};
    int64_t position;
    assert_int_equal(journal_commit_at(&room->journal, 5, &copy, NULL), TRADING_E_DAMAGED);
    assert_int_equal(journal_position_at_time(&room->journal, shelf_end(&room->shelf), 1000, &position, NULL),
                     TRADING_E_DAMAGED);
    journal_copy_close(&copy);
}

static void every_position_finds_its_commit(void **state)
{
    struct room *room = *state;
    struct journal_copy copy = {0};
    trading_error error = {0};
    for (int64_t at = shelf_end(&room->shelf); at-- > 0;) {
        size_t i = commit_of(room, at);
        room->shelf.deaf = at % 2;
        assert_int_equal(journal_commit_at(&room->journal, at, &copy, &error), TRADING_OK);
        assert_int_equal(copy.commit.first_position, room->shelf.commits[i].first_position);
        assert_int_equal(copy.commit.body_size, 100 + 20 * i);
        assert_int_equal(copy.commit.body[0], i);
        assert_ptr_equal(copy.commit.body, copy.scratch.buffer);
    }
    assert_int_equal(journal_commit_at(&room->journal, shelf_end(&room->shelf), &copy, &error), TRADING_E_NOT_FOUND);
    assert_string_equal(error.message, "partition 7 ends before position 100");
    assert_int_equal(journal_commit_at(&room->journal, 1000, &copy, &error), TRADING_E_NOT_FOUND);
    assert_int_equal(journal_commit_at(&room->journal, -1, &copy, &error), TRADING_E_INVALID);
    journal_copy_close(&copy);
    journal_copy_close(&copy);
}

static void one_commit_is_read_for_one_position(void **state)
{
    struct room *room = *state;
    struct journal_copy copy = {0};
    assert_int_equal(journal_commit_at(&room->journal, 7, &copy, NULL), TRADING_OK);
    assert_int_equal(room->shelf.handed_over, 1);
    bytes_of(room, 3)[99] ^= 4;
    assert_int_equal(journal_commit_at(&room->journal, 7, &copy, NULL), TRADING_E_DAMAGED);
    assert_int_equal(room->shelf.handed_over, 2);
    journal_copy_close(&copy);
}

/* By looking at every commit. */
static int64_t position_by_scan(const struct room *room, int64_t next_position, trading_time time)
{
    int64_t found = 0;
    for (size_t i = 0; i < COMMITS && room->shelf.commits[i].first_position < next_position; i++) {
        if (time_of(i) <= time)
            found = room->shelf.commits[i].first_position + room->shelf.commits[i].event_count;
    }
    return found;
}

static void times_find_their_positions(void **state)
{
    struct room *room = *state;
    static const trading_time edges[] = {INT64_MIN, 0, INT64_MAX};
    for (size_t commits = 0; commits <= COMMITS; commits++) {
        int64_t next_position = commits < COMMITS ? room->shelf.commits[commits].first_position : shelf_end(&room->shelf);
        for (trading_time time = 990; time < time_of(COMMITS) + 20; time += 5) {
            int64_t position = 77;
            assert_int_equal(journal_position_at_time(&room->journal, next_position, time, &position, NULL), TRADING_OK);
            assert_int_equal(position, position_by_scan(room, next_position, time));
        }
        for (size_t i = 0; i < 3; i++) {
            int64_t position = 77;
            assert_int_equal(journal_position_at_time(&room->journal, next_position, edges[i], &position, NULL), TRADING_OK);
            assert_int_equal(position, position_by_scan(room, next_position, edges[i]));
        }
    }
}

static void a_search_reads_few_commits(void **state)
{
    struct room *room = *state;
    int64_t position;
    room->shelf.handed_over = 0;
    assert_int_equal(journal_position_at_time(&room->journal, shelf_end(&room->shelf), 1100, &position, NULL), TRADING_OK);
    assert_true(room->shelf.handed_over <= 9); /* of 40: six or seven halvings and two proofs */
}

static void a_search_ends_at_the_end_of_a_commit(void **state)
{
    struct room *room = *state;
    int64_t position = 77;
    trading_error error = {0};
    assert_int_equal(journal_position_at_time(&room->journal, 2, INT64_MAX, &position, &error), TRADING_E_INVALID);
    assert_non_null(strstr(error.message, "position 2 is not the end of a commit"));
    assert_int_equal(journal_position_at_time(&room->journal, 1000, 0, &position, &error), TRADING_E_NOT_FOUND);
    assert_int_equal(position, 77);
}

/* A header whose time is damaged leads the search astray; what it finds is never passed on without proof. */
static void a_lying_header_never_gives_a_wrong_position(void **state)
{
    struct room *room = *state;
    size_t damaged = 0;
    for (size_t i = 0; i < COMMITS; i++) {
        for (size_t byte = 40; byte < 48; byte++) {
            bytes_of(room, i)[byte] ^= 0x55;
            for (trading_time time = 1000; time < time_of(COMMITS); time += 20) {
                int64_t position = 77;
                trading_error error = {0};
                int32_t status = journal_position_at_time(&room->journal, shelf_end(&room->shelf), time, &position, &error);
                assert_true(status == TRADING_OK || status == TRADING_E_DAMAGED);
                assert_int_equal(position, status ? 77 : position_by_scan(room, shelf_end(&room->shelf), time));
                damaged += status != TRADING_OK;
            }
            bytes_of(room, i)[byte] ^= 0x55;
        }
    }
    assert_true(damaged > 0);
}

/* A commit that is another when it is proven than when its header was looked at. */
static void a_commit_exchanged_during_the_search_is_seen(void **state)
{
    struct room *room = *state;
    const trading_time middle = time_of(20);
    int64_t position = 77;
    assert_int_equal(journal_position_at_time(&room->journal, shelf_end(&room->shelf), middle, &position, NULL), TRADING_OK);
    size_t reads = room->shelf.handed_over;
    for (size_t proof = 2; proof > 0; proof--) {
        const trading_store_commit *exchanged = &room->shelf.commits[commit_of(room, position) - (proof == 2)];
        room->shelf.handed_over = 0;
        room->shelf.exchange_after = reads - proof;
        room->shelf.exchanged_time = proof == 2 ? middle + 1 : middle;
        int64_t found = 77;
        trading_error error = {0};
        assert_int_equal(journal_position_at_time(&room->journal, shelf_end(&room->shelf), middle, &found, &error),
                         TRADING_E_DAMAGED);
        assert_non_null(strstr(error.message, "that a search by time came upon"));
        assert_int_equal(found, 77);
        room->shelf.exchange_after = 0;
        exchange_time(exchanged, time_of(proof == 2 ? 20 : 21));
    }
}

static void reading_without_memory_fails_alone(void **state)
{
    struct room *room = *state;
    struct rationed_memory rationed;
    for (size_t allocations = 0; allocations < 2; allocations++) {
        ration(&rationed, allocations);
        struct journal journal = room->journal;
        journal.memory = &rationed.memory;
        struct seen seen = {.room = room};
        assert_int_equal(journal_walk(&journal, 0, look, &seen, NULL), TRADING_E_NO_MEMORY);
        assert_int_equal(seen.count, 2);
        struct journal_copy copy = {0};
        rationed.left = allocations;
        assert_int_equal(journal_commit_at(&journal, room->shelf.commits[2].first_position, &copy, NULL), TRADING_E_NO_MEMORY);
        journal_copy_close(&copy);
        assert_int_equal(rationed.memory.bytes, 0);
    }
}

/* Every allocation that fails ends the walk, with the commits before handed over; with enough of them it comes to its end. */
static void reading_ahead_without_memory_fails_alone(void **state)
{
    struct room *room = *state;
    struct rationed_memory rationed;
    int32_t code = TRADING_E_NO_MEMORY;
    for (size_t allocations = 0; code; allocations++) {
        ration(&rationed, allocations);
        struct journal journal = room->journal;
        journal.memory = &rationed.memory;
        struct seen seen = {.room = room};
        trading_error error = {0};
        code = journal_walk_ahead(&journal, 0, look, &seen, &error);
        assert_int_equal(code, error.code);
        assert_true(code ? code == TRADING_E_NO_MEMORY && seen.count < COMMITS : seen.count == COMMITS);
        assert_int_equal(rationed.memory.bytes, 0);
    }
}

#define with_room_ahead(test)   cmocka_unit_test_setup_teardown(test, fill_room_ahead, clear_room)
#define with_room(test)         cmocka_unit_test_setup_teardown(test, fill_room, clear_room)
#define with_memory_store(test) cmocka_unit_test_setup_teardown(test, fill_memory_store, clear_memory_store)

int read_suite(void)
{
    const struct CMUnitTest tests[] = {
        with_room(a_walk_begins_with_the_commit_that_holds_the_position),
        with_room(a_visitor_ends_the_walk),
        with_room(a_failure_of_the_store_is_the_walks),
        with_room(damage_ends_the_walk_where_it_is),
        with_room(a_replaced_commit_breaks_the_chain),
        with_room(gaps_and_repetitions_break_the_chain),
        with_room(a_store_that_gives_the_wrong_commit_is_found_out),
        with_room(every_position_finds_its_commit),
        with_room(one_commit_is_read_for_one_position),
        with_room(times_find_their_positions),
        with_room(a_search_reads_few_commits),
        with_room(a_search_ends_at_the_end_of_a_commit),
        with_room(a_lying_header_never_gives_a_wrong_position),
        with_room(a_commit_exchanged_during_the_search_is_seen),
        with_room(reading_without_memory_fails_alone),
        with_room_ahead(a_walk_begins_with_the_commit_that_holds_the_position),
        with_room_ahead(a_visitor_ends_the_walk),
        with_room_ahead(a_failure_of_the_store_is_the_walks),
        with_room_ahead(damage_ends_the_walk_where_it_is),
        with_room_ahead(a_replaced_commit_breaks_the_chain),
        with_room_ahead(gaps_and_repetitions_break_the_chain),
        with_room_ahead(a_store_that_gives_the_wrong_commit_is_found_out),
        with_room_ahead(reading_ahead_without_memory_fails_alone),
        with_memory_store(a_walk_begins_with_the_commit_that_holds_the_position),
        with_memory_store(a_visitor_ends_the_walk),
        with_memory_store(every_position_finds_its_commit),
        with_memory_store(times_find_their_positions),
        with_memory_store(a_search_ends_at_the_end_of_a_commit),
        with_memory_store(reading_without_memory_fails_alone),
    };
    return cmocka_run_group_tests_name("reading a journal", tests, NULL, NULL);
}
