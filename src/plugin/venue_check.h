/* What a venue's handle refuses before the venue is asked: what its caller got wrong; and of the venue, reports that cannot be. */
#ifndef PLUGIN_VENUE_CHECK_H
#define PLUGIN_VENUE_CHECK_H

#include <trading/venue.h>

int32_t venue_check_order(const trading_venue_order *order, trading_error *error);
int32_t venue_check_quote(const trading_symbol *symbol, trading_decimal bid, trading_decimal ask, trading_error *error);
int32_t venue_check_reports(const trading_execution_report *reports, size_t count, size_t max, trading_error *error);

#endif
