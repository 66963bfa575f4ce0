/* `trading store create`: a store is made by opening it; this does nothing else. */
#include "arguments.h"
#include "output.h"

#include <inttypes.h>
#include <string.h>

const struct argument store_arguments[] = {
    {ARGUMENT_OPERAND, "ACTION", NULL,
     "create: makes the store, and what it needs on a server; one that is there stays as it is", NULL},
    {ARGUMENT_OPTION, "partitions", "N", "how many it is to have, which stays so (default: 1)", NULL},
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

int store_main(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    long partitions = 0;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    const char *action = argument_value(&arguments, "ACTION");
    if (strcmp(action, "create") != 0)
        return arguments_complain(&arguments, "there is no action %s", action);
    if (!arguments_count(&arguments, "partitions", SESSION_PARTITIONS_MAX, &partitions))
        return EXIT_USAGE;
    options.partitions = (uint32_t)partitions;
    code = session_open(&session, &arguments.store, &options);
    if (code != EXIT_DONE)
        return code;
    return session_close(&session, print_place(&session, arguments.json));
}
