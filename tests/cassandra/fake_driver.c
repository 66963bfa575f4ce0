#include "fake_driver.h"

#include "backends/cassandra/driver.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS_MAX = 20000, PIECES_MAX = 20000, FAULTS_MAX = 16, VALUES_MAX = 16, CELLS_MAX = 5 };

enum kind {
    OTHER,
    VERSION_TABLE,
    VERSION,
    PARTITIONS,
    HEAD,
    APPEND,
    WHOSE,
    FIRST,
    HOLDING,
    LIST,
    PIECE_PUT,
    PIECE_LIST,
    PIECE_DROP
};

struct driver {
    int nothing;
};

struct driver_statement {
    enum kind kind;
    int32_t mode;
    bool inside; /* an append that carries its data */
};

struct cell {
    int32_t type;
    int64_t number;
    void *bytes;
    uint64_t size;
};

/* Rows of one answer, or what it failed with. */
struct driver_rows {
    struct cell (*cells)[CELLS_MAX];
    int count;
    int next;
};

struct driver_request {
    int32_t code;
    struct driver_rows *rows;
};

struct head {
    int64_t next;
    int64_t bucket_bytes;
    int64_t total_bytes;
    bool sealed;
    uint8_t nonce[16];
};

struct block {
    int64_t number;
    int64_t bucket;
    int64_t first;
    int64_t events;
    int64_t size;
    uint8_t id[16];
    void *data;       /* NULL: in pieces */
    struct head head; /* of the bucket, with this block */
};

