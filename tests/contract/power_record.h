/* Between the files of power.h: how the record is written. All is called with its lock, unless it says so. */
#ifndef POWER_RECORD_H
#define POWER_RECORD_H

#include "power.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>

#define POWER_UNKNOWN UINT32_MAX

/* NULL: nothing is watched. */
struct power_record *power_watched(void);
void power_meanwhile(void); /* without the lock */

/* These take the lock, which a thread may take again. */
void power_lock(struct power_record *record);
void power_unlock(struct power_record *record);
/* POWER_UNKNOWN: it is not watched. */
uint32_t power_file_of(struct power_record *record, int fd);

/* A path within the folder that is watched, and the folder that it is in. */
struct power_place {
    char name[POWER_PATH];
    uint32_t folder;
};
bool power_place_of(struct power_record *record, int at, const char *path, struct power_place *place);

void power_note_bytes(struct power_record *record, uint32_t file, uint64_t offset, const struct iovec *parts, uint64_t size);
void power_note_size(struct power_record *record, uint32_t file, uint64_t size);
void power_note_flush(struct power_record *record, uint32_t file, uint64_t offset, uint64_t size, size_t since);
void power_note_made(struct power_record *record, const struct power_place *place, const struct stat *status);
void power_note_renamed(struct power_record *record, const struct power_place *from, const struct power_place *to,
                        const struct stat *status);
void power_note_removed(struct power_record *record, const struct power_place *place);

_Noreturn void power_give_up(const char *why);

#endif
