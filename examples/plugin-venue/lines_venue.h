/* What the two halves of the example venue share: lines_venue.c, the venue, and lines_text.c, lines and what they say. */
#ifndef LINES_VENUE_H
#define LINES_VENUE_H

#include <stdbool.h>

#include <trading/order.h>
#include <trading/plugin/plugin.h>

#define LINE_BYTES 256

/* Fills the error, where there is one, and returns the code; the second with errno. */
__attribute__((format(printf, 3, 4))) int32_t fail(trading_error *error, int32_t code, const char *format, ...);
int32_t fail_system(trading_error *error, const char *doing, const char *name);

/* "NEW|ClOrdID|BUY|GOOG|LIMIT|GTC|5|100.5|." */
void write_order(const trading_venue_order *order, char line[LINE_BYTES]);
/* "CANCEL|ClOrdID|." */
void write_cancel(const trading_venue_order *order, char line[LINE_BYTES]);
/* Both, read back: an order, or a cancel, which has no quantity. False: it is neither, or not whole. */
bool read_order(char *line, trading_venue_order *order);

/* "ClOrdID|NEW|." "ClOrdID|TRADE|ExecID|2|100.5|." "ClOrdID|CANCELED|ExecID|why|." and so EXPIRED, REJECTED; "ClOrdID|CANCEL_REJECTED|.".
 * What follows from the reports before it is left 0. */
bool read_execution(char *line, trading_execution_report *report);

#endif
