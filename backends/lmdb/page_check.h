/* Walks whole trees of an LMDB file, page by page, and tells what is wrong and where. */
#ifndef LMDB_PAGE_CHECK_H
#define LMDB_PAGE_CHECK_H

#include "backends/lmdb/pages.h"

/* Takes each entry of the main tree in order of keys, during a check; NULL first, which also comes when the check begins anew.
 * `page` is where the entry lies. */
typedef int32_t (*page_check_entry)(void *arg, const struct page_file *file, uint64_t page, const struct page_entry *entry,
                                    trading_error *error);

/* The tree of free pages, which LMDB goes by when it writes, and that the file was not cut. Quick. */
int32_t page_check_free(const struct page_file *file, trading_error *error);

/* Every branch and leaf page of both trees, that no page is used twice or both used and free, and, with `overflow`, the heads of
 * overflow pages. `take` may be NULL. TRADING_E_BUSY when a writer did not leave the file alone for long enough. */
int32_t page_check_all(const struct page_file *file, bool overflow, page_check_entry take, void *arg, trading_error *error);

#endif
