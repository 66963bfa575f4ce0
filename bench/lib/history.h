/* A journal of a certain length, made before something is measured on it: half of its events are of deposits, half of orders. */
#ifndef BENCH_HISTORY_H
#define BENCH_HISTORY_H

#include "bench/lib/subject.h"

/* Lets the engine write until the journal has at least so many events. The subject is populated. */
int32_t history_write(struct subject *subject, uint64_t events, trading_error *error);

#endif
