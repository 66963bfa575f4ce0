/* Files that a user hands to the program to be read whole, and what may be wrong in them. */
#ifndef CLI_INPUT_H
#define CLI_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* What is wrong with a file, where, and what is expected: "AAPL.csv:12:14: …". */
struct input_error {
    char message[512];
};

/* Reads a file to its end. @return its `length` bytes, to be freed; NULL with `error` set */
char *input_load(const char *path, size_t *length, struct input_error *error);

/* Sets `error` to "path:line:column: …"; returns false. */
__attribute__((format(printf, 5, 6))) bool input_wrong(struct input_error *error, const char *path, size_t line, size_t column,
                                                       const char *format, ...);

#endif
