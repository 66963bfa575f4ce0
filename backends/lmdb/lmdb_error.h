/* What the operating system or LMDB answered, as an error of ours that says what to do about it. */
#ifndef LMDB_ERROR_H
#define LMDB_ERROR_H

#include <trading/error.h>

/* native: an errno or an MDB_ code. `doing` and the file say what failed: "appending to", "/folder", "journal.mdb"; `file` may be
 * empty. Fills `error` and returns the code. */
int32_t lmdb_failure(trading_error *error, int native, const char *doing, const char *folder, const char *file);

#endif
