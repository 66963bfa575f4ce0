/* A bus that delivers badly, for tests: everything that goes over the topics of a deployment it publishes again, in another order, and older
 * records among it.
 *
 *   serve-carrier BUS PREFIX PARTITIONS
 *
 * It says "ready", carries until its input ends, and then says how many records of commands, letters and results it has published. */
#include "serve/parcel.h"
#include "serve/wire.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <trading.h>

enum { NOTICES = 64, KEPT = 64, FAILED = 2, HEADERS = 8 };

#define WAIT INT64_C(100000000)
#define COPY "copy" /* the header of what was published here, which is not copied again */

struct carrier {
    trading_host *host;
    trading_bus *bus;
    struct wire wire;
    struct parcel *kept[KEPT]; /* some of those that came before */
    struct parcels outgoing;
    uint64_t draws;
    uint64_t commands, letters, results;
};

static void check(int32_t code, const trading_error *error)
{
    if (code == TRADING_OK)
        return;
    fprintf(stderr, "serve-carrier: %s: %s\n", trading_error_name(error->code), error->message);
    exit(FAILED);
}

static uint64_t draw(struct carrier *carrier, uint64_t below)
{
    carrier->draws = carrier->draws * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (carrier->draws >> 33) % below;
}

static void write_line(void *context, int32_t level, const char *line)
{
    (void)context;
    (void)level;
    fprintf(stderr, "%s\n", line);
}

/* ---- opening ---- */

static void open_bus(struct carrier *carrier, const char *uri, uint32_t partitions)
{
    trading_error error;
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.flags = TRADING_HOST_PLUGINS;
    options.log = write_line;
    check(trading_host_open(&carrier->host, &options, &error), &error);
    check(trading_bus_open(&carrier->bus, carrier->host, uri, NULL, &error), &error);
    for (uint32_t p = 0; p < partitions; p++) {
        const char *const topics[] = {carrier->wire.commands, carrier->wire.letters, carrier->wire.results};
        for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++)
            check(trading_bus_follow(carrier->bus, topics[i], p, TRADING_BUS_OLDEST, &error), &error);
    }
}

static void close_bus(struct carrier *carrier)
{
    trading_bus_close(carrier->bus);
    trading_host_close(carrier->host, NULL);
    parcels_free(&carrier->outgoing);
    for (size_t i = 0; i < KEPT; i++)
        free(carrier->kept[i]);
}

/* ---- carrying ---- */

static void publish_again(struct carrier *carrier, const trading_bus_record *record)
{
    trading_bus_header headers[HEADERS] = {wire_text_header(COPY, "1")};
    trading_bus_record copy = *record;
    copy.headers = headers;
    copy.header_count = 1;
    for (uint32_t i = 0; i < record->header_count && copy.header_count < HEADERS; i++)
        headers[copy.header_count++] = record->headers[i];
    parcels_add(&carrier->outgoing, parcel_copy(&copy));
    carrier->commands += !strcmp(record->topic, carrier->wire.commands);
    carrier->letters += !strcmp(record->topic, carrier->wire.letters);
    carrier->results += !strcmp(record->topic, carrier->wire.results);
}

static void take(struct carrier *carrier, const trading_bus_notice *notice)
{
    if (notice->kind != TRADING_BUS_RECORD || wire_header(&notice->record, COPY))
        return;
    struct parcel **kept = &carrier->kept[draw(carrier, KEPT)];
    publish_again(carrier, &notice->record);
    if (*kept)
        publish_again(carrier, &(*kept)->record);
    free(*kept);
    *kept = parcel_copy(&notice->record);
}

/* The newest first, so that what belongs together goes the wrong way round. */
static void carry(struct carrier *carrier)
{
    trading_bus_notice notices[NOTICES];
    trading_error error;
    size_t count = 0;
    int32_t code = trading_bus_poll(carrier->bus, notices, NOTICES, &count, WAIT, &error);
    if (code != TRADING_E_TIMEOUT)
        check(code, &error);
    for (size_t i = count; i-- > 0;)
        take(carrier, &notices[i]);
    check(parcels_publish(&carrier->outgoing, carrier->bus, &error), &error);
}

int main(int argc, char **argv)
{
    struct carrier carrier = {.draws = 1};
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    uint32_t partitions = argc == 4 ? (uint32_t)strtoul(argv[3], NULL, 10) : 0;
    if (partitions == 0 || !wire_init(&carrier.wire, argv[2])) {
        fprintf(stderr, "usage: serve-carrier BUS PREFIX PARTITIONS\n");
        return FAILED;
    }
    parcels_init(&carrier.outgoing);
    open_bus(&carrier, argv[1], partitions);
    printf("ready\n");
    fflush(stdout);
    while (poll(&input, 1, 0) == 0)
        carry(&carrier);
    printf("{\"commands\":%" PRIu64 ",\"letters\":%" PRIu64 ",\"results\":%" PRIu64 "}\n", carrier.commands, carrier.letters,
           carrier.results);
    close_bus(&carrier);
    return EXIT_SUCCESS;
}
