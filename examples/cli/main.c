/* The program `trading`: accounts, portfolios and orders on the command line, through the public API alone. */
#include "output.h"
#include "subcommand.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <trading.h>

static const struct subcommand_group *const groups[] = {
    &account_group, &portfolio_group, &order_group, &market_group, &journal_group, &serve_group, &bench_group,
};
#define GROUP_COUNT (sizeof groups / sizeof groups[0])

const struct subcommand *subcommand_find(const char *name)
{
    for (size_t i = 0; i < GROUP_COUNT; i++)
        for (int k = 0; k < groups[i]->count; k++)
            if (!strcmp(groups[i]->subcommands[k].name, name))
                return &groups[i]->subcommands[k];
    return NULL;
}

static void print_help(FILE *out)
{
    fprintf(out, "Usage: trading SUBCOMMAND [ARGUMENT]...\n"
                 "Accounts, portfolios and trade orders, kept for ever as events in one store.\n");
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        fprintf(out, "\n%s\n", groups[i]->title);
        for (int k = 0; k < groups[i]->count; k++)
            fprintf(out, "  %-16s %s\n", groups[i]->subcommands[k].name, groups[i]->subcommands[k].summary);
    }
    fprintf(out, "\n"
                 "The store is --store URI, else $TRADING_STORE, else lmdb: in your data folder ($XDG_DATA_HOME/libtrading or\n"
                 "~/.local/share/libtrading). `trading SUBCOMMAND --help` shows its arguments and examples.\n"
                 "\n"
                 "Exits with 0: done, 1: rejected by a rule, 2: bad usage, 3: the store or the bus failed.\n"
                 "\n"
                 "Examples:\n"
                 "  trading open-account --name \"Ada Lovelace\" --deposit 10000\n"
                 "  trading quote GOOG --bid 150.10 --ask 150.20\n"
                 "  trading buy P-... GOOG 10\n"
                 "  trading portfolio P-...\n"
                 "  trading run day.jsonl\n");
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stdout);
        return EXIT_DONE;
    }
    const struct subcommand *subcommand = subcommand_find(argv[1]);
    if (!subcommand) {
        fprintf(stderr, "trading: there is no subcommand %s; `trading help` lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    char option[] = "--help";
    char *arguments[] = {argv[1], option, NULL};
    return subcommand->main(2, arguments);
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--version")) {
        printf("trading %s\n", trading_version());
        return EXIT_DONE;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return help(argc - 1, argv + 1);
    const struct subcommand *subcommand = subcommand_find(argv[1]);
    if (!subcommand) {
        fprintf(stderr, "trading: there is no subcommand %s; `trading help` lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    return subcommand->main(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
    /* A reader that goes away, and a limit on the size of files, are errors of the write, and not the end in the middle of it. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    return output_finish(dispatch(argc, argv));
}
