#include "run_ops.h"

#include "operation_read.h"
#include "record.h"
#include "subcommand.h"

#include <stdlib.h>
#include <string.h>

bool run_queue_init(struct run_queue *queue, struct desk *desk, size_t capacity)
{
    *queue = (struct run_queue){.desk = desk, .capacity = capacity, .flights = calloc(capacity, sizeof(struct flight))};
    return queue->flights;
}

void run_queue_free(struct run_queue *queue)
{
    free(queue->flights);
    queue->flights = NULL;
}

bool run_queue_has_room(const struct run_queue *queue)
{
    return queue->count < queue->capacity && queue->bytes < RUN_FLIGHT_BYTES;
}

static struct flight *flight_at(struct run_queue *queue, size_t place)
{
    return &queue->flights[(queue->first + place) % queue->capacity];
}

static void answer(struct run_queue *queue, struct flight *flight, struct outcome outcome)
{
    flight->outcome = outcome;
    run_parse_release(&flight->parsed);
    if (outcome.code == EXIT_STORE)
        queue->code = EXIT_STORE;
}

static struct flight *add(struct run_queue *queue, size_t bytes)
{
    struct flight *flight = flight_at(queue, queue->count++);
    *flight = (struct flight){.bytes = bytes};
    queue->bytes += bytes;
    return flight;
}

void run_queue_refuse(struct run_queue *queue, const struct complaint *complaint)
{
    answer(queue, add(queue, 0), operation_complaint(complaint));
}

bool run_is_alone(const struct request *request)
{
    return request->op != OP_COMMAND || request->command.type == TRADING_COMMAND_CLOSE_PORTFOLIO;
}

static void submit(struct run_queue *queue, struct flight *flight)
{
    uint64_t tag = queue->tag + queue->count - 1;
    trading_error error;
    int32_t code;
    const trading_command *command = &flight->parsed.request.command;
    while ((code = trading_engine_submit(queue->desk->engine, command, 1, &flight->result, tag, &error)) == TRADING_E_BUSY &&
           queue->flying > 0)
        run_queue_collect(queue, true);
    if (code == TRADING_OK)
        queue->flying++;
    else
        answer(queue, flight, operation_failed(&error));
    if (code != TRADING_OK && error.flags & TRADING_ERROR_FATAL)
        queue->fatal = true;
}

void run_queue_take(struct run_queue *queue, const char *line, size_t length, size_t number)
{
    struct complaint complaint;
    /* It is read where it will stay: the request points into itself. */
    struct flight *flight = add(queue, length);
    if (!run_parse(&flight->parsed, line, length, NULL, NULL, &complaint)) {
        complaint.line = number;
        answer(queue, flight, operation_complaint(&complaint));
        return;
    }
    if (!run_is_alone(&flight->parsed.request)) {
        submit(queue, flight);
        return;
    }
    while (queue->flying > 0)
        run_queue_collect(queue, true);
    answer(queue, flight, operation_execute(queue->desk, &flight->parsed.request));
}

static void complete(struct run_queue *queue, const trading_completion *completion)
{
    struct flight *flight = flight_at(queue, (size_t)(completion->tag - queue->tag));
    queue->flying--;
    if (completion->error.flags & TRADING_ERROR_FATAL)
        queue->fatal = true;
    answer(queue, flight, operation_answer(queue->desk, &flight->parsed.request, &flight->result, &completion->error));
}

/* The engine does not answer any more. What was submitted is left as it is, as the engine may still look at it. */
static void give_up(struct run_queue *queue, const trading_error *error)
{
    for (size_t i = 0; i < queue->count; i++)
        if (!flight_at(queue, i)->outcome.json)
            flight_at(queue, i)->outcome = operation_failed(error);
    queue->flying = 0;
    queue->code = EXIT_STORE;
    queue->fatal = true;
}

#define COMPLETIONS 64

void run_queue_collect(struct run_queue *queue, bool wait)
{
    trading_completion completions[COMPLETIONS];
    trading_error error;
    size_t taken;
    while (queue->flying > 0) {
        int32_t code = trading_engine_poll(queue->desk->engine, completions, COMPLETIONS, &taken, wait ? -1 : 0, &error);
        if (code == TRADING_E_TIMEOUT)
            return;
        if (code != TRADING_OK) {
            give_up(queue, &error);
            return;
        }
        for (size_t i = 0; i < taken; i++)
            complete(queue, &completions[i]);
        if (taken < COMPLETIONS)
            return;
        wait = false;
    }
}

void run_queue_write(struct run_queue *queue, FILE *out)
{
    bool wrote = false;
    while (queue->count > 0 && flight_at(queue, 0)->outcome.json) {
        struct flight *flight = flight_at(queue, 0);
        output_json(out, flight->outcome.json);
        json_decref(flight->outcome.json);
        queue->bytes -= flight->bytes;
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        queue->tag++;
        wrote = true;
    }
    if (wrote)
        fflush(out);
}

void run_queue_drain(struct run_queue *queue, FILE *out)
{
    while (queue->flying > 0) {
        run_queue_collect(queue, true);
        run_queue_write(queue, out);
    }
    run_queue_write(queue, out);
}
