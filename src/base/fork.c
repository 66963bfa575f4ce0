#include "base/fork.h"

#include "base/error.h"

#include <sys/mman.h>
#include <unistd.h>

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* A page that reads as zero after a fork, and as one until then; NULL when the system gives none. */
static const volatile long *map_page(void)
{
    long *page = mmap(NULL, page_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return NULL;
    if (madvise(page, page_bytes(), MADV_WIPEONFORK)) {
        munmap(page, page_bytes());
        return NULL;
    }
    *page = 1;
    return page;
}

void fork_guard_open(struct fork_guard *guard)
{
    *guard = (struct fork_guard){.alive = map_page(), .process = getpid()};
}

void fork_guard_close(struct fork_guard *guard)
{
    if (guard->alive)
        munmap((void *)guard->alive, page_bytes());
    guard->alive = NULL;
}

bool fork_guard_compare(const struct fork_guard *guard)
{
    return guard->process == getpid();
}

int32_t fork_guard_refuse(const struct fork_guard *guard, trading_error *error)
{
    return error_set(error, TRADING_E_FORKED, "opened before a fork, by process %d; open anew in process %d",
                     (int)guard->process, (int)getpid());
}