struct piece {
    uint8_t id[16];
    int64_t piece;
    void *data;
    uint64_t size;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct block blocks[BLOCKS_MAX]; /* of each bucket in order */
static int block_count;
static struct piece pieces[PIECES_MAX];
static int piece_count;
static enum fake_fault faults[FAULTS_MAX];
static int fault_count;
static int fault_next;
static int silence;
static bool lag;
static int transactions;
static struct block late; /* with bytes of its own */
static struct driver_value late_condition[2];
static bool late_waits;
static bool late_is_first;

/* ---- the test's side ---- */

static void drop_piece(int at)
{
    free(pieces[at].data);
    pieces[at] = pieces[--piece_count];
}

void fake_reset(void)
{
    for (int i = 0; i < block_count; i++)
        free(blocks[i].data);
    while (piece_count)
        drop_piece(0);
    if (late_waits)
        free(late.data);
    block_count = fault_count = fault_next = silence = transactions = 0;
    lag = late_waits = false;
}

void fake_plan(const enum fake_fault *planned, int count)
{
    for (int i = 0; i < count; i++)
        faults[i] = planned[i];
    fault_count = count;
    fault_next = 0;
}

void fake_silence(int reads)
{
    silence = reads;
}

void fake_lag(bool lagging)
{
    lag = lagging;
}

int fake_transactions(void)
{
    return transactions;
}

int64_t fake_newest_bucket(void)
{
    return blocks[block_count - 1].bucket;
}

int fake_pieces(void)
{
    return piece_count;
}

/* ---- answers ---- */

static void *copy(const void *bytes, uint64_t size)
{
    void *out = malloc(size + 1);
    if (!out)
        abort();
    if (size)
        memcpy(out, bytes, size);
    return out;
}

static struct cell *add_row(struct driver_rows *rows)
{
    rows->cells = realloc(rows->cells, (size_t)(rows->count + 1) * sizeof *rows->cells);
    if (!rows->cells)
        abort();
    struct cell *cells = rows->cells[rows->count++];
    memset(cells, 0, sizeof *rows->cells);
    return cells;
}

static struct cell number_cell(int64_t number)
{
    return (struct cell){.type = DRIVER_INT64, .number = number};
}

static struct cell bytes_cell(const void *bytes, uint64_t size)
{
    return (struct cell){.type = DRIVER_BYTES, .bytes = copy(bytes, size), .size = size};
}

/* ---- the tables ---- */

static struct block *newest_of(int64_t number, int64_t bucket, int before)
{
    for (int i = before - 1; i >= 0; i--) {
        if (blocks[i].number == number && blocks[i].bucket == bucket)
            return &blocks[i];
    }
    return NULL;
}

static void read_head(const struct driver_value *values, bool serial, struct driver_rows *rows)
{
    const struct block *newest = newest_of(values[1].number, values[2].number, block_count - (lag && !serial));
    if (!newest)
        return;
    struct cell *cells = add_row(rows);
    cells[0] = number_cell(newest->head.next);
    cells[1] = bytes_cell(newest->head.nonce, 16);
    cells[2] = number_cell(newest->head.sealed);
    cells[3] = number_cell(newest->head.bucket_bytes);
    cells[4] = number_cell(newest->head.total_bytes);
}

/* Of an append's bound values; its bytes are copied. */
static struct block block_of(const struct driver_statement *statement, const struct driver_value *values)
{
    const struct driver_value *where = values + 8 + statement->inside + 1;
    struct block block = {.number = where[0].number,
                          .bucket = where[1].number,
                          .first = where[2].number,
                          .events = values[6].number,
                          .size = values[7].number,
                          .head = {.next = values[0].number,
                                   .sealed = values[2].number != 0,
                                   .bucket_bytes = values[3].number,
                                   .total_bytes = values[4].number}};
    memcpy(block.head.nonce, values[1].bytes, 16);
    memcpy(block.id, values[5].bytes, 16);
    if (statement->inside)
        block.data = copy(values[8].bytes, values[8].size);
    return block;
}

static bool equals(const struct driver_value *wanted, int32_t type, int64_t number)
{
    return wanted->type == type && wanted->number == number;
}

/* IF next_position = … AND sealed = … */
static bool apply(const struct block *block, const struct driver_value condition[2])
{
    const struct block *newest = newest_of(block->number, block->bucket, block_count);
    bool holds = newest ? equals(&condition[0], DRIVER_INT64, newest->head.next) &&
                              equals(&condition[1], DRIVER_BOOLEAN, newest->head.sealed)
                        : condition[0].type == DRIVER_NULL && condition[1].type == DRIVER_NULL;
    if (!holds || block_count == BLOCKS_MAX) {
        free(block->data);
        return false;
    }
    blocks[block_count++] = *block;
    return true;
}

static bool apply_late(void)
{
    late_waits = false;
    return apply(&late, late_condition);
}

/* Another writer's block of one event, of the same place in the order. */
static struct block stolen(const struct block *block)
{
    struct block others = *block;
    others.events = 1;
    others.head.next = block->first + 1;
    others.data = copy("other's", 8);
    memset(others.id, 0xee, 16);
    memset(others.head.nonce, 0xee, 16);
    return others;
}

static int32_t answer_applied(struct driver_rows *rows, bool applied)
{
    add_row(rows)[0] = number_cell(applied);
    return DRIVER_OK;
}

static int32_t transact(const struct driver_statement *statement, const struct driver_value *values, struct driver_rows *rows)
{
    const struct driver_value *condition = values + 8 + statement->inside + 4;
    struct block block = block_of(statement, values);
    enum fake_fault fault = fault_next < fault_count ? faults[fault_next++] : FAKE_NONE;
    bool then_late = late_waits && !late_is_first;
    transactions++;
    if (late_waits && late_is_first)
        apply_late();
    if (fault == FAKE_STOLEN || fault == FAKE_STOLEN_UNANSWERED) {
        struct block others = stolen(&block);
        apply(&others, condition);
    }
    int32_t code = DRIVER_UNCERTAIN;
    if (fault == FAKE_NONE || fault == FAKE_STOLEN) {
        code = answer_applied(rows, apply(&block, condition));
    } else if (fault == FAKE_DONE || fault == FAKE_STOLEN_UNANSWERED) {
        apply(&block, condition);
    } else if (fault == FAKE_LATE || fault == FAKE_LATE_FIRST) {
        late = block;
        memcpy(late_condition, condition, sizeof late_condition);
        late_waits = true;
        late_is_first = fault == FAKE_LATE_FIRST;
    } else {
        free(block.data);
        code = fault == FAKE_REFUSED ? DRIVER_UNAVAILABLE : DRIVER_UNCERTAIN;
    }
    if (then_late)
        apply_late();
    return code;
}

static void list_blocks(enum kind kind, const struct driver_value *values, struct driver_rows *rows)
{
    for (int i = 0; i < block_count; i++) {
        const struct block *block = &blocks[i];
        if (block->number != values[1].number || block->bucket != values[2].number ||
            (kind == LIST && (block->first < values[3].number || block->first >= values[4].number)) ||
            (kind == WHOSE && block->first != values[3].number) || (kind == HOLDING && block->first > values[3].number) ||
            (kind == FIRST && rows->count))
            continue;
        struct cell *cells = kind == HOLDING && rows->count ? rows->cells[0] : add_row(rows);
        cells[0] = kind == WHOSE ? bytes_cell(block->id, 16) : number_cell(block->first);
        if (kind != LIST)
            continue;
        cells[1] = number_cell(block->events);
        cells[2] = number_cell(block->size);
        cells[3] = bytes_cell(block->id, 16);
        if (block->data)
            cells[4] = bytes_cell(block->data, (uint64_t)block->size);
    }
}

/* A partition is listed once it has a block, which does for a test. */
static void list_partitions(struct driver_rows *rows)
{
    for (int i = 0; i < block_count; i++) {
        bool first = true;
        for (int j = 0; j < i; j++)
            first = first && blocks[j].number != blocks[i].number;
        if (first)
            add_row(rows)[0] = number_cell(blocks[i].number);
    }
}

static void put_piece(const struct driver_value *values)
{
    if (piece_count == PIECES_MAX)
        abort();
    struct piece *piece = &pieces[piece_count++];
    *piece = (struct piece){.piece = values[1].number, .data = copy(values[2].bytes, values[2].size), .size = values[2].size};
    memcpy(piece->id, values[0].bytes, 16);
}

static void list_pieces(const struct driver_value *values, struct driver_rows *rows)
{
    int64_t wanted = 0;
    for (int i = 0; i < piece_count; i++) {
        if (pieces[i].piece == wanted && memcmp(pieces[i].id, values[0].bytes, 16) == 0) {
            add_row(rows)[0] = bytes_cell(pieces[i].data, pieces[i].size);
            wanted++;
            i = -1;
        }
    }
}

static void drop_pieces(const struct driver_value *values)
{
    for (int i = piece_count - 1; i >= 0; i--) {
        if (memcmp(pieces[i].id, values[0].bytes, 16) == 0)
            drop_piece(i);
    }
}

static int32_t answer(const struct driver_statement *statement, const struct driver_value *values, struct driver_rows *rows)
{
    if (statement->mode == DRIVER_READ_SERIAL && silence > 0) {
        silence--;
        return DRIVER_UNCERTAIN;
    }
    switch (statement->kind) {
    case VERSION_TABLE:
    case VERSION:
        add_row(rows)[0] = number_cell(1);
        break;
    case PARTITIONS:
        list_partitions(rows);
        break;
    case HEAD:
        read_head(values, statement->mode == DRIVER_READ_SERIAL, rows);
        break;
    case APPEND:
        return transact(statement, values, rows);
    case WHOSE:
    case FIRST:
    case HOLDING:
    case LIST:
        list_blocks(statement->kind, values, rows);
        break;
    case PIECE_PUT:
        put_piece(values);
        break;
    case PIECE_LIST:
        list_pieces(values, rows);
        break;
    case PIECE_DROP:
        drop_pieces(values);
        break;
    case OTHER:
        break;
    }
    return DRIVER_OK;
}

/* ---- driver.h ---- */

static int32_t fail(struct driver_failure *failure, int32_t code)
{
    if (failure)
        *failure = (struct driver_failure){.code = code, .message = "as the test planned"};
    return code;
}

int32_t driver_connect(const struct driver_settings *settings, struct driver **driver, struct driver_failure *failure)
{
    (void)settings;
    *driver = calloc(1, sizeof **driver);
    return *driver ? DRIVER_OK : fail(failure, DRIVER_BROKEN);
}

void driver_close(struct driver *driver)
{
    free(driver);
}

int32_t driver_define(struct driver *driver, const char *cql, struct driver_failure *failure)
{
    (void)driver;
    (void)cql;
    return fail(failure, DRIVER_REFUSED);
}

int32_t driver_agree(struct driver *driver, struct driver_failure *failure)
{
    (void)driver;
    return fail(failure, DRIVER_REFUSED);
}

static enum kind kind_of(const char *cql)
{
    static const struct {
        const char *part;
        enum kind kind;
    } parts[] = {
        {"system_schema", VERSION_TABLE}, {"SELECT version", VERSION},
        {"SELECT number", PARTITIONS},    {"SELECT DISTINCT", HEAD},
        {"UPDATE k.blocks", APPEND},      {"SELECT id FROM k.blocks", WHOSE},
        {"bucket = ? LIMIT 1", FIRST},    {"ORDER BY first_position DESC", HOLDING},
        {"first_position < ?", LIST},     {"INSERT INTO k.pieces", PIECE_PUT},
        {"SELECT data FROM", PIECE_LIST}, {"DELETE FROM k.pieces", PIECE_DROP},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(cql, parts[i].part))
            return parts[i].kind;
    }
    return OTHER;
}

