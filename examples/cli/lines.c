#include "lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A byte order mark may begin a file, and says nothing. */
static void drop_mark(const struct line_reader *reader, const char **line, size_t *length)
{
    if (reader->line == 1 && *length >= 3 && !memcmp(*line, "\xef\xbb\xbf", 3)) {
        *line += 3;
        *length -= 3;
    }
}

static void refuse_long(const struct line_reader *reader, const struct line_taker *taker)
{
    struct complaint complaint = {.reason = TRADING_REASON_BAD_REQUEST, .line = reader->line, .column = RUN_LINE_BYTES + 1};
    snprintf(complaint.message, sizeof complaint.message, "the line is longer than %u bytes and was skipped to its end",
             RUN_LINE_BYTES);
    taker->refuse(taker->context, &complaint);
}

enum line_status lines_take(struct line_reader *reader, const struct line_taker *taker)
{
    const char *line;
    size_t length;
    enum line_status status = LINE_READY;
    while (taker->has_room(taker->context)) {
        status = line_reader_next(reader, &line, &length);
        if (status == LINE_WANTED || status == LINE_END)
            break;
        drop_mark(reader, &line, &length);
        if (status == LINE_LONG)
            refuse_long(reader, taker);
        else if (!run_is_blank(line, length))
            taker->take(taker->context, line, length, reader->line);
    }
    return status;
}

int lines_open(const struct arguments *arguments)
{
    const char *file = argument_value(arguments, "FILE");
    if (!file || !strcmp(file, "-"))
        return STDIN_FILENO;
    int descriptor = open(file, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        arguments_complain(arguments, "cannot read %s: %s", file, strerror(errno));
    return descriptor;
}
