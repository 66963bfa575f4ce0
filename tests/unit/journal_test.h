/* What the tests of src/journal share: the suites, a commit to build, and memory whose use is watched. */
#ifndef JOURNAL_TEST_H
#define JOURNAL_TEST_H

/* cmocka.h wants these four before it. */
#include "journal/commit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Each runs its tests and returns how many failed. */
int commit_suite(void);
int commit_damage_suite(void);
int entry_suite(void);
int read_suite(void);
int seal_suite(void);

/* Says yes to the first `left` allocations, and no from then on. */
struct rationed_memory {
    struct memory memory;
    size_t left;
};
void ration(struct rationed_memory *rationed, size_t allocations);

/* A header that can be built: position 40, 3 events in 2 entries. */
struct commit sample_header(void);

/* Writes `size` bytes that compress well, different for each seed. */
void write_pattern(struct writer *writer, size_t size, unsigned seed);
/* The same of bytes that do not compress. */
void write_noise(struct writer *writer, size_t size, uint64_t seed);

/* A builder with a body limit of `size`, and as much of a pattern in it. */
void open_filled(struct commit_builder *builder, struct memory *memory, size_t size, int32_t compression);

/* Makes the digest of a stored commit that of its bytes, whatever they are now. */
void fix_digest(uint8_t *bytes, size_t size);

void put_u32(uint8_t *bytes, uint32_t value);

#endif
