/* Subcommands of accounts. */
#include "output.h"
#include "subcommand.h"

#include <stdio.h>

#define ACCOUNT                                                                                                                \
    {                                                                                                                          \
        ARGUMENT_OPERAND, "ACCOUNT", NULL, "the account: A-...", "account"                                                     \
    }
#define AMOUNT                                                                                                                 \
    {                                                                                                                          \
        ARGUMENT_OPERAND, "AMOUNT", NULL, "how much, in the account's currency: 1500.25", "amount"                             \
    }
#define EMAIL(kind)                                                                                                            \
    {                                                                                                                          \
        kind, "email", "TEXT", "e-mail address", "contact.email"                                                               \
    }
#define PHONE(kind)                                                                                                            \
    {                                                                                                                          \
        kind, "phone", "TEXT", "telephone number", "contact.phone_number"                                                      \
    }
#define STREET(kind)                                                                                                           \
    {                                                                                                                          \
        kind, "street", "TEXT", "street and number", "address.street"                                                          \
    }
#define POSTAL(kind)                                                                                                           \
    {                                                                                                                          \
        kind, "postal-code", "TEXT", "postal code", "address.postal_code"                                                      \
    }
#define PROVINCE(kind)                                                                                                         \
    {                                                                                                                          \
        kind, "province", "TEXT", "province or state", "address.province"                                                      \
    }
#define ARGUMENTS_END                                                                                                          \
    {                                                                                                                          \
        ARGUMENT_END, NULL, NULL, NULL, NULL                                                                                   \
    }

static const struct argument open_account[] = {
    {ARGUMENT_OPTION, "name", "TEXT", "the account's name", "name"},
    {ARGUMENT_OPTION, "given-name", "TEXT", "the person's given name", "profile.name"},
    {ARGUMENT_OPTION, "surname", "TEXT", "the person's surname", "profile.surname"},
    EMAIL(ARGUMENT_OPTION),
    PHONE(ARGUMENT_OPTION),
    STREET(ARGUMENT_OPTION),
    POSTAL(ARGUMENT_OPTION),
    PROVINCE(ARGUMENT_OPTION),
    {ARGUMENT_OPTION, "currency", "CODE", "ISO 4217 code of all its cash (default: USD)", "currency"},
    {ARGUMENT_OPTION, "deposit", "AMOUNT", "the opening deposit", "deposit"},
    ARGUMENTS_END,
};
static const struct argument only_account[] = {ACCOUNT, ARGUMENTS_END};
static const struct argument cash[] = {ACCOUNT, AMOUNT, ARGUMENTS_END};
static const struct argument transfer[] = {
    ACCOUNT,
    {ARGUMENT_OPERAND, "TO", NULL, "the account that is to have it: A-...", "to"},
    AMOUNT,
    ARGUMENTS_END,
};
static const struct argument refund[] = {
    ACCOUNT,
    AMOUNT,
    {ARGUMENT_OPTION, "order", "ORDER", "the buy order that it pays back", "order"},
    ARGUMENTS_END,
};
static const struct argument update_contact[] = {ACCOUNT, EMAIL(ARGUMENT_REQUIRED), PHONE(ARGUMENT_REQUIRED), ARGUMENTS_END};
static const struct argument update_address[] = {ACCOUNT, STREET(ARGUMENT_REQUIRED), POSTAL(ARGUMENT_REQUIRED),
                                                 PROVINCE(ARGUMENT_REQUIRED), ARGUMENTS_END};
static const struct argument forget[] = {
    ACCOUNT,
    {ARGUMENT_CONSENT, "yes", NULL, "it cannot be undone; this says that it is meant", NULL},
    ARGUMENTS_END,
};
static const struct argument view_account[] = {
    {ARGUMENT_OPERAND, "ACCOUNT", NULL, "the account: A-...", "id"},
    ARGUMENTS_END,
};

static void print_account(const json_t *account)
{
    static const struct column columns[] = {
        {"account", "account", COLUMN_TEXT},
        {"name", "name", COLUMN_TEXT},
        {"forgotten", "forgotten", COLUMN_TEXT},
        {"status", "status", COLUMN_TEXT},
        {"opened", "opened", COLUMN_TEXT},
        {"given name", "profile.name", COLUMN_TEXT},
        {"surname", "profile.surname", COLUMN_TEXT},
        {"e-mail", "contact.email", COLUMN_TEXT},
        {"phone", "contact.phone_number", COLUMN_TEXT},
        {"street", "address.street", COLUMN_TEXT},
        {"postal code", "address.postal_code", COLUMN_TEXT},
        {"province", "address.province", COLUMN_TEXT},
        {"currency", "currency", COLUMN_TEXT},
        {"balance", "balance", COLUMN_NUMBER},
        {"held", "held", COLUMN_NUMBER},
        {"available", "available", COLUMN_NUMBER},
        {"pending", "pending", COLUMN_NUMBER},
        {"portfolio", "portfolios", COLUMN_TEXT},
    };
    output_list(stdout, columns, sizeof columns / sizeof columns[0], account);
}

static void print_accounts(const json_t *result)
{
    static const struct column columns[] = {
        {"ACCOUNT", "account", COLUMN_TEXT},   {"STATUS", "status", COLUMN_TEXT}, {"CURRENCY", "currency", COLUMN_TEXT},
        {"BALANCE", "balance", COLUMN_NUMBER}, {"HELD", "held", COLUMN_NUMBER},   {"AVAILABLE", "available", COLUMN_NUMBER},
    };
    output_table(stdout, columns, sizeof columns / sizeof columns[0], json_object_get(result, "accounts"),
                 "There are no accounts; `trading open-account` opens one.");
}

