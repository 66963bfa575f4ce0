/* Calls of the operating system that fail under LMDB, wait, or are overtaken. A program's own pread, pwrite, writev, fdatasync and sync_file_range take the
 * place of the C library's, for liblmdb as well, and do as they are told. What the thread does that lays files out ahead is left alone. */
#ifndef LMDB_FAULTS_H
#define LMDB_FAULTS_H

#include <stdint.h>

enum failing {
    NOTHING,
    META,       /* writing a meta page */
    META_STAYS, /* it is written, and then said to have failed; and so it cannot be put back */
    DATA,       /* writing pages */
    DATA_SHORT, /* … half of them are */
    FLUSH,
};

void fail_next(enum failing what, int with, int often);

/* How often something was sent to the disk and waited for. */
uint64_t flushes_of_journals(void);

/* What happens while a page is on its way to a reader; NULL: nothing. */
void meanwhile_reading(void (*happens)(void));

/* What happens while pages are flushed; NULL: nothing. */
void meanwhile_flushing(void (*happens)(void));

/* What happens when a meta page was written and LMDB does not know it yet; NULL: nothing. */
void meanwhile_publishing(void (*happens)(void));

#endif
