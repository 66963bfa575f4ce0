/* The subcommands that are one op: their arguments become the JSON that `trading run` would read, and go the same way from there. */
#include "arguments.h"
#include "operation.h"
#include "operation_read.h"
#include "record.h"
#include "session.h"

#include <string.h>
#include <unistd.h>

/* Puts an argument where its key says: of "contact.email", into the object `contact`. False when it is not UTF-8. */
static bool put_argument(json_t *request, const char *key, json_t *value)
{
    const char *dot = strchr(key, '.');
    if (!value)
        return false;
    if (dot) {
        json_t *parent = json_object_getn(request, key, (size_t)(dot - key));
        if (!parent) {
            parent = new_object();
            if (json_object_setn_new(request, key, (size_t)(dot - key), parent) != 0)
                out_of_memory();
        }
        request = parent;
        key = dot + 1;
    }
    put(request, key, value);
    return true;
}

/* The request that the arguments ask for; NULL, having complained, when one of them is not UTF-8. */
static json_t *make_request(const struct arguments *arguments)
{
    const struct subcommand *subcommand = arguments->subcommand;
    json_t *request = new_object();
    put_text(request, "op", subcommand->op);
    for (int i = 0; subcommand->arguments && subcommand->arguments[i].kind; i++) {
        const struct argument *argument = &subcommand->arguments[i];
        const char *value = arguments->values[i];
        if (!value || !argument->key)
            continue;
        if (put_argument(request, argument->key, argument->kind == ARGUMENT_FLAG ? json_true() : json_string(value)))
            continue;
        arguments_complain(arguments, "%s is not UTF-8", argument->name);
        json_decref(request);
        return NULL;
    }
    if (arguments->key && !put_argument(request, "key", json_string(arguments->key))) {
        arguments_complain(arguments, "--key is not UTF-8");
        json_decref(request);
        return NULL;
    }
    if (subcommand->complete)
        subcommand->complete(request);
    return request;
}

/* What a command answered, for people. */
static void print_answer(const json_t *result)
{
    static const struct column columns[] = {
        {"status", "status", COLUMN_TEXT},          {"account", "account", COLUMN_TEXT},
        {"portfolio", "portfolio", COLUMN_TEXT},    {"order", "order", COLUMN_TEXT},
        {"filled", "filled_quantity", COLUMN_TEXT}, {"average price", "average_price", COLUMN_TEXT},
        {"sent before", "duplicate", COLUMN_TEXT},
    };
    output_list(stdout, columns, sizeof columns / sizeof columns[0], result);
}

static int tell(const struct arguments *arguments, const struct outcome *outcome)
{
    int code = output_outcome(outcome, arguments->json);
    if (code == EXIT_DONE && !arguments->json)
        (arguments->subcommand->print ? arguments->subcommand->print : print_answer)(outcome->json);
    json_decref(outcome->json);
    return code;
}

static int operate(const struct arguments *arguments, struct request *request)
{
    struct session session;
    struct desk desk;
    struct outcome outcome;
    trading_error error;
    int code = operation_only_reads(request) ? session_open_to_read(&session, &arguments->store)
                                             : session_open(&session, &arguments->store, NULL);
    if (code != EXIT_DONE)
        return code;
    if (!operation_only_reads(request))
        session_tell_if_new(&session, &arguments->store);
    if (desk_open(&desk, session.engine, &error) == TRADING_OK) {
        desk.progress = isatty(STDERR_FILENO) && !arguments->json;
        outcome = operation_execute(&desk, request);
        desk_close(&desk);
    } else {
        outcome = operation_failed(&error);
    }
    return session_close(&session, tell(arguments, &outcome));
}

int operate_main(int argc, char **argv)
{
    struct arguments arguments;
    struct request request;
    struct complaint complaint;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    json_t *document = make_request(&arguments);
    if (!document)
        return EXIT_USAGE;
    if (request_read(&request, document, &complaint)) {
        request.at = arguments.at;
        code = operate(&arguments, &request);
    } else if (complaint.reason == TRADING_REASON_BAD_REQUEST && !arguments.json) {
        code = arguments_complain(&arguments, "%s", complaint.message);
    } else {
        struct outcome outcome = operation_complaint(&complaint);
        code = tell(&arguments, &outcome);
    }
    json_decref(document);
    return code;
}
