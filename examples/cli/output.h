/* What the program writes: JSON values a line each, tables and lists for people, refusals and failures. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include <trading/error.h>

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER,  /* to the right, its digits in groups of three: 15,015.00 */
    COLUMN_ORDINAL, /* to the right, as it is: a position is to be copied */
};

/* A column of a table, or a line of a list: the member of a JSON object that it shows. */
struct column {
    const char *title;
    const char *key; /* of a member of a member: "contact.email" */
    enum column_kind kind;
};

/* Writes the value as one line of JSON. */
void output_json(FILE *out, const json_t *value);

/* The text of that line without its end, to be freed. */
char *output_text(const json_t *value);

/* Writes an array of objects as an aligned table; when it is empty, the sentence `empty`. */
void output_table(FILE *out, const struct column *columns, size_t count, const json_t *rows, const char *empty);

/* Writes an object as a list, a member a line, an element a line where it is an array; what is not there or is "" is left out. */
void output_list(FILE *out, const struct column *columns, size_t count, const json_t *object);

/* A heading between tables: bold on a terminal. */
void output_heading(FILE *out, const char *text);

/* Number text with its digits in groups of three, into `buffer` of at least 48 bytes. */
const char *output_grouped(const char *number, char *buffer);

/* Says on stderr that the machinery failed, and what it said of it. @return EXIT_STORE; EXIT_USAGE for a URI that is none */
int output_failure(const trading_error *error);

/* Says on stderr that there is no such position to look at. @return EXIT_REFUSED */
int output_no_position(const trading_error *error);

/* What became of an op: its result line, and the exit code that it stands for. */
struct outcome {
    json_t *json;
    int code; /* an exit_code */
};

/* Tells an outcome: as JSON on stdout when `json`; else a refusal or failure on stderr, and nothing when it is done. @return its code */
int output_outcome(const struct outcome *outcome, bool json);

/* Flushes stdout. @return `code`, or EXIT_STORE when what was written did not all arrive (said on stderr, unless the reader
 * has merely gone) */
int output_finish(int code);

#endif
