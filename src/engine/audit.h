/* Sums over a whole state, each taken anew from single records, so that it does not rest on what the folds keep up to date. The state is
 * read as decided, so by its writer, or while it has none. */
#ifndef ENGINE_AUDIT_H
#define ENGINE_AUDIT_H

#include "process/domain.h"

#include <trading/error.h>

/* Finds the first thing that is wrong: `finding`, of `room` bytes, says what; it is empty when all is well. TRADING_E_NO_MEMORY. */
int32_t audit_domain(const struct domain *domain, struct memory *memory, char *finding, size_t room, trading_error *error);

/* ---- within the audit ---- */

struct audit {
    const struct domain *domain;
    struct memory *memory;
    bool no_memory;
    char *finding;
    size_t room;
};

/* Says what is wrong; gives false. */
__attribute__((format(printf, 2, 3))) bool audit_complain(struct audit *audit, const char *format, ...);

/* An array of zeros with a place for each number of the table; NULL when there is no memory. */
void *audit_sums(struct audit *audit, const struct table *table, size_t bytes);
void audit_sums_close(struct audit *audit, const struct table *table, void *sums, size_t bytes);

/* All of these give false when they found something, or no memory. */
bool audit_cash(struct audit *audit);
bool audit_portfolios(struct audit *audit);
bool audit_shares(struct audit *audit);
bool audit_orders(struct audit *audit);
bool audit_reservations(struct audit *audit);
bool audit_books(struct audit *audit);

#endif
