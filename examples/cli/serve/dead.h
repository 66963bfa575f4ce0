/* Dead letters: records that nobody can do anything with, as they came, with the reason. */
#ifndef SERVE_DEAD_H
#define SERVE_DEAD_H

#include "parcel.h"
#include "wire.h"

/* The record for the topic of dead letters: key, value and headers of the one that came; behind these the reason, a message for people, and where it
 * stood: "topic", "partition", "position". A value that is too large for that is cut, and a key and headers that are (wire_extras_fit) are
 * left off. To be freed. */
struct parcel *dead_letter(const struct wire *wire, const trading_bus_record *record, const char *reason, const char *message);

#endif
