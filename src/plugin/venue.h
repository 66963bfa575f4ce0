/* The handle of a venue from within: what the router needs beside the public calls. */
#ifndef PLUGIN_VENUE_HANDLE_H
#define PLUGIN_VENUE_HANDLE_H

#include <stdbool.h>

#include <trading/venue.h>

/* Whether it executes at the host's quotes. */
bool venue_takes_quotes(const trading_venue *venue);

#endif
