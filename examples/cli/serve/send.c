/* `trading send`: the lines of `trading run` to a deployment instead of a store, by topic; its answers by topic back. */
#include "arguments.h"
#include "errands.h"
#include "lines.h"
#include "monotonic.h"
#include "output.h"
#include "patience.h"
#include "session.h"
#include "stop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PIPELINE_MAX 65536
#define SECONDS_MAX  86400
#define SECOND       INT64_C(1000000000)

/* How long the bus is waited for while the input may bring more, too. */
#define TURN INT64_C(2000000)
#define WAIT INT64_C(100000000)

const struct argument send_arguments[] = {
    {ARGUMENT_OPTIONAL, "FILE", NULL, "the lines; - or nothing: standard input", NULL},
    {ARGUMENT_REQUIRED, "bus", "URI", "the bus: kafka://HOST:PORT/, or another plugin's", NULL},
    {ARGUMENT_OPTION, "prefix", "TEXT", "what the topics' names begin with (default: trading)", NULL},
    {ARGUMENT_OPTION, "pipeline", "N", "let N lines be in flight (default: 1); answers stay in order", NULL},
    {ARGUMENT_OPTION, "again", "SECONDS", "send again, under the same key, what was not answered (default: 5)", NULL},
    {ARGUMENT_OPTION, "timeout", "SECONDS", "give up what was not answered, and a bus that is away (default: 60)", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

struct sending {
    struct line_reader reader;
    struct errands errands;
    int code; /* an exit_code */
};

static bool has_room(void *context)
{
    const struct sending *sending = context;
    return errands_has_room(&sending->errands) && !stop_requested();
}

static void take_line(void *context, const char *line, size_t length, size_t number)
{
    struct sending *sending = context;
    errands_take(&sending->errands, line, length, number);
}

static void refuse_line(void *context, const struct complaint *complaint)
{
    struct sending *sending = context;
    errands_refuse(&sending->errands, complaint);
}

static void write_answers(struct sending *sending)
{
    struct outcome outcome;
    bool wrote = false;
    while (errands_next(&sending->errands, &outcome)) {
        output_json(stdout, outcome.json);
        json_decref(outcome.json);
        if (outcome.code == EXIT_STORE)
            sending->code = EXIT_STORE;
        wrote = true;
    }
    if (wrote)
        fflush(stdout);
}

/* What the bus fails in is tried again until an answer's time is over. */
static void work(struct sending *sending, int64_t timeout)
{
    trading_error error;
    if (errands_work(&sending->errands, timeout, &error) == TRADING_OK)
        return;
    fprintf(stderr, "trading send: %s\n", error.message);
    if (error.flags & TRADING_ERROR_FATAL)
        sending->code = EXIT_STORE;
    stop_poll(NULL, 0, (int)(WAIT / 1000000));
}

/* Waits for input where nothing is on its way; else looks whether there is some. */
static void read_more(struct sending *sending)
{
    struct pollfd input = {.fd = sending->reader.descriptor, .events = POLLIN};
    if (stop_poll(&input, 1, sending->errands.count > 0 ? 0 : -1) <= 0 || !input.revents)
        return;
    int error = line_reader_fill(&sending->reader);
    if (!error)
        return;
    fprintf(stderr, "trading send: cannot read on after line %zu: %s\n", sending->reader.line, strerror(error));
    sending->code = EXIT_STORE;
}

static void send_lines(struct sending *sending)
{
    const struct line_taker taker = {has_room, take_line, refuse_line, sending};
    enum line_status status = LINE_READY;
    while (sending->code == EXIT_DONE && !stop_requested() && !ferror(stdout)) {
        status = lines_take(&sending->reader, &taker);
        write_answers(sending);
        if (status == LINE_END && !sending->errands.count)
            break;
        if (status == LINE_WANTED)
            read_more(sending);
        if (sending->errands.count > 0)
            work(sending, status == LINE_WANTED ? TURN : WAIT);
        write_answers(sending);
    }
    while (sending->errands.count > 0 && !ferror(stdout)) {
        work(sending, WAIT);
        write_answers(sending);
    }
}

static bool read_options(const struct arguments *arguments, struct errands_options *options)
{
    long pipeline = 1;
    long again = 5;
    long timeout = 60;
    const char *prefix = argument_value(arguments, "prefix");
    prefix = prefix ? prefix : WIRE_PREFIX;
    if (!arguments_count(arguments, "pipeline", PIPELINE_MAX, &pipeline) ||
        !arguments_count(arguments, "again", SECONDS_MAX, &again) ||
        !arguments_count(arguments, "timeout", SECONDS_MAX, &timeout))
        return false;
    if (!wire_init(&(struct wire){0}, prefix)) {
        arguments_complain(arguments, "--prefix has 1 to %d characters", WIRE_PREFIX_MAX);
        return false;
    }
    *options = (struct errands_options){.bus = argument_value(arguments, "bus"),
                                        .prefix = prefix,
                                        .pipeline = (size_t)pipeline,
                                        .again = again * SECOND,
                                        .patience = timeout * SECOND};
    return true;
}

static bool is_stopped(void *context)
{
    (void)context;
    return stop_requested();
}

/* A deployment that cannot be reached yet is waited for as long as an answer of it. */
static int32_t reach(struct errands *errands, trading_host *host, const struct errands_options *options, trading_error *error)
{
    struct patience patience = {.who = "trading send", .end = monotonic_now() + options->patience, .stopped = is_stopped};
    int32_t code;
    while ((code = errands_open(errands, host, options, error)) != TRADING_OK && patience_lasts(&patience, error))
        ;
    return code;
}

static int send_all(trading_host *host, const struct errands_options *options, int descriptor)
{
    struct sending sending = {.code = EXIT_DONE};
    trading_error error;
    stop_listen();
    if (reach(&sending.errands, host, options, &error) != TRADING_OK)
        return output_failure(&error);
    line_reader_init(&sending.reader, descriptor, RUN_LINE_BYTES);
    send_lines(&sending);
    line_reader_free(&sending.reader);
    errands_close(&sending.errands);
    return sending.code;
}

int send_main(int argc, char **argv)
{
    struct arguments arguments;
    struct errands_options options;
    struct session session;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    if (!read_options(&arguments, &options))
        return EXIT_USAGE;
    int descriptor = lines_open(&arguments);
    if (descriptor < 0)
        return EXIT_USAGE;
    stop_prepare();
    code = session_open_host(&session, &arguments.store);
    if (code == EXIT_DONE) {
        code = send_all(session.host, &options, descriptor);
        trading_host_close(session.host, NULL);
    }
    if (descriptor != STDIN_FILENO)
        close(descriptor);
    return code;
}
