#include "output.h"

#include "record.h"
#include "subcommand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The longest text of a number with its groups, and its NUL. */
#define NUMBER_BYTES 64

#define LINE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(12))

void output_json(FILE *out, const json_t *value)
{
    json_dumpf(value, out, LINE_FLAGS);
    fputc('\n', out);
}

char *output_text(const json_t *value)
{
    char *text = json_dumps(value, LINE_FLAGS);
    if (!text)
        out_of_memory();
    return text;
}

static bool is_number(const char *text)
{
    size_t digits = strspn(text + (*text == '-'), "0123456789");
    return digits > 0 && strspn(text, "-.0123456789") == strlen(text);
}

const char *output_grouped(const char *number, char *buffer)
{
    size_t length = strlen(number);
    if (!is_number(number) || length > 30)
        return number;
    char *out = buffer;
    if (*number == '-')
        *out++ = *number++;
    size_t digits = strspn(number, "0123456789");
    for (size_t i = 0; i < digits; i++) {
        if (i > 0 && (digits - i) % 3 == 0)
            *out++ = ',';
        *out++ = number[i];
    }
    memcpy(out, number + digits, strlen(number + digits) + 1);
    return buffer;
}

/* The member that a column shows, looked up through objects along the dots of its key. */
static const json_t *member(const json_t *object, const char *key)
{
    const char *dot;
    while ((dot = strchr(key, '.'))) {
        object = json_object_getn(object, key, (size_t)(dot - key));
        key = dot + 1;
    }
    return json_object_get(object, key);
}

static const char *text_of_number(const json_t *value, char *buffer)
{
    char number[NUMBER_BYTES];
    if (json_is_integer(value))
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        snprintf(number, sizeof number, "%.3f", json_real_value(value));
    return output_grouped(number, buffer) == buffer ? buffer : "";
}

/* A cell's text; `buffer` has NUMBER_BYTES. */
static const char *text_of(const struct column *column, const json_t *value, char *buffer)
{
    if (json_is_boolean(value))
        return json_is_true(value) ? "yes" : "no";
    if (json_is_number(value))
        return text_of_number(value, buffer);
    const char *text = json_string_value(value);
    if (!text)
        return "";
    return column->kind == COLUMN_NUMBER ? output_grouped(text, buffer) : text;
}

static const char *cell(const struct column *column, const json_t *row, char *buffer)
{
    return text_of(column, member(row, column->key), buffer);
}

/* The text of a line of a list: of an array the element `index`; else the value, as the element 0. "" when there is none. */
static const char *list_line(const struct column *column, const json_t *object, size_t index, char *buffer)
{
    const json_t *value = member(object, column->key);
    if (json_is_array(value))
        value = json_array_get(value, index);
    else if (index > 0)
        value = NULL;
    return text_of(column, value, buffer);
}

/* How many columns of a terminal the text takes, near enough: a column a code point. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void pad(FILE *out, int count)
{
    fprintf(out, "%*s", count > 0 ? count : 0, "");
}

static void print_cell(FILE *out, const char *text, int width, bool right, bool last)
{
    int gap = width - width_of(text);
    if (right)
        pad(out, gap);
    fputs(text, out);
    if (!right && !last)
        pad(out, gap);
    fputs(last ? "\n" : "  ", out);
}

static bool styled(FILE *out)
{
    return isatty(fileno(out)) && !getenv("NO_COLOR");
}

void output_heading(FILE *out, const char *text)
{
    if (styled(out))
        fprintf(out, "\033[1m%s\033[0m\n", text);
    else
        fprintf(out, "%s\n", text);
}

static void print_titles(FILE *out, const struct column *columns, size_t count, const int *widths)
{
    if (styled(out))
        fputs("\033[1m", out);
    for (size_t i = 0; i < count; i++)
        print_cell(out, columns[i].title, widths[i], columns[i].kind != COLUMN_TEXT, i + 1 == count);
    if (styled(out))
        fputs("\033[0m", out);
}

/* A row up to its last cell that has something in it. */
static void print_row(FILE *out, const struct column *columns, size_t count, const int *widths, const json_t *row)
{
    char buffer[NUMBER_BYTES];
    while (count > 1 && !*cell(&columns[count - 1], row, buffer))
        count--;
    for (size_t i = 0; i < count; i++)
        print_cell(out, cell(&columns[i], row, buffer), widths[i], columns[i].kind != COLUMN_TEXT, i + 1 == count);
}

#define COLUMNS_MAX 16

void output_table(FILE *out, const struct column *columns, size_t count, const json_t *rows, const char *empty)
{
    char buffer[NUMBER_BYTES];
    int widths[COLUMNS_MAX];
    size_t row_count = json_array_size(rows);
    if (count > COLUMNS_MAX)
        count = COLUMNS_MAX;
    if (row_count == 0) {
        fprintf(out, "%s\n", empty);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        widths[i] = width_of(columns[i].title);
        for (size_t row = 0; row < row_count; row++) {
            int width = width_of(cell(&columns[i], json_array_get(rows, row), buffer));
            if (width > widths[i])
                widths[i] = width;
        }
    }
    print_titles(out, columns, count, widths);
    for (size_t row = 0; row < row_count; row++)
        print_row(out, columns, count, widths, json_array_get(rows, row));
}

/* How wide the titles of a list and its numbers are. */
static void measure_list(const struct column *columns, size_t count, const json_t *object, int *titles, int *numbers)
{
    char buffer[NUMBER_BYTES];
    *titles = 0;
    *numbers = 0;
    for (size_t i = 0; i < count; i++) {
        const char *text = list_line(&columns[i], object, 0, buffer);
        if (!*text)
            continue;
        if (width_of(columns[i].title) > *titles)
            *titles = width_of(columns[i].title);
        if (columns[i].kind != COLUMN_TEXT && width_of(text) > *numbers)
            *numbers = width_of(text);
    }
}

void output_list(FILE *out, const struct column *columns, size_t count, const json_t *object)
{
    char buffer[NUMBER_BYTES];
    const char *text;
    int titles;
    int numbers;
    measure_list(columns, count, object, &titles, &numbers);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; *(text = list_line(&columns[i], object, k, buffer)); k++) {
            print_cell(out, columns[i].title, titles, false, false);
            print_cell(out, text, columns[i].kind != COLUMN_TEXT ? numbers : 0, true, true);
        }
}

int output_failure(const trading_error *error)
{
    fprintf(stderr, "trading: %s: %s\n", trading_error_name(error->code), error->message);
    return error->code == TRADING_E_SYNTAX ? EXIT_USAGE : EXIT_STORE;
}

int output_no_position(const trading_error *error)
{
    fprintf(stderr, "rejected: BAD_POSITION: %s\n", error->message);
    return EXIT_REFUSED;
}

int output_outcome(const struct outcome *outcome, bool json)
{
    if (json) {
        output_json(stdout, outcome->json);
    } else if (outcome->code != EXIT_DONE) {
        const char *reason = json_string_value(json_object_get(outcome->json, "reason"));
        const char *message = json_string_value(json_object_get(outcome->json, "message"));
        fprintf(stderr, "%s: %s: %s\n", outcome->code == EXIT_STORE ? "trading" : "rejected", reason, message);
    }
    return outcome->code;
}

int output_finish(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno == EPIPE)
        return code;
    fprintf(stderr, "trading: what was written did not all arrive: %s\n", strerror(errno));
    return code == EXIT_DONE ? EXIT_STORE : code;
}
