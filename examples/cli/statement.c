#include "statement.h"

#include "arguments.h"
#include "output.h"
#include "record.h"
#include "session.h"

const struct argument statement_arguments[] = {
    {ARGUMENT_OPERAND, "ACCOUNT", NULL, "the account: A-...", NULL},
    {ARGUMENT_OPTION, "from", "TIME", "from this instant on", NULL},
    {ARGUMENT_OPTION, "to", "TIME", "up to just before this instant", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

json_t *statement_json(trading_engine *engine, trading_view *view, const trading_id *account,
                       const struct statement_period *period, trading_error *error)
{
    (void)engine;
    (void)period;
    return record_account(view, account, error);
}

int statement_print(trading_engine *engine, trading_view *view, const trading_id *account,
                    const struct statement_period *period, int json, FILE *out)
{
    trading_error error;
    json_t *statement = statement_json(engine, view, account, period, &error);
    if (!statement)
        return output_failure(&error);
    if (json)
        output_json(out, statement);
    json_decref(statement);
    return EXIT_DONE;
}

int statement_main(int argc, char **argv)
{
    struct arguments arguments;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    return EXIT_DONE;
}
