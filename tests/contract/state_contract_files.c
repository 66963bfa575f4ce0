/* State files: written in place, mapped privately, lasting. */
#include "base/memory.h"
#include "state_trial.h"

#define PAGE 4096u

static void write_file(struct trial *trial, void *store, uint32_t file, uint64_t offset, int byte, size_t size)
{
    char *bytes = malloc(size);
    CHECK(trial, bytes);
    memset(bytes, byte, size);
    int32_t code = trial->ops->file_write(store, file, offset, bytes, size, &trial->error);
    free(bytes);
    CHECK(trial, code == TRADING_OK);
}

static uint64_t size_of(struct trial *trial, void *store, uint32_t file)
{
    uint64_t size = 77;
    CHECK(trial, trial->ops->file_size(store, file, &size, &trial->error) == TRADING_OK);
    return size;
}

static int byte_in(struct trial *trial, void *store, uint32_t file, uint64_t offset)
{
    unsigned char byte;
    CHECK(trial, trial->ops->file_read(store, file, offset, &byte, 1, &trial->error) == TRADING_OK);
    return byte;
}

static void in_place(struct trial *trial)
{
    void *store = open_store(trial);
    CHECK(trial, size_of(trial, store, 5) == 0);
    char byte;
    CHECK(trial, trial->ops->file_read(store, 5, 0, &byte, 1, &trial->error) == TRADING_E_DAMAGED);
    CHECK(trial, trial->ops->file_sync(store, 5, &trial->error) == TRADING_OK);
    CHECK(trial, trial->ops->file_cut(store, 5, 0, &trial->error) == TRADING_OK);
    CHECK(trial, size_of(trial, store, 5) == 0);
    write_file(trial, store, 5, 3 * PAGE, 'c', PAGE);
    write_file(trial, store, STATE_FILES - 1, 0, 'z', 10);
    CHECK(trial, size_of(trial, store, 5) == 4 * PAGE && size_of(trial, store, STATE_FILES - 1) == 10);
    CHECK(trial, byte_in(trial, store, 5, 0) == 0 && byte_in(trial, store, 5, 3 * PAGE - 1) == 0);
    CHECK(trial, byte_in(trial, store, 5, 3 * PAGE) == 'c' && byte_in(trial, store, 5, 4 * PAGE - 1) == 'c');
    char two[2];
    CHECK(trial, trial->ops->file_read(store, 5, 4 * PAGE - 1, two, 2, &trial->error) == TRADING_E_DAMAGED);
    write_file(trial, store, 5, 3 * PAGE + 1, 'd', 1);
    CHECK(trial, byte_in(trial, store, 5, 3 * PAGE + 1) == 'd' && byte_in(trial, store, 5, 3 * PAGE + 2) == 'c');
    CHECK(trial, trial->ops->file_cut(store, 5, PAGE, &trial->error) == TRADING_OK);
    CHECK(trial, trial->ops->file_cut(store, 5, 4 * PAGE, &trial->error) == TRADING_OK);
    CHECK(trial, byte_in(trial, store, 5, 3 * PAGE) == 0); /* what was cut off is gone */
    trial->ops->close(store);
}

/* What is stored through a mapping is nobody else's; what is written into the file shows where nothing was stored. */
static void mapped(struct trial *trial)
{
    void *store = open_store(trial);
    void *space = NULL;
    CHECK(trial, trial->ops->file_map(store, 1, 0, PAGE, &space, &trial->error) == TRADING_E_DAMAGED);
    write_file(trial, store, 1, 0, 'a', 4 * PAGE);
    CHECK(trial, trial->ops->file_map(store, 1, PAGE, 4 * PAGE, &space, &trial->error) == TRADING_E_DAMAGED);
    CHECK(trial, trial->ops->file_map(store, 1, PAGE, 3 * PAGE, &space, &trial->error) == TRADING_OK);
    char *bytes = space;
    CHECK(trial, bytes[0] == 'a' && bytes[3 * PAGE - 1] == 'a');
    bytes[0] = 'm';
    CHECK(trial, byte_in(trial, store, 1, PAGE) == 'a');
    write_file(trial, store, 1, PAGE, 'b', 2 * PAGE);
    CHECK(trial, bytes[0] == 'm' && bytes[1] == 'a'); /* that page is a copy */
    CHECK(trial, bytes[PAGE] == 'b' && bytes[2 * PAGE] == 'a');
    void *other = NULL;
    CHECK(trial, trial->ops->file_map(store, 1, 0, 4 * PAGE, &other, &trial->error) == TRADING_OK);
    CHECK(trial, ((char *)other)[PAGE] == 'b');
    trial->ops->file_unmap(store, space, 3 * PAGE);
    trial->ops->file_unmap(store, other, 4 * PAGE);
    CHECK(trial, byte_in(trial, store, 1, PAGE) == 'b');
    trial->ops->close(store);
}

/* Pieces of a file lie side by side where the caller has room for them, which ends with that room. */
static void mapped_in_place(struct trial *trial)
{
    void *store = open_store(trial);
    char *room = memory_claim(8 * PAGE);
    CHECK(trial, room);
    write_file(trial, store, 1, 0, 'a', 2 * PAGE);
    write_file(trial, store, 1, 2 * PAGE, 'b', 4 * PAGE);
    void *first = room;
    void *second = room + 2 * PAGE;
    CHECK(trial, trial->ops->file_map(store, 1, 0, 2 * PAGE, &first, &trial->error) == TRADING_OK && first == room);
    CHECK(trial, trial->ops->file_map(store, 1, 2 * PAGE, 4 * PAGE, &second, &trial->error) == TRADING_OK);
    CHECK(trial, second == room + 2 * PAGE && room[2 * PAGE - 1] == 'a' && room[2 * PAGE] == 'b');
    room[6 * PAGE - 1] = 'm';
    CHECK(trial, byte_in(trial, store, 1, 6 * PAGE - 1) == 'b');
    memory_unreserve(room, 8 * PAGE);
    trial->ops->close(store);
}

static void lasting(struct trial *trial)
{
    void *store = open_store(trial);
    write_file(trial, store, 2, 0, 'x', 3 * PAGE);
    CHECK(trial, trial->ops->file_sync(store, 2, &trial->error) == TRADING_OK);
    trial->ops->close(store);
    for (int read_only = 0; read_only < 2; read_only++) {
        CHECK(trial, trial->ops->open(trial->location, read_only, &trial->host, &store, &trial->error) == TRADING_OK);
        CHECK(trial, size_of(trial, store, 2) == 3 * PAGE && byte_in(trial, store, 2, 2 * PAGE) == 'x');
        CHECK(trial, size_of(trial, store, 3) == 0);
        if (read_only) {
            CHECK(trial, trial->ops->file_write(store, 2, 0, "y", 1, &trial->error) == TRADING_E_READ_ONLY);
            CHECK(trial, trial->ops->file_write(store, 3, 0, "y", 1, &trial->error) == TRADING_E_READ_ONLY);
        }
        trial->ops->close(store);
    }
}

const struct state_case file_cases[] = {
    {"file-in-place", in_place, false},
    {"file-mapped", mapped, false},
    {"file-mapped-in-place", mapped_in_place, false},
    {"file-lasting", lasting, true},
};

const size_t file_case_count = sizeof file_cases / sizeof *file_cases;
