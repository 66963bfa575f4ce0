/* Members of a request: how each is written, and where it goes. */
#ifndef CLI_REQUEST_FIELD_H
#define CLI_REQUEST_FIELD_H

#include "request.h"

enum field_type {
    FIELD_END,
    FIELD_TEXT,
    FIELD_KEY, /* any text, that the library makes 16 bytes of */
    FIELD_DECIMAL,
    FIELD_SIZE, /* a decimal, or "unlimited" */
    FIELD_SYMBOL,
    FIELD_CURRENCY,
    FIELD_ACCOUNT,
    FIELD_PORTFOLIO,
    FIELD_ORDER,
    FIELD_LOT,
    FIELD_ENTITY, /* an id of any kind, or a symbol */
    FIELD_SIDE,
    FIELD_ORDER_TYPE,
    FIELD_TIME_IN_FORCE,
    FIELD_ORDER_STATUS,
    FIELD_INTEGER, /* not negative; a JSON integer, or a string of digits */
    FIELD_BOOLEAN,
    FIELD_POINT,
    FIELD_TIME,
};

/* One member that an op takes. */
struct field {
    const char *key; /* of a member of a member "contact.email" */
    enum field_type type;
    bool required;
    size_t offset; /* in struct request */
};

/* Reads one value to its place. False with reason and message of `complaint` filled in. */
bool field_read(const struct field *field, const json_t *value, struct request *request, struct complaint *complaint);

/* Fills in reason and message; returns false. */
__attribute__((format(printf, 3, 4))) bool complain(struct complaint *complaint, int32_t reason, const char *format, ...);

/* The first characters of text that may be long, for a message; whole characters, "..." after them when there are more. */
#define EXCERPT_BYTES 48
const char *excerpt(const char *text, char buffer[EXCERPT_BYTES]);

#endif
