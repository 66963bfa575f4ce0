/* Standing in for the Portfolio service of the system that this one replaces: its messages, in both directions. docs/compat.md is the same for
 * users. */
#ifndef SERVE_REFERENCE_H
#define SERVE_REFERENCE_H

#include "reference_options.h"
#include "relay.h"

#include <jansson.h>

#define REFERENCE_REQUESTS 3 /* the most that one message asks for */

/* ---- reference_number.c: its numbers, to the last digit ---- */

/* The JSON with its numbers as strings: as they were written. To be freed. */
char *reference_quote_numbers(const char *json, size_t length);

/* A number as JSON writes it, exponent and all, as a plain decimal without zeros at its end. False when it is none, or longer than any amount. */
bool reference_plain_number(const char *text, char *plain, size_t bytes);

/* ---- reference_in.c: its messages as requests ---- */

/* Why a message can never be done. */
struct reference_fault {
    const char *reason; /* NULL: it can */
    char message[256];
};

/* What a message asks for: requests of docs/json-lines.md, as text, in the order in which they are to be done. Each has a key that follows from the
 * message or from where it stands. @return how many, to be freed; 0: `fault` says why */
size_t reference_read(const struct reference *reference, const trading_bus_record *record, char *requests[REFERENCE_REQUESTS],
                      struct reference_fault *fault);

/* ---- reference_out.c: our events as its messages ---- */
extern const struct relay_purpose reference_purpose;

/* ---- reference_bridge.c: a thread that takes the messages of one topic ---- */
struct bridge;

/* Never NULL: the program ends when there is no memory, or no thread. */
struct bridge *bridge_start(const struct serving *serving, const char *topic, const char *group);
void bridge_stop(struct bridge *bridge);

#endif
