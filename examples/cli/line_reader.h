/* Lines from a descriptor, of bounded length: a longer one is told of, and skipped to its end. */
#ifndef CLI_LINE_READER_H
#define CLI_LINE_READER_H

#include <stdbool.h>
#include <stddef.h>

enum line_status {
    LINE_READY,  /* a line, without its line end */
    LINE_LONG,   /* the start of a line that is longer than allowed */
    LINE_WANTED, /* more must be read before there is one */
    LINE_END,    /* there are no more */
};

struct line_reader {
    int descriptor;
    size_t longest;
    char *buffer;
    size_t capacity;
    size_t begin;   /* of what was read and not handed out */
    size_t end;     /* of what was read */
    size_t scanned; /* up to here there is no line end */
    size_t line;    /* number of the line handed out last, from 1 */
    bool skipping;  /* in a line that was told to be too long */
    bool ended;     /* the descriptor has no more */
};

void line_reader_init(struct line_reader *reader, int descriptor, size_t longest);
void line_reader_free(struct line_reader *reader);

/* The next line of what was read; it stays until the next call of any function here. */
enum line_status line_reader_next(struct line_reader *reader, const char **line, size_t *length);

/* Reads once more. @return 0, or the errno that it failed with: ENOMEM, or that of read(2) */
int line_reader_fill(struct line_reader *reader);

#endif
