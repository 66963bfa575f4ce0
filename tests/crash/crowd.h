/* What each thread does to an engine of several partitions: a list of commands without end, the same in the process that is killed and in the
 * one that checks. Unlike the errands of one thread these meet: all threads send, trade and pay in for the same customers, whose homes and
 * books lie in all partitions. */
#ifndef CRASH_CROWD_H
#define CRASH_CROWD_H

#include "crash/errand.h"
#include "crash/killing.h"
#include "partitions/lines.h"

/* The key of account `which`, so of all that lists call for. */
trading_id crowd_account_key(int which);
void crowd_meet(struct crowd *crowd);

/* Command `number` of the thread's list, from 1 on, into where it stays. */
void crowd_line(const struct crowd *crowd, uint64_t seed, int thread, int64_t number, struct line *line);

trading_engine_options crowd_options(uint32_t partitions);

/* The writer: as errand_run. */
int crowd_run(const struct killing_writer *writer);

#endif
