/* Requests, a line of JSON each, from a file or a pipe to who takes them in. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "arguments.h"
#include "line_reader.h"
#include "run_parse.h"

/* Who takes lines in. */
struct line_taker {
    bool (*has_room)(void *context);
    void (*take)(void *context, const char *line, size_t length, size_t number);
    void (*refuse)(void *context, const struct complaint *complaint); /* of a line that is too long to be read */
    void *context;
};

/* Hands over the lines that were read, as many as there is room for, but for blank ones. @return what the reader said last */
enum line_status lines_take(struct line_reader *reader, const struct line_taker *taker);

/* @return the descriptor of the operand FILE to read from, standard input where that is missing or "-"; or -1, having complained */
int lines_open(const struct arguments *arguments);

#endif
