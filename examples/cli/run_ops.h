/* The lines of `trading run` that are in flight: submitted in order, answered in order, however many at a time. */
#ifndef CLI_RUN_OPS_H
#define CLI_RUN_OPS_H

#include "operation.h"
#include "run_parse.h"

/* The bytes of lines in flight beyond which no more are taken. */
#define RUN_FLIGHT_BYTES (64u << 20)

struct flight {
    struct parsed_line parsed;
    struct outcome outcome; /* its json is NULL until it is there */
    trading_result result;
    trading_error error;
    size_t bytes;
};

/* A ring of flights, the oldest first. */
struct run_queue {
    struct desk *desk;
    struct flight *flights;
    size_t capacity;
    size_t first;
    size_t count;
    size_t flying; /* of them, submitted and not answered */
    size_t bytes;  /* of the lines of all in it */
    uint64_t tag;  /* of the oldest */
    int code;      /* EXIT_DONE, or EXIT_STORE once the store failed a line */
    bool fatal;    /* the engine will do no more */
};

/* False when there is no memory. */
bool run_queue_init(struct run_queue *queue, struct desk *desk, size_t capacity);
void run_queue_free(struct run_queue *queue);

/* True when another line may be taken. */
bool run_queue_has_room(const struct run_queue *queue);

/* Whether the answer needs a look at what the request left behind, or those before it did, before the next one changes it. */
bool run_is_alone(const struct request *request);

/* Takes a line in: sends it off, or does it at once when it must see what came before it. */
void run_queue_take(struct run_queue *queue, const char *line, size_t length, size_t number);

/* Takes in the answer to a line that was not read. */
void run_queue_refuse(struct run_queue *queue, const struct complaint *complaint);

/* Collects the answers that are there; with `wait`, waits for one when something is flying. */
void run_queue_collect(struct run_queue *queue, bool wait);

/* Writes the answers that are next in order, and flushes. */
void run_queue_write(struct run_queue *queue, FILE *out);

/* Waits for all that is in flight, and writes it. */
void run_queue_drain(struct run_queue *queue, FILE *out);

#endif
