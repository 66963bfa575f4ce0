/* What all checks of the audit use: a finding, and sums by number. */
#include "engine/audit.h"

#include <stdarg.h>
#include <stdio.h>

bool audit_complain(struct audit *audit, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(audit->finding, audit->room, format, arguments);
    va_end(arguments);
    return false;
}

void *audit_sums(struct audit *audit, const struct table *table, size_t bytes)
{
    void *sums = memory_zeroed(audit->memory, (size_t)table_count(table) + 1, bytes);
    audit->no_memory = audit->no_memory || !sums;
    return sums;
}

void audit_sums_close(struct audit *audit, const struct table *table, void *sums, size_t bytes)
{
    memory_release(audit->memory, sums, ((size_t)table_count(table) + 1) * bytes);
}