int32_t driver_prepare(struct driver *driver, const char *cql, int32_t mode, int32_t rows_a_page,
                       struct driver_statement **statement, struct driver_failure *failure)
{
    (void)driver;
    (void)rows_a_page;
    *statement = malloc(sizeof **statement);
    if (!*statement)
        return fail(failure, DRIVER_BROKEN);
    **statement =
        (struct driver_statement){.kind = kind_of(cql), .mode = mode, .inside = strstr(cql, ", data = ? WHERE") != NULL};
    return DRIVER_OK;
}

void driver_release(struct driver_statement *statement)
{
    free(statement);
}

int32_t driver_begin(struct driver *driver, const struct driver_statement *statement, const struct driver_value *values,
                     uint64_t count, struct driver_request **request, struct driver_failure *failure)
{
    (void)driver;
    (void)count;
    *request = calloc(1, sizeof **request);
    if (!*request)
        return fail(failure, DRIVER_BROKEN);
    (*request)->rows = calloc(1, sizeof *(*request)->rows);
    if (!(*request)->rows)
        abort();
    pthread_mutex_lock(&lock);
    (*request)->code = answer(statement, values, (*request)->rows);
    pthread_mutex_unlock(&lock);
    return DRIVER_OK;
}

int32_t driver_await(struct driver_request *request, struct driver_rows **rows, struct driver_failure *failure)
{
    int32_t code = request->code;
    if (rows && !code)
        *rows = request->rows;
    else
        driver_rows_close(request->rows);
    free(request);
    return code ? fail(failure, code) : DRIVER_OK;
}

int32_t driver_next(struct driver_rows *rows, int32_t *found, struct driver_failure *failure)
{
    (void)failure;
    *found = rows->next < rows->count;
    rows->next += *found;
    return DRIVER_OK;
}

int32_t driver_number(const struct driver_rows *rows, uint32_t column, int64_t *number)
{
    const struct cell *cell = &rows->cells[rows->next - 1][column];
    if (cell->type != DRIVER_INT64)
        return 0;
    *number = cell->number;
    return 1;
}

int32_t driver_bytes(const struct driver_rows *rows, uint32_t column, const void **bytes, uint64_t *size)
{
    const struct cell *cell = &rows->cells[rows->next - 1][column];
    if (cell->type != DRIVER_BYTES)
        return 0;
    *bytes = cell->bytes;
    *size = cell->size;
    return 1;
}

void driver_rows_close(struct driver_rows *rows)
{
    if (!rows)
        return;
    for (int i = 0; i < rows->count; i++) {
        for (int j = 0; j < CELLS_MAX; j++)
            free(rows->cells[i][j].bytes);
    }
    free(rows->cells);
    free(rows);
}
