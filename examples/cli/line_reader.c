#include "line_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FIRST_CAPACITY 65536

void line_reader_init(struct line_reader *reader, int descriptor, size_t longest)
{
    *reader = (struct line_reader){.descriptor = descriptor, .longest = longest};
}

void line_reader_free(struct line_reader *reader)
{
    free(reader->buffer);
    reader->buffer = NULL;
}

/* Hands out what stands from begin to `stop`, `line_end` bytes of line end after it. */
static void hand_out(struct line_reader *reader, size_t stop, size_t line_end, const char **line, size_t *length)
{
    *line = reader->buffer + reader->begin;
    *length = stop - reader->begin;
    reader->begin = stop + line_end;
    reader->scanned = reader->begin;
    reader->line++;
}

/* Forgets what is buffered of a line that is too long. True when its end was among it. */
static bool skip(struct line_reader *reader)
{
    char *start = reader->buffer + reader->begin;
    char *line_end = memchr(start, '\n', reader->end - reader->begin);
    reader->begin = line_end ? (size_t)(line_end - reader->buffer) + 1 : reader->end;
    reader->scanned = reader->begin;
    reader->skipping = !line_end;
    return line_end;
}

enum line_status line_reader_next(struct line_reader *reader, const char **line, size_t *length)
{
    if (!reader->buffer)
        return reader->ended ? LINE_END : LINE_WANTED;
    if (reader->skipping && !skip(reader))
        return reader->ended ? LINE_END : LINE_WANTED;
    char *line_end = memchr(reader->buffer + reader->scanned, '\n', reader->end - reader->scanned);
    if (line_end && (size_t)(line_end - reader->buffer) - reader->begin <= reader->longest) {
        hand_out(reader, (size_t)(line_end - reader->buffer), 1, line, length);
        return LINE_READY;
    }
    reader->scanned = reader->end;
    if (reader->end - reader->begin > reader->longest) {
        hand_out(reader, reader->begin + reader->longest, 0, line, length);
        reader->skipping = true;
        return LINE_LONG;
    }
    if (!reader->ended)
        return LINE_WANTED;
    if (reader->begin == reader->end)
        return LINE_END;
    /* The last line may lack its end. */
    hand_out(reader, reader->end, 0, line, length);
    return LINE_READY;
}

/* Makes room for more: moves what is there to the front, and doubles what is full. */
static bool make_room(struct line_reader *reader)
{
    if (reader->begin > 0) {
        memmove(reader->buffer, reader->buffer + reader->begin, reader->end - reader->begin);
        reader->end -= reader->begin;
        reader->scanned -= reader->begin;
        reader->begin = 0;
    }
    if (reader->end < reader->capacity)
        return true;
    size_t capacity = reader->capacity ? 2 * reader->capacity : FIRST_CAPACITY;
    char *buffer = realloc(reader->buffer, capacity);
    if (!buffer)
        return false;
    reader->buffer = buffer;
    reader->capacity = capacity;
    return true;
}

int line_reader_fill(struct line_reader *reader)
{
    ssize_t count;
    if (!make_room(reader))
        return ENOMEM;
    do
        count = read(reader->descriptor, reader->buffer + reader->end, reader->capacity - reader->end);
    while (count < 0 && errno == EINTR);
    if (count < 0)
        return errno;
    reader->end += (size_t)count;
    reader->ended = count == 0;
    return 0;
}
