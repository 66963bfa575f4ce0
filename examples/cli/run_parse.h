/* A line of `trading run`: bytes → JSON → request. No I/O; any bytes will do (tests/fuzz/run_fuzz.c feeds it with them). */
#ifndef CLI_RUN_PARSE_H
#define CLI_RUN_PARSE_H

#include "request.h"

/* The longest line that is read; a longer one is refused, and skipped to its end. */
#define RUN_LINE_BYTES (16u << 20)

struct parsed_line {
    struct request request; /* points into itself and into `document`: do not move it */
    json_t *document;
};

/* True for a line of white space alone, which is skipped without an answer. */
bool run_is_blank(const char *line, size_t length);

/* Makes a request of JSON that says more than one: takes out what is its own, fills in what is to be known first. False with
 * `complaint` filled in but for line and column. */
typedef bool (*run_prepare)(void *context, json_t *document, struct complaint *complaint);

/* Reads a line that has no line end; `prepare` may be NULL. False with `complaint` filled in, column and all (its line is the
 * caller's to know), when it is no request; then there is nothing to release. */
bool run_parse(struct parsed_line *parsed, const char *line, size_t length, run_prepare prepare, void *context,
               struct complaint *complaint);

void run_parse_release(struct parsed_line *parsed);

#endif
