/* The operations that are no commands: views, lists, verify, info, checkpoint. */
#ifndef CLI_OPERATION_READ_H
#define CLI_OPERATION_READ_H

#include "operation.h"

/* True while the position that the view must have seen (at_least) is not there. Read all the same, it is refused with TIMEOUT. */
bool operation_is_early(const struct desk *desk, const struct request *request);

struct outcome operation_read(struct desk *desk, const struct request *request);

/* The outcome of what the machinery failed to do. */
struct outcome operation_failed(const trading_error *error);

#endif
