#include "backends/lmdb/lmdb_error.h"

#include "base/error.h"

#include <errno.h>
#include <lmdb.h>
#include <string.h>

struct meaning {
    int native;
    int32_t code;
    const char *advice;
};

static const struct meaning meanings[] = {
    {ENOSPC, TRADING_E_NO_SPACE, "; free some space and try again"},
    {EDQUOT, TRADING_E_NO_SPACE, "; free some space or raise the quota and try again"},
    {EFBIG, TRADING_E_NO_SPACE, "; raise the limit on the size of files (ulimit -f) and try again"},
    {MDB_MAP_FULL, TRADING_E_NO_SPACE, "; open the store with a larger map_bytes"},
    {EROFS, TRADING_E_READ_ONLY, "; open the store read only"},
    {EACCES, TRADING_E_READ_ONLY, "; open the store as a user who may, or, where it may be read, read only"},
    {EPERM, TRADING_E_READ_ONLY, "; open the store as a user who may, or, where it may be read, read only"},
    {ENOENT, TRADING_E_NOT_FOUND, ""},
    {ENOTDIR, TRADING_E_INVALID, ""},
    {ENAMETOOLONG, TRADING_E_INVALID, ""},
    {ENOMEM, TRADING_E_NO_MEMORY, ""},
    {EMFILE, TRADING_E_IO, "; raise the limit on open files (ulimit -n)"},
    {MDB_READERS_FULL, TRADING_E_BUSY, "; fewer threads may read at once"},
    {MDB_BAD_VALSIZE, TRADING_E_INVALID, ""},
    {MDB_VERSION_MISMATCH, TRADING_E_NEWER_FORMAT, ""},
    {MDB_INVALID, TRADING_E_DAMAGED, ""},
    {MDB_CORRUPTED, TRADING_E_DAMAGED, ""},
    {MDB_PAGE_NOTFOUND, TRADING_E_DAMAGED, ""},
    {MDB_CURSOR_FULL, TRADING_E_DAMAGED, ""},
    {MDB_PAGE_FULL, TRADING_E_DAMAGED, ""},
};

static const struct meaning *meaning_of(int native)
{
    static const struct meaning other = {0, TRADING_E_IO, ""};
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (meanings[i].native == native)
            return &meanings[i];
    }
    return &other;
}

int32_t lmdb_failure(trading_error *error, int native, const char *doing, const char *folder, const char *file)
{
    const struct meaning *meaning = meaning_of(native);
    char text[96];
    const char *what = native < 0 ? mdb_strerror(native) : strerror_r(native, text, sizeof text);
    return error_native(error, meaning->code, native, "%s%s%s: %s%s (in %s)", doing, *file ? " " : "", file, what,
                        meaning->advice, folder);
}
