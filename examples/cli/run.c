/* `trading run`: commands from a file or a pipe, a line of JSON each; a line of JSON each for answer. */
#include "arguments.h"
#include "lines.h"
#include "run_ops.h"
#include "session.h"
#include "stop.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The most lines in flight: what the engine's queue takes. */
#define PIPELINE_MAX 65536

const struct argument run_arguments[] = {
    {ARGUMENT_OPTIONAL, "FILE", NULL, "the lines; - or nothing: standard input", NULL},
    {ARGUMENT_OPTION, "pipeline", "N", "let N lines be in flight (default: 1); answers stay in order", NULL},
    {ARGUMENT_OPTION, "partitions", "N", "partitions of a store that is new (default: 1), each with threads of its own", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

struct run {
    struct line_reader reader;
    struct run_queue queue;
    bool failed; /* the input or the output; it was said */
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

static int run_session(struct session *session, int descriptor, size_t pipeline)
{
    struct run run = {0};
    struct desk desk;
    trading_error error;
    if (desk_open(&desk, session->engine, &error) != TRADING_OK)
        return session_close(session, output_failure(&error));
    line_reader_init(&run.reader, descriptor, RUN_LINE_BYTES);
    int code = EXIT_STORE;
    if (run_queue_init(&run.queue, &desk, pipeline)) {
        run_lines(&run);
        code = run.failed ? EXIT_STORE : run.queue.code;
    } else {
        fprintf(stderr, "trading run: no memory for %zu lines in flight; give a smaller --pipeline\n", pipeline);
    }
    desk_close(&desk);
    code = session_close(session, code);
    /* After the engine, which may still look at what it was given. */
    run_queue_free(&run.queue);
    line_reader_free(&run.reader);
    return code;
}

int run_main(int argc, char **argv)
{
    struct arguments arguments;
    struct session session;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    long pipeline = 1;
    long partitions = 0;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    if (!arguments_count(&arguments, "pipeline", PIPELINE_MAX, &pipeline) ||
        !arguments_count(&arguments, "partitions", SESSION_PARTITIONS_MAX, &partitions))
        return EXIT_USAGE;
    options.partitions = (uint32_t)partitions;
    int descriptor = lines_open(&arguments);
    if (descriptor < 0)
        return EXIT_USAGE;
    stop_prepare();
    code = session_open(&session, &arguments.store, &options);
    if (code == EXIT_DONE) {
        stop_listen();
        code = run_session(&session, descriptor, (size_t)pipeline);
    }
    if (descriptor != STDIN_FILENO)
        close(descriptor);
    return code;
}
