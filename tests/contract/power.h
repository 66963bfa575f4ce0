/* What a loss of power leaves of a folder. A program's own calls that write, flush and name files take the place of the C library's, for liblmdb as
 * well (as in lmdb_faults.c), and note in order all that is done to the files of one folder. From such a record a folder is made as a loss of power at
 * any moment of it may leave one.
 *
 * The disk, as it is modelled:
 *   - What was written to a file before a flush of it began is there once the flush has ended (fsync, fdatasync; O_DSYNC: the sectors that are
 *     written, when the call ends). O_DIRECT flushes nothing.
 *   - Of what was written since, each sector of 512 bytes is there or not, whatever came before or after; a sector of several writes as one of them left
 *     it, never in parts.
 *   - A file's length follows its flushes; since the last one its changes came to the disk in their order, up to any of them. Where the length did but the
 *     bytes did not, there are zeros.
 *   - Names that were made, changed and removed are durable once their folder was flushed; since then they came to the disk in their order, up to any of
 *     them, independently of the files' bytes. (That a flush of a new file makes its name durable, as on ext4, is not relied upon.)
 *   - The folder itself is there.
 * What the store does by calls that are not known here shows, as the record then does not agree with the folder. To who asks Linux which run of the system
 * it is (boot_id), every watch is another. */
#ifndef POWER_H
#define POWER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POWER_SECTOR 512u
#define POWER_FILES  256u
#define POWER_PATH   256u

enum power_kind {
    POWER_WROTE,
    POWER_SIZED,   /* cut, or made longer, to `size` */
    POWER_FLUSHED, /* `size` bytes from `offset` on; what was done before the event `since` */
    POWER_NAMED,
    POWER_RENAMED,
    POWER_UNNAMED,
    POWER_MARKED, /* by the test */
};

struct power_event {
    enum power_kind kind;
    uint32_t file; /* of a name: the file that bears it */
    uint64_t offset;
    uint64_t size;
    size_t since;
    const uint8_t *bytes;
    uint32_t folder; /* that the name is in */
    const char *name;
    const char *new_name;
};

/* A file or a folder, as it was when watching began; or empty, and made since. */
struct power_file {
    uint64_t device;
    uint64_t inode;
    const char *folder; /* the path of a folder; NULL: it is a file */
    const char *name;   /* when watching began; NULL: made since */
    const uint8_t *bytes;
    uint64_t size;
    uint64_t size_now;
};

/* In memory that is shared with processes forked later. The first file is the folder itself. */
struct power_record {
    pthread_mutex_t lock; /* of all, while it is being written */
    char root[POWER_PATH];
    bool flush;   /* for real */
    uint64_t run; /* of the operating system: every watch begins another */
    size_t die_at;
    bool dies_late;
    struct power_file files[POWER_FILES];
    uint32_t file_count;
    struct power_event *events;
    size_t count;
    uint8_t *room; /* for bytes and names */
    size_t used;
};

struct power_record *power_record_make(void);

/* Takes the folder as it stands for durable, and notes from now on what this process does there and those that it forks; what the record had
 * before is forgotten. flush: whether files are flushed for real, or only said to be. */
void power_watch(struct power_record *record, const char *folder, bool flush);
void power_unwatch(void);

/* Does something in a process of its own. The status, as waitpid says it. */
int power_live(void (*life)(void *arg), void *arg);

/* A process that is watched ends as if killed as soon as so many events are noted, or, late, before the next flush after that has ended. SIZE_MAX: it
 * does not. */
void power_die_at(size_t count, bool late);

/* The test's own note among the events. */
void power_mark(const void *bytes, size_t size);

/* What happens while the journal is flushed, but for what is laid ahead of it; NULL: nothing. */
void power_meanwhile_flushing(void (*happens)(void));

/* ---- losses ---- */

enum power_luck {
    POWER_BY_CHANCE, /* each piece is there with a chance of `kept` in 256 */
    POWER_FIRST,     /* what was written first is there */
    POWER_LAST,      /* what was written last is there */
};

/* What is there of what was not flushed. */
struct power_loss {
    uint64_t seed;
    size_t at; /* the power is lost before this event */
    enum power_luck luck;
    uint32_t kept;
    uint32_t grain; /* sectors that share their luck; 0: all of one write do */
    int heads;      /* of the first two pages of a file: −1 none is there, 1 all are, 0 as luck has it */
    bool odd;       /* one sector has the contrary luck */
    size_t sizes;   /* of events before this one the changes of files' lengths are there */
    size_t names;   /* … and those of names */
};

/* Drawn by chance. */
struct power_loss power_draw(uint64_t seed, size_t at);
/* At the end of the record, and nothing is lost. */
struct power_loss power_lose_nothing(const struct power_record *record);
void power_describe(const struct power_loss *loss, char *text, size_t size);

/* Makes the folder, which must be empty, as the loss leaves it. Nothing may be watched. */
void power_lose(const struct power_record *record, const struct power_loss *loss, const char *folder);

/* Whether the folder is as the record says. */
bool power_agrees(const struct power_record *record, const char *folder);

/* A number in [0, bound) that follows from the seed. */
uint64_t power_random(uint64_t *seed, uint64_t bound);

#endif
