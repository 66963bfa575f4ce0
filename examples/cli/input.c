#include "input.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 65536

/* Reads what the stream has. @return NULL with errno set */
static char *read_all(FILE *stream, size_t *length)
{
    char *text = NULL;
    size_t capacity = 0;
    *length = 0;
    do {
        if (*length == capacity) {
            capacity = capacity == 0 ? FIRST_BYTES : capacity * 2;
            char *larger = realloc(text, capacity);
            if (!larger) {
                free(text);
                return NULL;
            }
            text = larger;
        }
        *length += fread(text + *length, 1, capacity - *length, stream);
    } while (!feof(stream) && !ferror(stream));
    if (!ferror(stream))
        return text;
    free(text);
    return NULL;
}

char *input_load(const char *path, size_t *length, struct input_error *error)
{
    FILE *stream = fopen(path, "rb");
    char *text = stream ? read_all(stream, length) : NULL;
    if (!text)
        snprintf(error->message, sizeof error->message, "%s: cannot be read: %s", path, strerror(errno));
    if (stream)
        fclose(stream);
    return text;
}

bool input_wrong(struct input_error *error, const char *path, size_t line, size_t column, const char *format, ...)
{
    int length = snprintf(error->message, sizeof error->message, "%s:%zu:%zu: ", path, line, column);
    if (length < 0 || (size_t)length >= sizeof error->message)
        return false;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message + length, sizeof error->message - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}
