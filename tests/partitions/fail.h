/* How the tests of partitions end when something is wrong. */
#ifndef PARTITIONS_FAIL_H
#define PARTITIONS_FAIL_H

/* Says what, and ends the program. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
