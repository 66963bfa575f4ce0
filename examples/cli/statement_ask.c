/* `trading statement`: which account's, and of when. */
#include "arguments.h"
#include "output.h"
#include "session.h"
#include "statement.h"

#include <string.h>

const struct argument statement_arguments[] = {
    {ARGUMENT_OPERAND, "ACCOUNT", NULL, "the account: A-...", NULL},
    {ARGUMENT_OPTION, "year", "YEAR", "that year alone, UTC", NULL},
    {ARGUMENT_OPTION, "from", "TIME", "from this instant on: 2008-01-01, or 2008-01-01T14:30:00Z", NULL},
    {ARGUMENT_OPTION, "to", "TIME", "up to just before this instant: 2009-01-01 for all of 2008", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

static bool read_year(const struct arguments *arguments, const char *text, struct statement_period *period)
{
    char from[32];
    char to[32];
    long year = 0;
    if (!arguments_count(arguments, "year", 9999, &year))
        return false;
    snprintf(from, sizeof from, "%04ld-01-01", year);
    snprintf(to, sizeof to, "%04ld-01-01", year + 1);
    if (trading_time_parse(from, strlen(from), &period->from) == TRADING_OK &&
        trading_time_parse(to, strlen(to), &period->to) == TRADING_OK)
        return true;
    arguments_complain(arguments, "--year: \"%s\" is not a year from 1970 to 2261", text);
    return false;
}

static bool read_instant(const struct arguments *arguments, const char *name, trading_time *time)
{
    const char *text = argument_value(arguments, name);
    if (!text || trading_time_parse(text, strlen(text), time) == TRADING_OK)
        return true;
    arguments_complain(arguments, "--%s: \"%s\" is not a time such as 2008-01-01 or 2008-01-01T14:30:00Z", name, text);
    return false;
}

static bool read_period(const struct arguments *arguments, struct statement_period *period)
{
    const char *year = argument_value(arguments, "year");
    if (year && (argument_value(arguments, "from") || argument_value(arguments, "to"))) {
        arguments_complain(arguments, "--year goes with neither --from nor --to");
        return false;
    }
    if (year)
        return read_year(arguments, year, period);
    if (!read_instant(arguments, "from", &period->from) || !read_instant(arguments, "to", &period->to))
        return false;
    if (period->to == 0 || period->from < period->to)
        return true;
    arguments_complain(arguments, "--from is not before --to");
    return false;
}

/* Tells the statement of one account, as of a point of the journal. */
static int tell(const struct arguments *arguments, trading_engine *engine, const trading_id *account,
                const struct statement_period *period)
{
    trading_error error;
    trading_view *view;
    int32_t code = point_view(&arguments->at, engine, TRADING_ENTITY_ACCOUNT, account, &view, &error);
    if (code == TRADING_E_NOT_FOUND)
        return output_no_position(&error);
    if (code != TRADING_OK)
        return output_failure(&error);
    json_t *statement = statement_json(engine, view, account, period, &error);
    trading_view_close(view);
    if (!statement && error.code == TRADING_E_NOT_FOUND) {
        fprintf(stderr, "rejected: UNKNOWN_ACCOUNT: there was no account %s at that time\n",
                argument_value(arguments, "ACCOUNT"));
        return EXIT_REFUSED;
    }
    if (!statement)
        return output_failure(&error);
    if (arguments->json)
        output_json(stdout, statement);
    else
        statement_show(stdout, statement);
    json_decref(statement);
    return EXIT_DONE;
}

int statement_main(int argc, char **argv)
{
    struct arguments arguments;
    struct statement_period period = {0};
    struct session session;
    trading_id account;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    const char *text = argument_value(&arguments, "ACCOUNT");
    if (trading_id_parse(TRADING_ENTITY_ACCOUNT, text, strlen(text), &account) != TRADING_OK)
        return arguments_complain(&arguments, "\"%s\" is no account: A- and 26 letters and digits", text);
    if (!read_period(&arguments, &period))
        return EXIT_USAGE;
    code = session_open_to_read(&session, &arguments.store);
    if (code != EXIT_DONE)
        return code;
    return session_close(&session, tell(&arguments, session.engine, &account, &period));
}
