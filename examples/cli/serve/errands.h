/* The client's side of a deployment: requests on their way to the partitions that they belong to and back, answered in the order in which they
 * were taken. What is not answered in time is sent again, under the same key: so it is done once all the same. */
#ifndef SERVE_ERRANDS_H
#define SERVE_ERRANDS_H

#include "operation.h"
#include "parcel.h"
#include "run_parse.h"
#include "serving.h"

struct errand;

struct errands {
    trading_host *host;
    char *uri;        /* of the bus */
    trading_bus *bus; /* NULL: it failed for good, and is opened anew */
    struct wire wire;
    uint32_t partitions;
    char name[33];    /* of this client, in the correlations */
    int64_t again;    /* nanoseconds until a request is sent again */
    int64_t patience; /* nanoseconds until it is given up */
    struct errand *ring;
    size_t capacity;
    size_t first;
    size_t count;
    uint64_t number; /* of the oldest */
    bool is_alone;   /* the newest lets no other beside it */
    struct parcels outgoing;
};

struct errands_options {
    const char *bus;
    const char *prefix;
    size_t pipeline;  /* how many may be on their way */
    int64_t again;    /* nanoseconds; 0: 5 seconds */
    int64_t patience; /* nanoseconds; 0: 60 seconds */
};

/* Finds the deployment: its topics must be there, or it is TRADING_E_NOT_FOUND, which may pass. */
int32_t errands_open(struct errands *errands, trading_host *host, const struct errands_options *options, trading_error *error);
void errands_close(struct errands *errands);

/* True when another line may be taken. A request that is no command waits for those before it, and lets none beside it. */
bool errands_has_room(const struct errands *errands);

/* Takes a line in, which is answered at once when it is no request; `number` is its line's, for the complaint. A member "time" says which time
 * the record is to have. */
void errands_take(struct errands *errands, const char *line, size_t length, size_t number);
/* Takes in the answer to a line that was not read. */
void errands_refuse(struct errands *errands, const struct complaint *complaint);

/* Sends what is to be sent (again), and takes what the bus has for up to `timeout` nanoseconds. After a failure the next call goes on, with
 * the bus opened anew where it must be; unless the failure is fatal. */
int32_t errands_work(struct errands *errands, int64_t timeout, trading_error *error);

/* The answer to the oldest, when it is there. The caller releases it. */
bool errands_next(struct errands *errands, struct outcome *outcome);

#endif
