/* What a subcommand of the program is: its arguments, its help, and the function that does it. */
#ifndef CLI_SUBCOMMAND_H
#define CLI_SUBCOMMAND_H

#include <jansson.h>
#include <stdint.h>

/* What the program exits with; scripts rely on it. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_REFUSED = 1, /* a rule of the domain says no, or there is no such account, portfolio, order or symbol */
    EXIT_USAGE = 2,   /* the arguments make no sense; nothing was tried */
    EXIT_STORE = 3,   /* the store, the memory or the output failed */
};

enum argument_kind {
    ARGUMENT_END,      /* the last of a list */
    ARGUMENT_OPERAND,  /* has its place: ACCOUNT */
    ARGUMENT_OPTIONAL, /* an operand that may be left out; after all that may not */
    ARGUMENT_MORE,     /* any number of further operands of the kind before it; after all other operands */
    ARGUMENT_OPTION,   /* --name VALUE */
    ARGUMENT_REQUIRED, /* --name VALUE that must be given */
    ARGUMENT_FLAG,     /* --name */
    ARGUMENT_CONSENT,  /* --name that must be given, as what is asked for cannot be undone */
};

/* One argument of a subcommand. */
struct argument {
    enum argument_kind kind;
    const char *name;  /* of an option without its dashes; of an operand as help writes it: "ACCOUNT" */
    const char *value; /* of an option: how help calls its value */
    const char *help;
    const char *key; /* where it goes in the request that is made of it: "contact.email"; NULL: the subcommand asks for it */
};

/* Options that many subcommands share. */
#define COMMON_JSON   1u  /* --json */
#define COMMON_AT     2u  /* --at POSITION|TIME */
#define COMMON_KEY    4u  /* --key TEXT */
#define COMMON_URI    8u  /* --store URI */
#define COMMON_PLUGIN 16u /* --plugin NAME */
#define COMMON_STATE  32u /* --state FOLDER */
#define COMMON_STORE  (COMMON_URI | COMMON_PLUGIN | COMMON_STATE)

struct subcommand {
    const char *name;
    const char *summary; /* one line, for the list of all */
    const char *about;   /* what else there is to say; may be NULL */
    const char *examples;
    const struct argument *arguments; /* up to ARGUMENT_END; NULL: none */
    uint32_t common;                  /* COMMON_ */
    const char *op;                   /* the op of `trading run` that it stands for; NULL: none */
    /* Adds to the request what follows from the subcommand and its arguments together; NULL: nothing. */
    void (*complete)(json_t *request);
    /* Shows the op's result to people; NULL: a list of its fields. */
    void (*print)(const json_t *result);
    /* argv[0] is the subcommand's name. @return an exit_code */
    int (*main)(int argc, char **argv);
};

/* A chapter of the list of subcommands. */
struct subcommand_group {
    const char *title;
    const struct subcommand *subcommands;
    int count;
};

/* The subcommand of that name, or NULL. */
const struct subcommand *subcommand_find(const char *name);

/* The main of every subcommand that is one op: arguments → request → result → print (operate.c). */
int operate_main(int argc, char **argv);

/* The chapters, each in the file of its name. */
extern const struct subcommand_group account_group;   /* accounts.c */
extern const struct subcommand_group portfolio_group; /* portfolios.c */
extern const struct subcommand_group order_group;     /* orders.c */
extern const struct subcommand_group market_group;    /* market.c */
extern const struct subcommand_group journal_group;   /* journal.c */
extern const struct subcommand_group bench_group;     /* bench.c */
extern const struct subcommand_group serve_group;     /* serve/serve.c */

/* Subcommands with a main of their own. */
int feed_main(int argc, char **argv);      /* feed.c */
int run_main(int argc, char **argv);       /* run.c */
int replay_main(int argc, char **argv);    /* replay.c */
int info_main(int argc, char **argv);      /* info.c */
int plugins_main(int argc, char **argv);   /* plugins.c */
int statement_main(int argc, char **argv); /* statement.c */
int store_main(int argc, char **argv);     /* store.c */
int send_main(int argc, char **argv);      /* serve/send.c */

extern const struct argument feed_arguments[];      /* feed.c */
extern const struct argument info_arguments[];      /* info.c */
extern const struct argument run_arguments[];       /* run.c */
extern const struct argument replay_arguments[];    /* replay.c */
extern const struct argument statement_arguments[]; /* statement.c */
extern const struct argument store_arguments[];     /* store.c */
extern const struct argument send_arguments[];      /* serve/send.c */

#endif
