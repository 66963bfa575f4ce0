/* What the bus has for one partition, on its way from the thread that polls the bus to the partition's own. Of bounded size: commands that
 * find no room are left out, and read from the topic again once there is some. */
#ifndef SERVE_INBOX_H
#define SERVE_INBOX_H

#include "parcel.h"

#include <pthread.h>
#include <stdbool.h>

/* The bytes of commands and letters beyond which no more are taken. */
#define INBOX_BYTES ((size_t)32 << 20)

struct inbox {
    pthread_mutex_t mutex;
    struct parcels parcels;
    size_t bytes;   /* of all parcels that were put in and not released */
    int64_t next;   /* the position from which on commands are wanted; -1: none are, yet */
    bool lost;      /* a command from `next` on found no room */
    int descriptor; /* readable while something waits */
};

/* False when the system has no descriptor for it. */
bool inbox_open(struct inbox *inbox);
void inbox_close(struct inbox *inbox);

/* From here on commands are wanted: those from the position on. */
void inbox_want(struct inbox *inbox, int64_t position);

/* Puts a command in that is wanted and has room. */
void inbox_put_command(struct inbox *inbox, const trading_bus_record *record);
/* Puts a letter in that has room: others are in the journals. */
void inbox_put_letter(struct inbox *inbox, const trading_bus_record *record);
/* Puts in what must not be left out, and is small. */
void inbox_put(struct inbox *inbox, const trading_bus_record *record);

/* True when commands were left out and there is room again: from *position on they are to be read again. */
bool inbox_wants_again(struct inbox *inbox, int64_t *position);

/* Makes the descriptor readable. */
void inbox_wake(struct inbox *inbox);
/* Takes out all that is in it, behind what `parcels` has. */
void inbox_take(struct inbox *inbox, struct parcels *parcels);
/* Frees a parcel that was taken out. */
void inbox_release(struct inbox *inbox, struct parcel *parcel);

#endif
