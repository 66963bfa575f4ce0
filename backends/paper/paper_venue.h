/* The venue on paper: simulated within the process, "paper:?quotes=GOOG:99/101". It executes at quotes, and what it knows is gone when it is
 * closed. */
#ifndef PAPER_VENUE_H
#define PAPER_VENUE_H

#include <trading/plugin/venue.h>

extern const trading_venue_ops paper_venue_ops;

#endif
