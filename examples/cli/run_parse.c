#include "run_parse.h"

#include <stdio.h>
#include <string.h>

bool run_is_blank(const char *line, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (line[i] != ' ' && (line[i] < '\t' || line[i] > '\r'))
            return false;
    return true;
}

/* The offset after the string that begins at `at` with a quote. The text is known to be JSON. */
static size_t skip_string(const char *text, size_t at, size_t length)
{
    for (at++; at < length && text[at] != '"'; at++)
        if (text[at] == '\\')
            at++;
    return at + 1;
}

/* The offset of the quote that begins the key `key` of the object that begins at `from`; `from` when it is written with escapes, or
 * is not there. The text is known to be JSON. */
static size_t find_key(const char *text, size_t from, size_t length, const char *key)
{
    size_t wanted = strlen(key);
    int depth = 0;
    bool is_key = false;
    for (size_t at = from; at < length;) {
        char byte = text[at];
        if (byte == '"') {
            size_t after = skip_string(text, at, length);
            if (depth == 1 && is_key && after == at + wanted + 2 && !memcmp(text + at + 1, key, wanted))
                return at;
            is_key = false;
            at = after;
            continue;
        }
        if (byte == '{' || byte == '[')
            depth++;
        else if (byte == '}' || byte == ']')
            depth--;
        if (depth == 0 && (byte == '}' || byte == ']'))
            return from;
        is_key = is_key || (depth == 1 && (byte == '{' || byte == ','));
        at++;
    }
    return from;
}

/* The offset of the object that is the value of the key that begins at `at`. */
static size_t object_after(const char *text, size_t at, size_t length)
{
    at = skip_string(text, at, length);
    const char *brace = at < length ? memchr(text + at, '{', length - at) : NULL;
    return brace ? (size_t)(brace - text) : at;
}

/* The column, counted in characters from 1, of the byte at `offset`. */
static size_t column_of(const char *text, size_t offset)
{
    size_t column = 1;
    for (size_t i = 0; i < offset; i++)
        column += ((unsigned char)text[i] & 0xc0) != 0x80;
    return column;
}

static void locate(struct complaint *complaint, const char *line, size_t length)
{
    size_t at = 0;
    while (at + 1 < length && run_is_blank(line + at, 1))
        at++;
    if (complaint->parent) {
        size_t parent = find_key(line, at, length, complaint->parent);
        at = parent == at ? at : object_after(line, parent, length);
    }
    if (complaint->key)
        at = find_key(line, at, length, complaint->key);
    complaint->column = column_of(line, at);
    /* They point into the JSON, which is about to go. */
    complaint->parent = NULL;
    complaint->key = NULL;
}

static bool refuse_json(struct complaint *complaint, const json_error_t *error)
{
    *complaint =
        (struct complaint){.reason = TRADING_REASON_BAD_REQUEST, .column = error->column > 0 ? (size_t)error->column : 1};
    snprintf(complaint->message, sizeof complaint->message, "not JSON: %s", error->text);
    return false;
}

bool run_parse(struct parsed_line *parsed, const char *line, size_t length, run_prepare prepare, void *context,
               struct complaint *complaint)
{
    json_error_t error;
    parsed->document = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    if (!parsed->document)
        return refuse_json(complaint, &error);
    *complaint = (struct complaint){0};
    if ((!prepare || prepare(context, parsed->document, complaint)) &&
        request_read(&parsed->request, parsed->document, complaint))
        return true;
    locate(complaint, line, length);
    run_parse_release(parsed);
    return false;
}

void run_parse_release(struct parsed_line *parsed)
{
    json_decref(parsed->document);
    parsed->document = NULL;
}
