/* The newest quote of every symbol, as the topic of quotes has told it, for partitions that are opened later. */
#ifndef SERVE_QUOTE_BOARD_H
#define SERVE_QUOTE_BOARD_H

#include "inbox.h"
#include "serving.h"

#include <jansson.h>

/* Takes a record in. False when it says nothing new: another owner of the book was late to tell. */
bool quote_board_take(json_t *board, const trading_bus_record *record);

/* Puts all quotes into a partition's inbox. */
void quote_board_tell(const json_t *board, const struct wire *wire, struct inbox *inbox);

#endif
