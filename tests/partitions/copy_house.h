/* A store of two partitions with customers who traded, and places for copies of it. Whatever goes wrong ends the program, saying where. */
#ifndef PARTITIONS_COPY_HOUSE_H
#define PARTITIONS_COPY_HOUSE_H

#include "lines.h"
#include "shared_store.h"

enum { BEFORE = 2, AFTER = 6 };

struct place {
    struct shared_store store;
    char uri[48];
};

struct house {
    trading_host *host;
    struct place places[3];
    struct place *old;
    struct place *new;
    struct chance chance;
    struct crowd crowd;
    trading_engine *engine;
    trading_id routed[ACCOUNTS];
    trading_id resting[ACCOUNTS];
    int64_t keys;
};

/* Two partitions, settled and closed. */
void house_open(struct house *house);
void house_close(struct house *house);

/* An engine of all partitions of a place. */
void house_start(struct house *house, const struct place *place, uint32_t partitions);
void house_settle(struct house *house);
void house_stop(struct house *house, int32_t how);

trading_result house_execute(struct house *house, struct line *line);
/* … what is accepted, or the program ends. */
void house_accept(struct house *house, struct line *line, const char *what);
void house_open_account(struct house *house, int i);
/* As many lines as the house was made with. */
void house_trade(struct house *house);
void house_verify(struct house *house);

/* Copies the old place into the new one. */
int32_t house_copy_with(struct house *house, const trading_copy_options *options, trading_error *error);
int32_t house_copy_into(struct house *house, uint32_t partitions, trading_error *error);
/* Deletes what was there. */
void place_clear(struct place *place);

void must(int32_t code, const char *what, const trading_error *error);
/* Fails with that code and those words. */
void must_be(int32_t code, int32_t expected, const char *says, const trading_error *error);

#endif
