/* A record of the bus with all that it points to, in one block of its own. */
#ifndef SERVE_PARCEL_H
#define SERVE_PARCEL_H

#include <stddef.h>

#include <trading/bus.h>

struct parcel {
    struct parcel *next;
    size_t bytes; /* of the whole block */
    trading_bus_record record;
};

/* Ends the program when there is no memory. */
struct parcel *parcel_copy(const trading_bus_record *record);

/* A list, the oldest first. Initialise it with parcels_init: it points into itself. */
struct parcels {
    struct parcel *first;
    struct parcel **last;
    size_t count;
};

void parcels_init(struct parcels *parcels);
void parcels_add(struct parcels *parcels, struct parcel *parcel);
/* Takes the first out; NULL: there is none. */
struct parcel *parcels_next(struct parcels *parcels);
/* Moves all that `from` has behind what `to` has. */
void parcels_move(struct parcels *to, struct parcels *from);
void parcels_free(struct parcels *parcels);

/* Publishes all of them in order, and frees them once that is done. */
int32_t parcels_publish(struct parcels *parcels, trading_bus *bus, trading_error *error);

/* The same one by one, leaving out those that the bus will never take: *left_out of them. */
int32_t parcels_publish_singly(struct parcels *parcels, trading_bus *bus, size_t *left_out, trading_error *error);

#endif
