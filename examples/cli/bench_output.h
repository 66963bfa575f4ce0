/* What `trading bench` tells: how far it is, and what it found. */
#ifndef CLI_BENCH_OUTPUT_H
#define CLI_BENCH_OUTPUT_H

#include "bench/lib/report.h"
#include "bench/lib/settings.h"

typedef void bench_progress_line(const char *what, double part, double per_second);

/* Writes how far it is into one line of the terminal; NULL where standard error is none. */
bench_progress_line *bench_progress(void);

/* Wipes that line, if there is one. */
void bench_progress_end(void);

/* The settings that matter and what was found: for people, or as one JSON object. */
void bench_output(const char *work, const struct settings *settings, const struct report *report, bool json);

#endif
