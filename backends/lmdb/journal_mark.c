/* The mark that journal.mdb is being written: in its first page, behind what LMDB has there and leaves alone what follows.
 *
 *   offset size
 *     2048   16  "being written   "
 *     2064   40  which run of the operating system it was, as Linux names it (boot_id), then zeros
 *     2104    8  the newest transaction of LMDB's when the mark was made
 *     2112   32  a secret, drawn for this mark
 *     2144    8  SipHash-2-4, with a key of zeros, of the above
 *
 * It is made before the first append after a file was opened, or after an append failed, and is gone when the file was closed. The commits that
 * are appended under it are summed with its secret: so what an append left that failed, or that was taken back, cannot be taken for
 * one that a later append wrote to the same pages. */
#include "backends/lmdb/journal.h"
#include "backends/lmdb/lmdb_error.h"
#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define MARK_OFFSET 2048u
#define MARK_TEXT   "being written   "
#define SYSTEM_FILE "/proc/sys/kernel/random/boot_id"

struct written_mark {
    char text[16];
    char system[40];
    uint64_t settled;
    struct hash_secret secret;
    uint64_t check;
};

_Static_assert(sizeof(struct written_mark) == 104, "no padding is written");
_Static_assert(PAGE_HEADER_BYTES + sizeof(struct meta_record) <= MARK_OFFSET &&
                   MARK_OFFSET + sizeof(struct written_mark) <= PAGE_MIN,
               "it lies between what LMDB writes");

static uint64_t check_of(const struct written_mark *mark)
{
    static const uint8_t zeros[crypto_shorthash_KEYBYTES];
    uint64_t check;
    crypto_shorthash((uint8_t *)&check, (const uint8_t *)mark, offsetof(struct written_mark, check), zeros);
    return check;
}

/* Stays zeros where the system does not say, and all runs then look the same. */
static void name_system(char name[40])
{
    memset(name, 0, 40);
    int fd = open(SYSTEM_FILE, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (file_read(fd, name, 36, 0) != 36)
        memset(name, 0, 40);
    close(fd);
}

int32_t journal_mark_read(const struct page_file *file, struct journal_mark *mark, trading_error *error)
{
    struct written_mark written = {0};
    if (file_read(file->fd, &written, sizeof written, MARK_OFFSET) < 0)
        return lmdb_failure(error, errno, "reading", file->folder->path, file->name);
    char system[40];
    name_system(system);
    *mark = (struct journal_mark){.found = memcmp(written.text, MARK_TEXT, sizeof written.text) == 0 &&
                                           written.check == check_of(&written),
                                  .same_system = memcmp(written.system, system, sizeof system) == 0,
                                  .settled = written.settled,
                                  .secret = written.secret};
    return TRADING_OK;
}

static int write_mark(struct journal *journal, const struct written_mark *mark)
{
    int fd;
    int failure = mdb_env_get_fd(journal->environment.env, &fd);
    if (!failure)
        failure = file_write(fd, mark, sizeof *mark, MARK_OFFSET);
    if (!failure && fdatasync(fd))
        failure = errno;
    atomic_fetch_add_explicit(&journal->flushes, !failure, memory_order_relaxed);
    return failure;
}

int journal_mark_set(struct journal *journal)
{
    struct written_mark mark = {.settled = atomic_load_explicit(&journal->durable, memory_order_relaxed)};
    memcpy(mark.text, MARK_TEXT, sizeof mark.text);
    name_system(mark.system);
    randombytes_buf(&mark.secret, sizeof mark.secret);
    mark.check = check_of(&mark);
    int failure = write_mark(journal, &mark);
    if (failure)
        return failure;
    journal->secret = mark.secret;
    journal->marked = true;
    journal->spent = false;
    return 0;
}

int journal_mark_clear(struct journal *journal)
{
    static const struct written_mark none;
    int failure = write_mark(journal, &none);
    journal->marked = journal->marked && failure;
    return failure;
}
