#include "arguments.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What getopt_long returns for long options: their place in the subcommand's table, or one of the common ones. */
enum {
    OPTION_TABLE = 1000,
    OPTION_COMMON = 2000,
};

/* The common options, in the order of their bits. */
static const struct argument common_options[] = {
    {ARGUMENT_FLAG, "json", NULL, "write JSON instead of tables", NULL},
    {ARGUMENT_OPTION, "at", "POSITION|TIME",
     "as it was then: a position (of partition 2: 2:57), 2013-03-01 or 2013-03-01T14:30:00Z", NULL},
    {ARGUMENT_OPTION, "key", "TEXT", "idempotency: sent again under the same key it is done once", NULL},
    {ARGUMENT_OPTION, "store", "URI",
     "the store: lmdb:FOLDER, memory:, or a plugin's (default: $TRADING_STORE, else your data folder)", NULL},
    {ARGUMENT_OPTION, "plugin", "NAME|PATH", "load a plugin; the scheme of a store names its own", NULL},
    {ARGUMENT_OPTION, "state", "FOLDER", "checkpoints of a store that keeps none itself, as one on a server", NULL},
};
#define COMMON_COUNT (sizeof common_options / sizeof common_options[0])

static bool is_operand(const struct argument *argument)
{
    return argument->kind == ARGUMENT_OPERAND || argument->kind == ARGUMENT_OPTIONAL || argument->kind == ARGUMENT_MORE;
}

static void print_usage(const struct subcommand *subcommand, FILE *out)
{
    fprintf(out, "Usage: trading %s", subcommand->name);
    for (const struct argument *argument = subcommand->arguments; argument && argument->kind; argument++)
        if (argument->kind == ARGUMENT_OPERAND)
            fprintf(out, " %s", argument->name);
        else if (argument->kind == ARGUMENT_OPTIONAL)
            fprintf(out, " [%s]", argument->name);
        else if (argument->kind == ARGUMENT_MORE)
            fprintf(out, " [%s]...", argument->name);
        else if (argument->kind == ARGUMENT_REQUIRED)
            fprintf(out, " --%s %s", argument->name, argument->value);
        else if (argument->kind == ARGUMENT_CONSENT)
            fprintf(out, " --%s", argument->name);
    fprintf(out, " [OPTION]...\n");
}

static void print_argument(const struct argument *argument)
{
    char text[64];
    if (is_operand(argument))
        snprintf(text, sizeof text, "%s", argument->name);
    else
        snprintf(text, sizeof text, "--%s%s%s", argument->name, argument->value ? " " : "",
                 argument->value ? argument->value : "");
    printf("  %-24s %s\n", text, argument->help);
}

static void print_help(const struct subcommand *subcommand)
{
    print_usage(subcommand, stdout);
    printf("%s.\n", subcommand->summary);
    if (subcommand->about)
        printf("%s\n", subcommand->about);
    printf("\n");
    for (const struct argument *argument = subcommand->arguments; argument && argument->kind; argument++)
        print_argument(argument);
    for (size_t i = 0; i < COMMON_COUNT; i++)
        if (subcommand->common & 1u << i)
            print_argument(&common_options[i]);
    printf("  %-24s %s\n", "--help", "show this");
    printf("\nExamples:\n%s", subcommand->examples);
    printf("\nExits with 0: done, 1: rejected by a rule, 2: bad usage, 3: the store or the bus failed.\n");
}

int arguments_complain(const struct arguments *arguments, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    fprintf(stderr, "trading %s: ", arguments->subcommand->name);
    vfprintf(stderr, format, list);
    fprintf(stderr, "\n");
    va_end(list);
    print_usage(arguments->subcommand, stderr);
    fprintf(stderr, "`trading %s --help` shows examples.\n", arguments->subcommand->name);
    return EXIT_USAGE;
}

const char *argument_value(const struct arguments *arguments, const char *name)
{
    const struct argument *table = arguments->subcommand->arguments;
    for (int i = 0; table && table[i].kind; i++)
        if (!strcmp(table[i].name, name))
            return arguments->values[i];
    return NULL;
}

bool arguments_count(const struct arguments *arguments, const char *name, long most, long *count)
{
    const char *text = argument_value(arguments, name);
    if (!text)
        return true;
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > most) {
        arguments_complain(arguments, "--%s: \"%s\" is not a number from 1 to %ld", name, text, most);
        return false;
    }
    *count = value;
    return true;
}

static bool takes_value(const struct argument *argument)
{
    return argument->kind == ARGUMENT_OPTION || argument->kind == ARGUMENT_REQUIRED;
}

