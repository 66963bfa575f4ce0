#include "replay_prices.h"

#include "csv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum column {
    COLUMN_DATE,
    COLUMN_SYMBOL,
    COLUMN_PRICE,
    COLUMN_OPEN,
    COLUMN_HIGH,
    COLUMN_LOW,
    COLUMN_CLOSE,
    COLUMN_VOLUME,
    COLUMN_ADJUSTED, /* usual in downloads; not a price that anyone traded at, and ignored */
    COLUMN_KINDS,
};

static const char *const column_names[COLUMN_KINDS] = {"date", "symbol", "price",  "open",     "high",
                                                       "low",  "close",  "volume", "adj close"};

#define LONG_COLUMNS (1u << COLUMN_DATE | 1u << COLUMN_SYMBOL | 1u << COLUMN_PRICE)
#define OHLCV_COLUMNS                                                                                                          \
    (1u << COLUMN_DATE | 1u << COLUMN_OPEN | 1u << COLUMN_HIGH | 1u << COLUMN_LOW | 1u << COLUMN_CLOSE | 1u << COLUMN_VOLUME)
#define OHLCV_OPTIONAL (1u << COLUMN_SYMBOL | 1u << COLUMN_ADJUSTED)
/* More columns than there are kinds cannot be right. */
#define COLUMNS_MAX COLUMN_KINDS

/* One file while it is read. */
struct price_file {
    struct prices *prices;
    const char *path;
    struct csv_reader reader;
    enum column columns[COLUMNS_MAX];
    size_t column_count;
    uint32_t present; /* bit of each column that the header names */
    trading_symbol symbol;
    struct csv_field fields[COLUMN_KINDS]; /* of the record being read, by column */
    struct input_error *error;
};

/* Complains of a place in the file. */
#define wrong(file, line, column, ...) input_wrong((file)->error, (file)->path, line, column, __VA_ARGS__)

static bool next_field(struct price_file *file, struct csv_field *field)
{
    if (csv_next(&file->reader, field))
        return true;
    return wrong(file, file->reader.line, file->reader.problem_column, "%s", file->reader.problem);
}

/* How much of a field an error shows. */
static int shown(const struct csv_field *field)
{
    return field->length < 40 ? (int)field->length : 40;
}

/* The column of that name, in any case; COLUMN_KINDS when there is none. */
static enum column column_of_name(const struct csv_field *field)
{
    for (unsigned column = 0; column < COLUMN_KINDS; column++) {
        const char *name = column_names[column];
        if (strlen(name) == field->length && strncasecmp(name, field->text, field->length) == 0)
            return (enum column)column;
    }
    return COLUMN_KINDS;
}

static bool add_column(struct price_file *file, const struct csv_field *field)
{
    enum column column = column_of_name(field);
    if (column == COLUMN_KINDS) {
        return wrong(file, field->line, field->column,
                     "unknown column '%.*s': the columns are date,symbol,price or date,open,high,low,close,volume",
                     shown(field), field->text);
    }
    if (file->present & 1u << column)
        return wrong(file, field->line, field->column, "column '%s' is there twice", column_names[column]);
    file->present |= 1u << column;
    file->columns[file->column_count++] = column;
    return true;
}

/* Whether the columns make one of the two forms. A file without a column of symbols is of the one that names it. */
static bool check_form(struct price_file *file)
{
    bool is_long = file->present & 1u << COLUMN_PRICE;
    uint32_t required = is_long ? LONG_COLUMNS : OHLCV_COLUMNS;
    uint32_t allowed = required | (is_long ? 0 : OHLCV_OPTIONAL);
    for (unsigned column = 0; column < COLUMN_KINDS; column++) {
        if (required & ~file->present & 1u << column) {
            return wrong(file, 1, 1,
                         "column '%s' is missing: the columns are date,symbol,price or date,open,high,low,close,volume",
                         column_names[column]);
        }
        if (file->present & ~allowed & 1u << column) {
            return wrong(file, 1, 1,
                         "column '%s' does not go with column 'price': the columns are date,symbol,price or "
                         "date,open,high,low,close,volume",
                         column_names[column]);
        }
    }
    if (!(file->present & 1u << COLUMN_SYMBOL) && !symbol_of_path(file->path, &file->symbol)) {
        return wrong(file, 1, 1,
                     "no column 'symbol', and the file's name is no symbol: add the column, or name the file like AAPL.csv");
    }
    return true;
}

