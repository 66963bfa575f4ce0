/* The orders of a partition at a venue outside, for as long as its engine is open: two threads, one that sends them and one that books what is
 * reported, so that a venue which does not answer keeps no command waiting. */
#ifndef CLI_ROUTING_H
#define CLI_ROUTING_H

#include "session.h"

/* Which venue, as --venue [NAME=]URI says; {} in the URI stands for the partition's number. */
struct routing_choice {
    char name[33];
    const char *uri; /* within the argument; NULL: none */
};

/* False when the name is none. */
bool routing_choose(struct routing_choice *choice, const char *text);

struct routing;

/* Room for that of a store with as many partitions as there can be. */
struct routings {
    struct routing *each[SESSION_PARTITIONS_MAX];
    uint32_t count;
};

/* Those of all partitions of an engine. @return TRADING_OK, or what failed, and none is open */
int32_t routings_start(struct routings *routings, trading_host *host, trading_engine *engine,
                       const struct routing_choice *choice, trading_error *error);
/* Waits until nothing is open at the venue, or on its way there; or neither side had anything to do for so many nanoseconds; or `stopped`. */
void routings_settle(struct routings *routings, int64_t silence, bool (*stopped)(void));
void routings_stop(struct routings *routings);

/* Of one partition, by its number in the engine, `part`, and in the store. NULL, having filled `error`, when the venue or the router cannot be
 * opened. */
struct routing *routing_start(trading_host *host, trading_engine *engine, uint32_t part, uint32_t partition,
                              const struct routing_choice *choice, trading_error *error);

/* Ends its threads, before the engine is closed; and frees it. NULL is allowed. */
void routing_stop(struct routing *routing);
void routing_free(struct routing *routing);

/* How often sending or booking failed, and was tried again. Any thread, until it is freed; NULL: 0. */
uint64_t routing_failures(const struct routing *routing);

#endif
