#include "csv.h"

#include <string.h>

void csv_begin(struct csv_reader *reader, char *text, size_t length)
{
    size_t mark = length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    *reader = (struct csv_reader){.at = text + mark, .end = text + length, .line_start = text + mark, .line = 1};
}

/* How many bytes of line end are at `at`: 0 when it is none. */
static size_t line_end(const struct csv_reader *reader, const char *at)
{
    if (at == reader->end || (*at != '\n' && *at != '\r'))
        return 0;
    if (*at == '\n')
        return 1;
    return at + 1 < reader->end && at[1] == '\n' ? 2 : 0;
}

static void next_line(struct csv_reader *reader, size_t ending)
{
    reader->at += ending;
    reader->line_start = reader->at;
    reader->line++;
}

bool csv_more(struct csv_reader *reader)
{
    for (size_t ending = line_end(reader, reader->at); ending > 0; ending = line_end(reader, reader->at))
        next_line(reader, ending);
    return reader->at < reader->end;
}

static bool malformed(struct csv_reader *reader, const char *at, const char *problem)
{
    reader->problem = problem;
    reader->problem_column = (uint32_t)(at - reader->line_start) + 1;
    return false;
}

/* Reads a field in quotes; two quotes inside stand for one. `at` is on the opening quote. */
static bool read_quoted(struct csv_reader *reader, struct csv_field *field)
{
    char *opening = reader->at;
    char *write = opening + 1;
    field->text = write;
    for (char *read = opening + 1; read < reader->end; read++) {
        if ((unsigned char)*read < ' ')
            return malformed(reader, read, "a control character or line end inside quotes");
        if (*read != '"') {
            *write++ = *read;
        } else if (read + 1 < reader->end && read[1] == '"') {
            *write++ = *read++;
        } else {
            field->length = (size_t)(write - field->text);
            reader->at = read + 1;
            return true;
        }
    }
    return malformed(reader, opening, "a quote that is not closed");
}

static bool read_plain(struct csv_reader *reader, struct csv_field *field)
{
    char *at = reader->at;
    while (at < reader->end && *at != ',' && line_end(reader, at) == 0) {
        if (*at == '"')
            return malformed(reader, at, "a quote inside a field that does not begin with one");
        if ((unsigned char)*at < ' ')
            return malformed(reader, at, "a control character");
        at++;
    }
    field->text = reader->at;
    field->length = (size_t)(at - reader->at);
    reader->at = at;
    return true;
}

bool csv_next(struct csv_reader *reader, struct csv_field *field)
{
    field->line = reader->line;
    field->column = (uint32_t)(reader->at - reader->line_start) + 1;
    bool quoted = reader->at < reader->end && *reader->at == '"';
    if (!(quoted ? read_quoted(reader, field) : read_plain(reader, field)))
        return false;
    size_t ending = line_end(reader, reader->at);
    field->last = ending > 0 || reader->at == reader->end;
    if (ending > 0) {
        next_line(reader, ending);
    } else if (!field->last) {
        if (*reader->at != ',')
            return malformed(reader, reader->at, "text after a closing quote");
        reader->at++;
    }
    return true;
}