static bool read_header(struct price_file *file)
{
    if (!csv_more(&file->reader))
        return wrong(file, 1, 1, "the file is empty: it begins with a line of column names");
    struct csv_field field;
    do {
        if (!next_field(file, &field) || !add_column(file, &field))
            return false;
    } while (!field.last);
    return check_form(file);
}

/* Reads the fields of a record to their columns. */
static bool read_fields(struct price_file *file)
{
    struct csv_field field;
    size_t count = 0;
    do {
        if (!next_field(file, &field))
            return false;
        if (count == file->column_count) {
            return wrong(file, field.line, field.column, "more fields than the %zu columns of the first line",
                         file->column_count);
        }
        file->fields[file->columns[count++]] = field;
    } while (!field.last);
    if (count < file->column_count) {
        return wrong(file, field.line, field.column + (uint32_t)field.length, "the line ends before its field '%s'",
                     column_names[file->columns[count]]);
    }
    return true;
}

static bool read_number(const struct price_file *file, enum column column, trading_decimal *number)
{
    const struct csv_field *field = &file->fields[column];
    int32_t code = trading_decimal_parse(field->text, field->length, number);
    if (code == TRADING_E_OVERFLOW)
        return wrong(file, field->line, field->column, "%s %.*s is too large", column_names[column], shown(field), field->text);
    if (code != TRADING_OK) {
        return wrong(file, field->line, field->column,
                     "%s '%.*s' is no number: digits, and at most six of them after a point, as in 1234.56",
                     column_names[column], shown(field), field->text);
    }
    return true;
}

static bool read_price(const struct price_file *file, enum column column, trading_decimal *price)
{
    if (!read_number(file, column, price))
        return false;
    const struct csv_field *field = &file->fields[column];
    return *price > 0 || wrong(file, field->line, field->column, "%s %.*s is not above zero", column_names[column],
                               shown(field), field->text);
}

static bool read_time(const struct price_file *file, trading_time *time)
{
    const struct csv_field *field = &file->fields[COLUMN_DATE];
    return trading_time_parse(field->text, field->length, time) == TRADING_OK ||
           wrong(file, field->line, field->column,
                 "date '%.*s' is none between 1970 and 2262, written like 2008-09-15 or 2008-09-15T14:30:00Z", shown(field),
                 field->text);
}