/* The options as getopt_long wants them. */
static void list_options(const struct subcommand *subcommand, struct option *options)
{
    for (int i = 0; subcommand->arguments && subcommand->arguments[i].kind; i++)
        if (!is_operand(&subcommand->arguments[i]))
            *options++ =
                (struct option){subcommand->arguments[i].name, takes_value(&subcommand->arguments[i]), NULL, OPTION_TABLE + i};
    for (size_t i = 0; i < COMMON_COUNT; i++)
        if (subcommand->common & 1u << i)
            *options++ = (struct option){common_options[i].name, takes_value(&common_options[i]), NULL, OPTION_COMMON + (int)i};
    *options++ = (struct option){"help", no_argument, NULL, 'h'};
    *options = (struct option){0};
}

static bool take_operand(struct arguments *arguments, const char *text)
{
    const struct argument *table = arguments->subcommand->arguments;
    for (int i = 0; table && table[i].kind; i++) {
        if (table[i].kind == ARGUMENT_MORE && arguments->more_count < ARGUMENTS_MORE_MAX) {
            arguments->more[arguments->more_count++] = text;
            return true;
        }
        if (is_operand(&table[i]) && table[i].kind != ARGUMENT_MORE && !arguments->values[i]) {
            arguments->values[i] = text;
            return true;
        }
    }
    arguments_complain(arguments, "\"%s\" is one argument too many", text);
    return false;
}

static bool take_common(struct arguments *arguments, uint32_t bit, const char *value)
{
    if (bit == COMMON_URI)
        arguments->store.uri = value;
    else if (bit == COMMON_PLUGIN)
        arguments->store.plugin = value;
    else if (bit == COMMON_STATE)
        arguments->store.state = value;
    else if (bit == COMMON_JSON)
        arguments->json = true;
    else if (bit == COMMON_KEY)
        arguments->key = value;
    else if (!point_parse(&arguments->at, value, strlen(value))) {
        arguments_complain(arguments, "--at: \"%s\" is neither a position nor a time such as 2013-03-01T14:30:00Z", value);
        return false;
    }
    return true;
}

static bool take_option(struct arguments *arguments, int option, char **argv)
{
    if (option >= OPTION_COMMON)
        return take_common(arguments, 1u << (option - OPTION_COMMON), optarg);
    if (option >= OPTION_TABLE) {
        arguments->values[option - OPTION_TABLE] = optarg ? optarg : "";
        return true;
    }
    if (option == ':')
        arguments_complain(arguments, "%s needs a value after it", argv[optind - 1]);
    else
        arguments_complain(arguments, "there is no option %s", argv[optind - 1]);
    return false;
}

/* A negative number is an operand, and is refused as what it is, instead of as an option that nobody meant. */
static bool is_negative_number(const char *text)
{
    return text && text[0] == '-' && ((text[1] >= '0' && text[1] <= '9') || text[1] == '.');
}

static bool read_arguments(struct arguments *arguments, int argc, char **argv, int *code)
{
    struct option options[ARGUMENTS_MAX + COMMON_COUNT + 2];
    list_options(arguments->subcommand, options);
    *code = EXIT_USAGE;
    opterr = 0;
    optind = 1;
    for (;;) {
        if (optind < argc && is_negative_number(argv[optind])) {
            if (!take_operand(arguments, argv[optind++]))
                return false;
            continue;
        }
        /* "-": operands come in their order as option 1; ":": a missing value is told apart from an unknown option. */
        int option = getopt_long(argc, argv, "-:h", options, NULL);
        if (option < 0)
            break;
        if (option == 'h') {
            print_help(arguments->subcommand);
            *code = EXIT_DONE;
            return false;
        }
        if (option == 1 ? !take_operand(arguments, optarg) : !take_option(arguments, option, argv))
            return false;
    }
    while (optind < argc)
        if (!take_operand(arguments, argv[optind++]))
            return false;
    return true;
}

bool arguments_parse(struct arguments *arguments, int argc, char **argv, int *code)
{
    *arguments = (struct arguments){.subcommand = subcommand_find(argv[0])};
    if (!read_arguments(arguments, argc, argv, code))
        return false;
    const struct argument *table = arguments->subcommand->arguments;
    for (int i = 0; table && table[i].kind; i++) {
        bool needed =
            table[i].kind == ARGUMENT_OPERAND || table[i].kind == ARGUMENT_REQUIRED || table[i].kind == ARGUMENT_CONSENT;
        if (needed && !arguments->values[i]) {
            *code = table[i].kind == ARGUMENT_CONSENT
                        ? arguments_complain(arguments, "--%s is missing: %s", table[i].name, table[i].help)
                        : arguments_complain(arguments, "%s%s is missing", is_operand(&table[i]) ? "" : "--", table[i].name);
            return false;
        }
    }
    return true;
}
