/* `trading store create`: a store is made by opening it; this does nothing else. `trading store copy`: into another, of any kind; and
 * `trading store backup`: the same beside those who write it. */
#include "arguments.h"
#include "output.h"
#include "record.h"
#include "stop.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

const struct argument store_arguments[] = {
    {ARGUMENT_OPERAND, "ACTION", NULL,
     "create: makes the store, and what it needs on a server; one that is there stays as it is. copy: copies it, while "
     "nobody writes it, to where no store is; it stays as it is. backup: copies it beside those who write it, with all "
     "that was answered before",
     NULL},
    {ARGUMENT_OPTION, "partitions", "N",
     "how many it is to have, which stays so (default: 1); how many the copy is to have: a multiple of the store's (default: "
     "as many)",
     NULL},
    {ARGUMENT_OPTION, "to", "URI", "where the copy is made", NULL},
    {0},
};

static int print_place(const struct session *session, bool json)
{
    trading_error error = {0};
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    if (trading_engine_get_info(session->engine, &info, &error))
        return output_failure(&error);
    char position[24];
    snprintf(position, sizeof position, "%" PRId64, info.next_position);
    if (json) {
        json_t *object = json_pack("{s:s}", "next_position", position);
        output_json(stdout, object);
        json_decref(object);
    } else {
        printf("the store is there; its next position is %s\n", position);
    }
    return EXIT_DONE;
}

/* ---- copying ---- */

static int print_copy(const trading_copy *copy, bool json)
{
    static const struct column columns[] = {
        {"partitions", "partitions", COLUMN_NUMBER}, {"of the store", "source_partitions", COLUMN_NUMBER},
        {"events", "events", COLUMN_NUMBER},         {"commits", "commits", COLUMN_NUMBER},
        {"bytes", "bytes", COLUMN_NUMBER},           {"secrets", "secrets", COLUMN_NUMBER},
    };
    json_t *object = json_object();
    put_integer(object, "partitions", (int64_t)copy->partitions);
    put_integer(object, "source_partitions", (int64_t)copy->source_partitions);
    put_integer(object, "events", (int64_t)copy->events);
    put_integer(object, "commits", (int64_t)copy->commits);
    put_integer(object, "bytes", (int64_t)copy->bytes);
    put_integer(object, "secrets", (int64_t)copy->secrets);
    if (json)
        output_json(stdout, object);
    else
        output_list(stdout, columns, sizeof columns / sizeof columns[0], object);
    json_decref(object);
    return EXIT_DONE;
}

/* A thousandth of the way more, or the end of it, is told of on a terminal. */
static int32_t show_copied(void *context, int64_t done, int64_t total)
{
    int64_t *told = context;
    if (told && done != *told && (done == total || done - *told > total / 1000)) {
        fprintf(stderr, "\rread and written: %" PRId64 " of %" PRId64 " events%s", done, total, done == total ? "\n" : "");
        *told = done;
    }
    return stop_requested();
}

typedef int32_t (*copier)(trading_host *host, const char *from, const char *to, const trading_copy_options *options,
                          trading_copy *copy, trading_error *error);

static int copy_store(const struct arguments *arguments, trading_host *host, const char *from, copier copying, long partitions)
{
    trading_error error = {0};
    trading_copy copy = TRADING_COPY_INIT;
    trading_copy_options options = TRADING_COPY_OPTIONS_INIT;
    int64_t told = 0;
    options.partitions = (uint32_t)partitions;
    options.progress = show_copied;
    options.context = isatty(STDERR_FILENO) && !arguments->json ? &told : NULL;
    int32_t code = copying(host, from, argument_value(arguments, "to"), &options, &copy, &error);
    if (code && told)
        fputc('\n', stderr);
    if (!code)
        return print_copy(&copy, arguments->json);
    output_failure(&error);
    return code == TRADING_E_STOPPED ? EXIT_STOPPED : EXIT_STORE;
}

static int copy_main(const struct arguments *arguments, copier copying, long partitions)
{
    char buffer[SESSION_URI_BYTES];
    struct session session;
    int code = EXIT_DONE;
    if (!argument_value(arguments, "to"))
        return arguments_complain(arguments, "%s needs --to URI", argument_value(arguments, "ACTION"));
    const char *from = session_chosen_uri(&arguments->store, false, buffer, &code);
    if (!from)
        return code;
    stop_prepare();
    stop_listen();
    code = session_open_host(&session, &arguments->store);
    if (code != EXIT_DONE)
        return code;
    return session_close(&session, copy_store(arguments, session.host, from, copying, partitions));
}

/* ---- making ---- */

static int create(const struct arguments *arguments, long partitions)
{
    struct session session;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.partitions = (uint32_t)partitions;
    int code = session_open(&session, &arguments->store, &options);
    if (code != EXIT_DONE)
        return code;
    return session_close(&session, print_place(&session, arguments->json));
}

int store_main(int argc, char **argv)
{
    struct arguments arguments;
    long partitions = 0;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    const char *action = argument_value(&arguments, "ACTION");
    copier copying = strcmp(action, "copy") == 0     ? trading_store_copy
                     : strcmp(action, "backup") == 0 ? trading_store_backup
                                                     : NULL;
    if (!copying && strcmp(action, "create") != 0)
        return arguments_complain(&arguments, "there is no action %s", action);
    if (!copying && argument_value(&arguments, "to"))
        return arguments_complain(&arguments, "only copy and backup have --to");
    if (!arguments_count(&arguments, "partitions", SESSION_PARTITIONS_MAX, &partitions))
        return EXIT_USAGE;
    return copying ? copy_main(&arguments, copying, partitions) : create(&arguments, partitions);
}
