/* A request as JSON, read into what the library takes: a command, or what is to be viewed. No I/O; nothing but the table of ops in
 * request.c knows which members an op has. */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "point.h"

#include <jansson.h>
#include <stdbool.h>

#include <trading.h>

enum op {
    OP_COMMAND, /* any that is a command of the library: command.type says which */
    OP_VIEW_ACCOUNT,
    OP_VIEW_PORTFOLIO,
    OP_VIEW_ORDER,
    OP_VIEW_QUOTE,
    OP_VIEW_BOOK,
    OP_ACCOUNTS,
    OP_QUOTES,
    OP_LOTS,
    OP_ORDERS,
    OP_HISTORY,
    OP_ACTIVITY,
    OP_STATEMENT,
    OP_VERIFY,
    OP_INFO,
    OP_CHECKPOINT,
    OP_FORGET,
};

/* Bodies of commands; `command.body` points here. */
union request_body {
    trading_open_account open_account;
    trading_open_portfolio open_portfolio;
    trading_update_contact update_contact;
    trading_update_address update_address;
    trading_cash cash;
    trading_transfer transfer;
    trading_accept_refund refund;
    trading_place_order place_order;
    trading_cancel_order cancel_order;
    trading_book_execution book_execution;
    trading_end_order end_order;
    trading_bind_alias bind_alias;
    trading_close_portfolio close_portfolio;
    trading_set_quote set_quote;
    trading_acknowledge acknowledge;
};

/* A request. It points into itself and into the JSON that it was read from: neither may move before the result is there. */
struct request {
    enum op op;
    trading_command command;
    union request_body body;
    int32_t entity; /* TRADING_ENTITY_ of what is viewed; 0: a list of all */
    trading_id id;  /* of what is viewed; of an instrument its symbol's bytes */
    trading_symbol symbol;
    struct point at;
    int64_t at_least; /* the position of an event that a view must have seen; -1: none */
    bool all;
    bool open;
    uint64_t limit;
    trading_time from;
    trading_time to;
    trading_decimal size; /* of both sides of a quote */
};

/* Why JSON is not a request. */
struct complaint {
    int32_t reason;     /* TRADING_REASON_: BAD_REQUEST, or the rule that the value breaks by itself */
    const char *parent; /* the member whose member is wrong; NULL: the request's own. Points into the table or the JSON */
    const char *key;    /* the member that is wrong, as it was written; NULL: something is missing, or the whole is wrong */
    size_t line;        /* where in the input, from 1; 0: not known */
    size_t column;      /* in characters, from 1; 0: not known */
    char message[256];
};

/* Reads the request. False with `complaint` filled in (line and column aside) when it is none. */
bool request_read(struct request *request, json_t *document, struct complaint *complaint);

/* The op that stands for a command of the library (TRADING_COMMAND_), or NULL. */
const char *request_op_of_command(int32_t command);

#endif
