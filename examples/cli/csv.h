/* Reads CSV as RFC 4180 describes it, a field at a time, in place in memory, and knows the line and column of each field.
 */
#ifndef CLI_CSV_H
#define CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A field: `length` bytes at `text`, without its quotes. */
struct csv_field {
    char *text;
    size_t length;
    uint32_t line;   /* from 1 */
    uint32_t column; /* of its first byte in the line, from 1 */
    bool last;       /* of its record */
};

struct csv_reader {
    char *at;
    char *end;
    char *line_start;
    uint32_t line;
    const char *problem; /* why csv_next failed, and where */
    uint32_t problem_column;
};

/* Begins to read `length` bytes, which csv_next changes. A byte order mark is skipped. */
void csv_begin(struct csv_reader *reader, char *text, size_t length);

/* Whether another record follows; empty lines are skipped. Call it between records. */
bool csv_more(struct csv_reader *reader);

/* The next field of the record. @return false when it is malformed; `problem`, `line` and `problem_column` say how and where. */
bool csv_next(struct csv_reader *reader, struct csv_field *field);

#endif
