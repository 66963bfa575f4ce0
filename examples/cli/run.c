/* `trading run`: commands from a file or a pipe, a line of JSON each; a line of JSON each for answer. */
#include "arguments.h"
#include "lines.h"
#include "output.h"
#include "routing.h"
#include "run_ops.h"
#include "session.h"
#include "stop.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The most lines in flight: what the engine's queue takes. */
#define PIPELINE_MAX 65536

#define SECONDS_MAX 86400

const struct argument run_arguments[] = {
    {ARGUMENT_OPTIONAL, "FILE", NULL, "the lines; - or nothing: standard input", NULL},
    {ARGUMENT_OPTION, "pipeline", "N", "let N lines be in flight (default: 1); answers stay in order", NULL},
    {ARGUMENT_OPTION, "partitions", "N", "partitions of a store that is new (default: 1), each with threads of its own", NULL},
    {ARGUMENT_OPTION, "venue", "[NAME=]URI", "send routed orders to a venue, and book what it reports; see docs/venue.md",
     NULL},
    {ARGUMENT_OPTION, "venue-wait", "SECONDS", "after the last line, until the venue was silent for so long (default: 1)",
     NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

/* What is to be run, as the arguments say. */
struct run_wish {
    int descriptor;
    size_t pipeline;
    struct routing_choice venue; /* its uri is NULL: none */
    int64_t venue_wait;          /* nanoseconds */
};

struct run {
    struct line_reader reader;
    struct run_queue queue;
    struct routings routings; /* of none where there is no venue */
    bool failed;              /* the input or the output; it was said */
};

static bool has_room(void *context)
{
    const struct run *run = context;
    return run_queue_has_room(&run->queue) && !stop_requested() && !run->queue.fatal;
}

static void take_line(void *context, const char *line, size_t length, size_t number)
{
    struct run *run = context;
    run_queue_take(&run->queue, line, length, number);
}

static void refuse_line(void *context, const struct complaint *complaint)
{
    struct run *run = context;
    run_queue_refuse(&run->queue, complaint);
}

/* Takes the lines that were read, as many as there is room for. @return what the reader said last */
static enum line_status take_lines(struct run *run)
{
    const struct line_taker taker = {has_room, take_line, refuse_line, run};
    return lines_take(&run->reader, &taker);
}

static void read_more(struct run *run)
{
    int error = line_reader_fill(&run->reader);
    if (!error)
        return;
    fprintf(stderr, "trading run: cannot read on after line %zu: %s\n", run->reader.line, strerror(error));
    run->failed = true;
}

/* Waits for an answer, or for input when there is room for it, whichever comes first. */
static void wait_for_more(struct run *run)
{
    int answers = trading_engine_fd(run->queue.desk->engine);
    struct pollfd descriptors[2] = {{.fd = run->reader.descriptor, .events = POLLIN}, {.fd = answers, .events = POLLIN}};
    bool flying = run->queue.flying > 0;
    if (flying && answers < 0) {
        run_queue_collect(&run->queue, true);
        return;
    }
    if (stop_poll(descriptors, flying ? 2 : 1, -1) <= 0)
        return;
    if (flying && descriptors[1].revents) {
        trading_engine_fd_clear(run->queue.desk->engine);
        run_queue_collect(&run->queue, false);
    }
    if (descriptors[0].revents)
        read_more(run);
}

static bool output_is_gone(struct run *run)
{
    if (!ferror(stdout))
        return false;
    if (!run->failed)
        fprintf(stderr, "trading run: answers cannot be written any more; stopped at line %zu\n", run->reader.line);
    run->failed = true;
    return true;
}

static void run_lines(struct run *run)
{
    for (;;) {
        run_queue_write(&run->queue, stdout);
        if (run->failed || output_is_gone(run) || stop_requested() || run->queue.fatal)
            break;
        enum line_status status = take_lines(run);
        if (status == LINE_END)
            break;
        run_queue_write(&run->queue, stdout);
        if (status == LINE_WANTED)
            wait_for_more(run);
        else
            run_queue_collect(&run->queue, true);
    }
    run_queue_drain(&run->queue, stdout);
    output_is_gone(run);
}

/* All lines, and what the venue makes of them. */
static int run_at_venue(struct run *run, struct session *session, const struct run_wish *wish)
{
    trading_error error;
    if (wish->venue.uri && routings_start(&run->routings, session->host, session->engine, &wish->venue, &error) != TRADING_OK)
        return output_failure(&error);
    run_lines(run);
    routings_settle(&run->routings, wish->venue_wait, stop_requested);
    routings_stop(&run->routings);
    return run->failed ? EXIT_STORE : run->queue.code;
}

static int run_session(struct session *session, const struct run_wish *wish)
{
    struct run run = {0};
    struct desk desk;
    trading_error error;
    if (desk_open(&desk, session->engine, &error) != TRADING_OK)
        return session_close(session, output_failure(&error));
    line_reader_init(&run.reader, wish->descriptor, RUN_LINE_BYTES);
    int code = EXIT_STORE;
    if (run_queue_init(&run.queue, &desk, wish->pipeline))
        code = run_at_venue(&run, session, wish);
    else
        fprintf(stderr, "trading run: no memory for %zu lines in flight; give a smaller --pipeline\n", wish->pipeline);
    desk_close(&desk);
    code = session_close(session, code);
    /* After the engine, which may still look at what it was given. */
    run_queue_free(&run.queue);
    line_reader_free(&run.reader);
    return code;
}

static bool read_wish(const struct arguments *arguments, struct run_wish *wish, trading_engine_options *options)
{
    long pipeline = 1;
    long partitions = 0;
    long wait = 1;
    const char *venue = argument_value(arguments, "venue");
    if (!arguments_count(arguments, "pipeline", PIPELINE_MAX, &pipeline) ||
        !arguments_count(arguments, "partitions", SESSION_PARTITIONS_MAX, &partitions) ||
        !arguments_count(arguments, "venue-wait", SECONDS_MAX, &wait))
        return false;
    *wish = (struct run_wish){.pipeline = (size_t)pipeline, .venue_wait = wait * INT64_C(1000000000)};
    options->partitions = (uint32_t)partitions;
    if (!venue || routing_choose(&wish->venue, venue))
        return true;
    arguments_complain(arguments, "--venue: a venue is named by 1 to 32 characters, as in NAME=URI");
    return false;
}

int run_main(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    struct run_wish wish;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    if (!read_wish(&arguments, &wish, &options))
        return EXIT_USAGE;
    wish.descriptor = lines_open(&arguments);
    if (wish.descriptor < 0)
        return EXIT_USAGE;
    stop_prepare();
    code = session_open(&session, &arguments.store, &options);
    if (code == EXIT_DONE) {
        stop_listen();
        session_tell_if_new(&session, &arguments.store);
        code = run_session(&session, &wish);
    }
    if (wish.descriptor != STDIN_FILENO)
        close(wish.descriptor);
    return code;
}
