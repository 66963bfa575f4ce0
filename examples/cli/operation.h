/* Doing what a request asks for, and telling what became of it as JSON: the same for `trading run` and for every subcommand. */
#ifndef CLI_OPERATION_H
#define CLI_OPERATION_H

#include "output.h"
#include "request.h"

/* An engine and what is needed beside it to answer. */
struct desk {
    trading_engine *engine;
    trading_view *latest;
    bool progress; /* long operations may say on stderr how far they are */
};

/* @return TRADING_OK, or what failed in `error` */
int32_t desk_open(struct desk *desk, trading_engine *engine, trading_error *error);
void desk_close(struct desk *desk);

/* True when the request asks for nothing that a read-only engine refuses. */
bool operation_only_reads(const struct request *request);

/* Does it, and waits until it is durable. */
struct outcome operation_execute(struct desk *desk, struct request *request);

/* The outcome of a command that execute or submit answered; `error` is what the call failed with, its code TRADING_OK if it did not. */
struct outcome operation_answer(struct desk *desk, const struct request *request, const trading_result *result,
                                const trading_error *error);

/* The outcome of what is no request. `line` of the complaint may be 0: then neither line nor column is told. */
struct outcome operation_complaint(const struct complaint *complaint);

#endif