#define COMMAND (COMMON_STORE | COMMON_JSON | COMMON_KEY)
#define VIEW    (COMMON_STORE | COMMON_JSON | COMMON_AT)

static const struct subcommand subcommands[] = {
    {
        .name = "open-account",
        .summary = "Open an account, and a portfolio with it",
        .about = "Name, contact and address are kept encrypted under a key of the account's own.",
        .examples =
            "  trading open-account --name \"Ada Lovelace\" --deposit 10000\n"
            "  trading open-account --name Savings --given-name Ada --surname Lovelace --email ada@example.org \\\n"
            "      --phone \"+44 20 7946 0000\" --street \"12 St James Square\" --postal-code SW1Y --province London \\\n"
            "      --currency GBP --deposit 2500.50 --key signup-4711\n",
        .arguments = open_account,
        .common = COMMAND,
        .op = "open_account",
        .main = operate_main,
    },
    {
        .name = "deposit",
        .summary = "Pay money into an account from its bank",
        .examples = "  trading deposit A-... 1500.25\n"
                    "  trading deposit A-... 1500.25 --key transfer-88\n",
        .arguments = cash,
        .common = COMMAND,
        .op = "deposit",
        .main = operate_main,
    },
    {
        .name = "withdraw",
        .summary = "Pay money out of what is available to the bank",
        .examples = "  trading withdraw A-... 300\n",
        .arguments = cash,
        .common = COMMAND,
        .op = "withdraw",
        .main = operate_main,
    },
    {
        .name = "credit",
        .summary = "Take in money from another system of the house",
        .examples = "  trading credit A-... 12.50\n",
        .arguments = cash,
        .common = COMMAND,
        .op = "credit",
        .main = operate_main,
    },
    {
        .name = "debit",
        .summary = "Give money to another system of the house",
        .examples = "  trading debit A-... 12.50\n",
        .arguments = cash,
        .common = COMMAND,
        .op = "debit",
        .main = operate_main,
    },
    {
        .name = "transfer",
        .summary = "Pay another account of the same currency",
        .examples = "  trading transfer A-... A-... 25\n"
                    "  trading transfer A-... A-... 1500.25 --key rent-2026-12\n",
        .arguments = transfer,
        .common = COMMAND,
        .op = "transfer",
        .main = operate_main,
    },
    {
        .name = "refund",
        .summary = "Pay back, for a buy order or plainly, at the house's cost",
        .examples = "  trading refund A-... 25\n"
                    "  trading refund A-... 25 --order ORD-...\n",
        .arguments = refund,
        .common = COMMAND,
        .op = "refund",
        .main = operate_main,
    },
    {
        .name = "update-contact",
        .summary = "Replace e-mail address and telephone number",
        .about = "Both are replaced: give \"\" for what there is no more.",
        .examples = "  trading update-contact A-... --email ada@example.org --phone \"+44 20 7946 0001\"\n",
        .arguments = update_contact,
        .common = COMMAND,
        .op = "update_contact",
        .main = operate_main,
    },
    {
        .name = "update-address",
        .summary = "Replace the address",
        .about = "All three are replaced: give \"\" for what there is not.",
        .examples = "  trading update-address A-... --street \"1 Main St\" --postal-code 94043 --province California\n",
        .arguments = update_address,
        .common = COMMAND,
        .op = "update_address",
        .main = operate_main,
    },
    {
        .name = "freeze",
        .summary = "Freeze an account: nothing leaves it, no order is placed",
        .examples = "  trading freeze A-...\n",
        .arguments = only_account,
        .common = COMMAND,
        .op = "freeze",
        .main = operate_main,
    },
    {
        .name = "unfreeze",
        .summary = "End a freeze",
        .examples = "  trading unfreeze A-...\n",
        .arguments = only_account,
        .common = COMMAND,
        .op = "unfreeze",
        .main = operate_main,
    },
    {
        .name = "close-account",
        .summary = "Close an account; its portfolios closed, its money withdrawn",
        .examples = "  trading close-account A-...\n",
        .arguments = only_account,
        .common = COMMAND,
        .op = "close_account",
        .main = operate_main,
    },
    {
        .name = "forget",
        .summary = "Forget the person whose account it is: name, contact and address, for ever",
        .about = "The key is destroyed that they are encrypted under. Money, orders and history stay, and go on; new names,\n"
                 "contacts and addresses are refused. What else has them, as backups: docs/domain.md.",
        .examples = "  trading forget A-... --yes\n",
        .arguments = forget,
        .common = COMMON_STORE | COMMON_JSON,
        .op = "forget",
        .main = operate_main,
    },
    {
        .name = "account",
        .summary = "Show an account: balance, held, available, who it is",
        .examples = "  trading account A-...\n"
                    "  trading account A-... --at 2013-03-01 --json\n",
        .arguments = view_account,
        .common = VIEW,
        .op = "view_account",
        .print = print_account,
        .main = operate_main,
    },
    {
        .name = "accounts",
        .summary = "List all accounts with their money",
        .examples = "  trading accounts\n",
        .common = VIEW,
        .op = "accounts",
        .print = print_accounts,
        .main = operate_main,
    },
};

const struct subcommand_group account_group = {"Accounts", subcommands, (int)(sizeof subcommands / sizeof subcommands[0])};
