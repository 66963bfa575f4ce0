/* Reading the arguments of a subcommand, and writing its help from the same table. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include "point.h"
#include "session.h"
#include "subcommand.h"

#include <stdbool.h>

/* The most arguments that a subcommand may have. */
#define ARGUMENTS_MAX 24
/* The most further operands that may follow where a subcommand takes any number. */
#define ARGUMENTS_MORE_MAX 256

struct arguments {
    const struct subcommand *subcommand;
    struct store_choice store;
    const char *key; /* NULL: none */
    bool json;
    struct point at;
    const char *values[ARGUMENTS_MAX]; /* by their place in the subcommand's table; NULL: not given; of a flag "" */
    const char *more[ARGUMENTS_MORE_MAX];
    int more_count;
};

/* Reads argv, argv[0] being the subcommand's name. False when there is nothing to go on with: help was asked for and written, or
 * the arguments make no sense and that was said; then *code is what to exit with. */
bool arguments_parse(struct arguments *arguments, int argc, char **argv, int *code);

/* The value of the argument of that name, as the table writes it; NULL: not given. */
const char *argument_value(const struct arguments *arguments, const char *name);

/* Complains on stderr about how the subcommand was called, points to its help; returns EXIT_USAGE. */
__attribute__((format(printf, 2, 3))) int arguments_complain(const struct arguments *arguments, const char *format, ...);

/* A positive count of at most `most`; false, having complained, when it is none. NULL leaves the count as it is. */
bool arguments_count(const struct arguments *arguments, const char *name, long most, long *count);

#endif
