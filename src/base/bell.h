/* A bell that any number of threads listen to, each for something of its own, at which it looks by itself: who has brought about what some
 * of them wait for rings once, and all who listen look again. It belongs to what outlives both sides, so that what a thread waits
 * for may lie on its own stack, and be gone as soon as it has come about.
 *
 *      while (!it_has_come_about(mine)) {             bring_about(its);
 *          uint32_t strokes = bell_strokes(bell);     bell_ring(bell);
 *          if (!it_has_come_about(mine))
 *              bell_listen(bell, strokes, NULL);
 *      }
 *
 * Where many listen it is a peal, of which each listens to the bell of the processor that it is on: it asks for that bell before each look. */
#ifndef BASE_BELL_H
#define BASE_BELL_H

#include <stdatomic.h>
#include <stdint.h>
#include <time.h>

struct bell {
    _Atomic uint32_t state;  /* twice how often it rang, and 1 more while somebody may listen */
    _Atomic uint32_t waking; /* the state at which some may still sleep though a stroke ended it; 0: none do */
};

/* All that came before is seen by whoever counts the strokes, or ends listening, after. */
void bell_ring(struct bell *bell);
/* To be asked before looking: what comes about after the look then ends the listening. */
uint32_t bell_strokes(struct bell *bell);
/* Returns once the bell rang since then, at the deadline of the monotonic clock (NULL: never), or for no reason. */
void bell_listen(struct bell *bell, uint32_t strokes, const struct timespec *deadline);

/* Processors beyond these share the bells of the first. */
#define PEAL_BELLS 8u

struct peal {
    struct {
        struct bell bell;
        uint8_t apart[64 - sizeof(struct bell)]; /* from the next: a processor does not write to the line of another's */
    } bells[PEAL_BELLS];
};

/* The bell of the processor that the thread is on just now. */
struct bell *peal_bell(struct peal *peal);
/* Rings all of them. */
void peal_ring(struct peal *peal);

#endif
