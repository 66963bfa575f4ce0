#include "planned_driver.h"

#include <stdlib.h>

struct driver {
    int nothing;
};

struct driver_statement {
    int kind;
};

struct driver_request {
    int32_t code;
    struct driver_rows rows;
};

int planned_under_way;
int planned_most_under_way;

/* A test that runs out of memory has failed. */
static void *make(size_t size)
{
    void *made = calloc(1, size);
    if (!made)
        abort();
    return made;
}

int32_t driver_connect(const struct driver_settings *settings, struct driver **driver, struct driver_failure *failure)
{
    (void)settings;
    (void)failure;
    *driver = make(sizeof **driver);
    return DRIVER_OK;
}

void driver_close(struct driver *driver)
{
    free(driver);
}

int32_t driver_prepare(struct driver *driver, const char *cql, int32_t mode, int32_t rows_a_page,
                       struct driver_statement **statement, struct driver_failure *failure)
{
    (void)driver;
    (void)mode;
    (void)rows_a_page;
    (void)failure;
    *statement = make(sizeof **statement);
    (*statement)->kind = planned_kind(cql);
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
    (void)failure;
    *request = make(sizeof **request);
    (*request)->rows.number = 1;
    (*request)->code = planned_answer(statement->kind, values, &(*request)->rows);
    planned_under_way++;
    if (planned_most_under_way < planned_under_way)
        planned_most_under_way = planned_under_way;
    return DRIVER_OK;
}

int32_t driver_await(struct driver_request *request, struct driver_rows **rows, struct driver_failure *failure)
{
    int32_t code = request->code;
    planned_under_way--;
    if (rows && !code) {
        *rows = make(sizeof **rows);
        **rows = request->rows;
    }
    free(request);
    if (code && failure)
        *failure = (struct driver_failure){.code = code, .message = "as the test planned"};
    return code;
}

int32_t driver_next(struct driver_rows *rows, int32_t *found, struct driver_failure *failure)
{
    (void)failure;
    *found = !rows->is_told;
    rows->is_told = true;
    return DRIVER_OK;
}

int32_t driver_number(const struct driver_rows *rows, uint32_t column, int64_t *number)
{
    (void)column;
    *number = rows->number;
    return 1;
}

int32_t driver_bytes(const struct driver_rows *rows, uint32_t column, const void **bytes, uint64_t *size)
{
    (void)column;
    *bytes = rows->bytes;
    *size = rows->size;
    return rows->bytes != NULL;
}

void driver_rows_close(struct driver_rows *rows)
{
    free(rows);
}
