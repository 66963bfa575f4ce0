#include "inbox.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool inbox_open(struct inbox *inbox)
{
    *inbox = (struct inbox){.next = -1, .descriptor = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    parcels_init(&inbox->parcels);
    return inbox->descriptor >= 0 && pthread_mutex_init(&inbox->mutex, NULL) == 0;
}

void inbox_close(struct inbox *inbox)
{
    parcels_free(&inbox->parcels);
    close(inbox->descriptor);
    pthread_mutex_destroy(&inbox->mutex);
}

void inbox_wake(struct inbox *inbox)
{
    uint64_t one = 1;
    /* It fails only where it is readable already. */
    ssize_t written = write(inbox->descriptor, &one, sizeof one);
    (void)written;
}

void inbox_want(struct inbox *inbox, int64_t position)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->next = position;
    pthread_mutex_unlock(&inbox->mutex);
}

static void add(struct inbox *inbox, const trading_bus_record *record)
{
    struct parcel *parcel = parcel_copy(record);
    inbox->bytes += parcel->bytes;
    bool was_empty = !inbox->parcels.first;
    parcels_add(&inbox->parcels, parcel);
    if (was_empty)
        inbox_wake(inbox);
}

void inbox_put_command(struct inbox *inbox, const trading_bus_record *record)
{
    pthread_mutex_lock(&inbox->mutex);
    if (inbox->next >= 0 && record->position >= inbox->next && !inbox->lost) {
        inbox->lost = inbox->bytes > INBOX_BYTES;
        if (!inbox->lost) {
            add(inbox, record);
            inbox->next = record->position + 1;
        }
    }
    pthread_mutex_unlock(&inbox->mutex);
}

void inbox_put_letter(struct inbox *inbox, const trading_bus_record *record)
{
    pthread_mutex_lock(&inbox->mutex);
    if (inbox->next >= 0 && inbox->bytes <= INBOX_BYTES)
        add(inbox, record);
    pthread_mutex_unlock(&inbox->mutex);
}

void inbox_put(struct inbox *inbox, const trading_bus_record *record)
{
    pthread_mutex_lock(&inbox->mutex);
    add(inbox, record);
    pthread_mutex_unlock(&inbox->mutex);
}

bool inbox_wants_again(struct inbox *inbox, int64_t *position)
{
    pthread_mutex_lock(&inbox->mutex);
    bool again = inbox->lost && inbox->bytes <= INBOX_BYTES / 2;
    if (again) {
        inbox->lost = false;
        *position = inbox->next;
    }
    pthread_mutex_unlock(&inbox->mutex);
    return again;
}

void inbox_take(struct inbox *inbox, struct parcels *parcels)
{
    uint64_t wakes;
    ssize_t taken = read(inbox->descriptor, &wakes, sizeof wakes);
    (void)taken;
    pthread_mutex_lock(&inbox->mutex);
    parcels_move(parcels, &inbox->parcels);
    pthread_mutex_unlock(&inbox->mutex);
}

void inbox_release(struct inbox *inbox, struct parcel *parcel)
{
    pthread_mutex_lock(&inbox->mutex);
    inbox->bytes -= parcel->bytes;
    pthread_mutex_unlock(&inbox->mutex);
    free(parcel);
}
