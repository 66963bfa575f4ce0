/* Memory with an owner: every allocation is counted against the struct memory that it was asked of, so that a host sees what
 * each engine holds, a limit can be kept, and a leak is found at close. */
#ifndef BASE_MEMORY_H
#define BASE_MEMORY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct memory {
    void *(*allocate)(void *context, size_t bytes);
    void (*release)(void *context, void *memory, size_t bytes);
    void *context;
    _Atomic uint64_t bytes; /* held now */
};

/* malloc and free. */
void memory_init(struct memory *memory);

/* NULL when there is no more. memory_zeroed clears it; an overflowing count × size gives NULL. */
void *memory_allocate(struct memory *memory, size_t bytes);
void *memory_zeroed(struct memory *memory, size_t count, size_t bytes);
void memory_release(struct memory *memory, void *block, size_t bytes);

/* Address space of so many bytes, that costs memory only where it is touched, and is zero until then. NULL when there is none. What
 * of it is in use its owner says with memory_hold and memory_let_go, so that it is counted. memory_empty gives what lies in whole
 * pages back to the system: it is zero again, and may be read or written as before. */
void *memory_reserve(size_t bytes);
/* The same for what is looked up at random and soon used all over: in large pages where the system has them, as who finds no translation waits
 * longer for that than for the memory. Little is reserved as by memory_reserve. */
void *memory_reserve_spread(size_t bytes);
/* What the system's large pages have, where it has any: what is to lie in them begins at a multiple of it. */
#define MEMORY_LARGE_PAGE ((size_t)2 << 20)
/* Address space alone, from a multiple of MEMORY_LARGE_PAGE on, for what grows in it piece by piece and stays where it is: nothing of it may be
 * touched before it is opened, or a file is mapped over it. memory_open makes of a piece of it what memory_reserve_spread gives; its ends need not
 * be those of pages. -1: there is no memory. */
void *memory_claim(size_t bytes);
int memory_open(void *piece, size_t bytes);
/* Ends any of them, with all that was opened or mapped in it. */
void memory_unreserve(void *space, size_t bytes);
void memory_empty(void *pages, size_t bytes);
/* Moves whole pages, memory or a mapping of a file, over what lies elsewhere, which is gone: who reads there finds the one or the other. 0, or -1:
 * what was to be moved is where it was, and what was to be covered may be gone, in which case the system had no memory for the move. */
int memory_move(void *pages, void *onto, size_t bytes);
/* Makes memory of what such a space, or a private mapping of a file, will soon be written to, so that who writes does not wait for the system.
 * What is in it does not change, and others may read and write it meanwhile. Where the system cannot (Linux before 5.14), nothing is done. */
void memory_ready(void *pages, size_t bytes);
void memory_hold(struct memory *memory, size_t bytes);
void memory_let_go(struct memory *memory, size_t bytes);

/* Grows an array of `*capacity` elements to hold at least `needed`, doubling; keeps its contents. 0, or -1 and nothing changed. */
int memory_grow(struct memory *memory, void **array, size_t *capacity, size_t needed, size_t element);

#endif