static bool symbol_of_text(const char *text, size_t length, trading_symbol *symbol)
{
    if (length == 0 || length >= sizeof symbol->text)
        return false;
    *symbol = (trading_symbol){{0}};
    memcpy(symbol->text, text, length);
    return strspn(symbol->text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_/") == length;
}

bool symbol_of_path(const char *path, trading_symbol *symbol)
{
    const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
    const char *dot = strrchr(name, '.');
    char text[sizeof symbol->text];
    size_t length = dot == NULL ? strlen(name) : (size_t)(dot - name);
    if (length >= sizeof text)
        return false;
    for (size_t i = 0; i < length; i++)
        text[i] = (char)toupper((unsigned char)name[i]);
    return symbol_of_text(text, length, symbol);
}

/* Whether the day's prices agree; columns that were swapped do not. */
static bool check_range(const struct price_file *file, enum column column, trading_decimal price, trading_decimal low,
                        trading_decimal high)
{
    const struct csv_field *field = &file->fields[column];
    return (low <= price && price <= high) ||
           wrong(file, field->line, field->column, "%s %.*s is not between low %.*s and high %.*s", column_names[column],
                 shown(field), field->text, shown(&file->fields[COLUMN_LOW]), file->fields[COLUMN_LOW].text,
                 shown(&file->fields[COLUMN_HIGH]), file->fields[COLUMN_HIGH].text);
}

static bool read_ohlcv(const struct price_file *file, struct price_row *row)
{
    trading_decimal open;
    trading_decimal high;
    trading_decimal low;
    if (!read_price(file, COLUMN_OPEN, &open) || !read_price(file, COLUMN_HIGH, &high) || !read_price(file, COLUMN_LOW, &low) ||
        !read_price(file, COLUMN_CLOSE, &row->price) || !read_number(file, COLUMN_VOLUME, &row->volume))
        return false;
    const struct csv_field *volume = &file->fields[COLUMN_VOLUME];
    if (row->volume < 0)
        return wrong(file, volume->line, volume->column, "volume %.*s is below zero", shown(volume), volume->text);
    return check_range(file, COLUMN_OPEN, open, low, high) && check_range(file, COLUMN_CLOSE, row->price, low, high);
}

static bool read_row(struct price_file *file, struct price_row *row)
{
    if (!read_fields(file))
        return false;
    *row = (struct price_row){
        .path = file->path, .line = file->fields[file->columns[0]].line, .volume = PRICE_NO_VOLUME, .symbol = file->symbol};
    const struct csv_field *symbol = &file->fields[COLUMN_SYMBOL];
    if (file->present & 1u << COLUMN_SYMBOL && !symbol_of_text(symbol->text, symbol->length, &row->symbol)) {
        return wrong(file, symbol->line, symbol->column, "symbol '%.*s' is not 1 to 15 characters of A-Z 0-9 . - _ /",
                     shown(symbol), symbol->text);
    }
    if (!read_time(file, &row->time))
        return false;
    return file->present & 1u << COLUMN_PRICE ? read_price(file, COLUMN_PRICE, &row->price) : read_ohlcv(file, row);
}

static bool add_row(struct price_file *file, const struct price_row *row)
{
    struct prices *prices = file->prices;
    if (prices->count == prices->capacity) {
        size_t capacity = prices->capacity == 0 ? 1024 : prices->capacity * 2;
        struct price_row *rows = reallocarray(prices->rows, capacity, sizeof *rows);
        if (rows == NULL)
            return wrong(file, row->line, 1, "not enough memory for more prices");
        prices->rows = rows;
        prices->capacity = capacity;
    }
    prices->rows[prices->count++] = *row;
    return true;
}

static bool read_rows(struct price_file *file)
{
    size_t before = file->prices->count;
    while (csv_more(&file->reader)) {
        struct price_row row;
        if (!read_row(file, &row) || !add_row(file, &row))
            return false;
    }
    return file->prices->count > before || wrong(file, file->reader.line, 1, "there is no price after the column names");
}

bool prices_read(struct prices *prices, const char *path, struct input_error *error)
{
    size_t length;
    char *text = input_load(path, &length, error);
    if (text == NULL)
        return false;
    struct price_file file = {.prices = prices, .path = path, .error = error};
    csv_begin(&file.reader, text, length);
    bool read = read_header(&file) && read_rows(&file);
    free(text);
    return read;
}

/* By time, then by symbol, so that neither the order of the files nor that of their rows matters. */
static int compare_rows(const void *left, const void *right)
{
    const struct price_row *a = left;
    const struct price_row *b = right;
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return memcmp(&a->symbol, &b->symbol, sizeof a->symbol);
}

bool prices_sort(struct prices *prices, struct input_error *error)
{
    if (prices->count > 1)
        qsort(prices->rows, prices->count, sizeof *prices->rows, compare_rows);
    for (size_t i = 1; i < prices->count; i++) {
        const struct price_row *row = &prices->rows[i];
        const struct price_row *other = &prices->rows[i - 1];
        if (compare_rows(other, row) == 0) {
            char time[TRADING_TIME_TEXT];
            trading_time_format(row->time, time);
            return input_wrong(error, row->path, row->line, 1, "a second price of %s at %s; the first is at %s:%u",
                               row->symbol.text, time, other->path, other->line);
        }
    }
    return true;
}

void prices_free(struct prices *prices)
{
    free(prices->rows);
    *prices = (struct prices){0};
}
