#include "backends/lmdb/lay_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

/* A commit that syncs while a piece is written waits for it: so a piece is small, and there is one for a commit at most, unless the writer comes near
 * the end of what is laid. Then pieces are large, as many small ones take longer. */
#define PIECE_BYTES  ((size_t)64 << 10)
#define ALIGNMENT    ((size_t)4096) /* of what passes the system's cache by */
#define ROOM_BYTES   (PIECE_BYTES + ALIGNMENT)
#define MANY         16 /* pieces written at once */
#define AHEAD_LEAST  ((uint64_t)1 << 20)
#define AHEAD_MOST   ((uint64_t)64 << 20)
#define THREAD_STACK ((size_t)256 << 10)

void lay_ahead_open(struct lay_ahead *ahead, const struct folder *folder, const char *name, struct memory *memory)
{
    *ahead = (struct lay_ahead){.memory = memory};
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->wake, NULL);
    ahead->fd = file_open(folder, name, O_WRONLY | O_APPEND | O_DIRECT);
    if (ahead->fd < 0)
        ahead->fd = file_open(folder, name, O_WRONLY | O_APPEND);
    uint64_t size = 0;
    if (ahead->fd >= 0 && file_size(ahead->fd, &size) == 0)
        atomic_init(&ahead->laid, size);
}

void lay_ahead_close(struct lay_ahead *ahead)
{
    if (ahead->running) {
        pthread_mutex_lock(&ahead->lock);
        ahead->stop = true;
        pthread_cond_signal(&ahead->wake);
        pthread_mutex_unlock(&ahead->lock);
        pthread_join(ahead->thread, NULL);
    }
    memory_release(ahead->memory, ahead->room, ROOM_BYTES);
    if (ahead->fd >= 0)
        close(ahead->fd);
    pthread_cond_destroy(&ahead->wake);
    pthread_mutex_destroy(&ahead->lock);
}

static ssize_t write_zeros(const struct lay_ahead *ahead, int pieces)
{
    uint8_t *zeros = ahead->room + (ALIGNMENT - (uintptr_t)ahead->room % ALIGNMENT);
    struct iovec all[MANY];
    for (int i = 0; i < pieces; i++)
        all[i] = (struct iovec){.iov_base = zeros, .iov_len = PIECE_BYTES};
    ssize_t put;
    do {
        put = writev(ahead->fd, all, pieces);
    } while (put < 0 && errno == EINTR);
    return put;
}

/* Makes the file longer and takes note of its length, which the writer may have changed as well. Its zeros pass the system's cache by, or are
 * dropped from it: there a commit's flush would find them all, and what is written at once may lie in folios of many pages, so that each
 * later write and flush of one page of them costs a look at all. */
static bool lay_pieces(struct lay_ahead *ahead, int pieces)
{
    ssize_t put = write_zeros(ahead, pieces);
    if (put < 0 && errno == EINVAL && fcntl(ahead->fd, F_SETFL, O_APPEND) == 0) /* the file ends within a block */
        put = write_zeros(ahead, pieces);
    uint64_t size;
    if (put <= 0 || fdatasync(ahead->fd) || file_size(ahead->fd, &size))
        return false;
    posix_fadvise(ahead->fd, (off_t)size - put, put, POSIX_FADV_DONTNEED);
    atomic_store_explicit(&ahead->laid, size, memory_order_relaxed);
    atomic_fetch_add_explicit(&ahead->flushes, 1, memory_order_relaxed);
    return true;
}

static void *lay_out(void *arg)
{
    struct lay_ahead *ahead = arg;
    pthread_mutex_lock(&ahead->lock);
    while (!ahead->stop) {
        uint64_t laid = atomic_load_explicit(&ahead->laid, memory_order_relaxed);
        bool behind = laid < ahead->least;
        if (laid >= ahead->wanted || !(ahead->told || behind)) {
            pthread_cond_wait(&ahead->wake, &ahead->lock);
            continue;
        }
        ahead->told = false;
        pthread_mutex_unlock(&ahead->lock);
        bool done = lay_pieces(ahead, behind ? MANY : 1);
        pthread_mutex_lock(&ahead->lock);
        if (!done)
            ahead->wanted = ahead->least =
                0; /* the disk is full, or failed: the writer will meet it and say so; try again when it goes on */
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* The host's signals are not for this thread; one of them, SIGXFSZ, it might cause. */
static bool start(struct lay_ahead *ahead)
{
    ahead->room = memory_zeroed(ahead->memory, 1, ROOM_BYTES);
    pthread_attr_t attributes;
    if (!ahead->room || pthread_attr_init(&attributes))
        return false;
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&ahead->thread, &attributes, lay_out, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (started)
        pthread_setname_np(ahead->thread, "trading-zeros");
    return started;
}

static uint64_t ahead_of(uint64_t used)
{
    uint64_t quarter = used / 4;
    if (quarter < AHEAD_LEAST)
        return AHEAD_LEAST;
    return quarter < AHEAD_MOST ? quarter : AHEAD_MOST;
}

void lay_ahead_note(struct lay_ahead *ahead, uint64_t used)
{
    uint64_t enough = ahead_of(used);
    if (ahead->fd < 0 || used + enough <= atomic_load_explicit(&ahead->laid, memory_order_relaxed))
        return;
    if (!ahead->running) {
        ahead->running = start(ahead);
        if (!ahead->running) {
            close(ahead->fd);
            ahead->fd = -1;
            return;
        }
    }
    pthread_mutex_lock(&ahead->lock);
    ahead->wanted = used + enough;
    ahead->least = used + enough / 2;
    ahead->told = true;
    pthread_cond_signal(&ahead->wake);
    pthread_mutex_unlock(&ahead->lock);
}
