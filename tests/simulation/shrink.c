#include "simulation/shrink.h"

#include "simulation/folder.h"
#include "simulation/tally.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A list that is shorter than this is compared after every batch. */
enum { SHORT = 400 };

static bool run_steps(struct world *world, const struct step *steps, size_t count)
{
    for (size_t first = 0, end; first < count; first = end) {
        end = first + 1;
        while (end < count && steps[end].batch == steps[first].batch)
            end++;
        if (!world_run(world, steps + first, end - first))
            return false;
        if (count < SHORT && !world_compare(world, false))
            return false;
    }
    return world_compare(world, true) && world_verify(world) && world_tally(world);
}

bool simulation_replay(const struct world_options *options, const struct step *steps, size_t count, char *failure)
{
    struct world world;
    struct folder folder;
    struct world_options fresh = *options;
    bool on_disk = strncmp(options->uri, "lmdb:", 5) == 0;
    if (on_disk && !folder_make(&folder))
        exit(2);
    if (on_disk)
        fresh.uri = folder.uri;
    bool agrees = world_open(&world, &fresh) && run_steps(&world, steps, count);
    world_close(&world);
    if (on_disk)
        folder_remove(&folder);
    memcpy(failure, world.failure, sizeof(world.failure));
    return agrees;
}

/* Drops `size` steps at a time wherever it still fails without them. @return whether any were dropped. */
static bool drop_pieces(const struct world_options *options, struct step *steps, size_t *count, size_t size, time_t until)
{
    struct step *fewer = calloc(*count + 1, sizeof(*steps));
    bool dropped = false;
    char failure[sizeof(((struct world *)0)->failure)];
    for (size_t end = *count; fewer && end > 0 && time(NULL) < until;) {
        size_t first = end > size ? end - size : 0;
        memcpy(fewer, steps, first * sizeof(*steps));
        memcpy(fewer + first, steps + end, (*count - end) * sizeof(*steps));
        if (!simulation_replay(options, fewer, *count - (end - first), failure)) {
            *count -= end - first;
            memcpy(steps, fewer, *count * sizeof(*steps));
            dropped = true;
        }
        end = first;
    }
    free(fewer);
    return dropped;
}

size_t simulation_shrink(const struct world_options *options, struct step *steps, size_t count, int seconds)
{
    time_t until = time(NULL) + seconds;
    for (size_t size = count / 2 + 1; time(NULL) < until;) {
        bool dropped = drop_pieces(options, steps, &count, size, until);
        if (size == 1 && !dropped)
            break;
        if (!dropped || size > 1)
            size = size > 1 ? size / 2 : 1;
    }
    return count;
}
