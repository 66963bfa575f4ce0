/* Measuring in turns: the engine, then what is beside it, then the engine again, so that both see the same moods of the machine. */
#ifndef BENCH_TURNS_H
#define BENCH_TURNS_H

#include "bench/lib/drive.h"
#include "bench/lib/report.h"

/* Drives the flow for as long as the settings say, and reports it; with a peer beside also the peer's figures and the ratio. */
int32_t measure_flow(struct subject *subject, const struct flow *flow, struct report *report, trading_error *error);

#endif
