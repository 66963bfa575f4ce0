#include "backends/lmdb/lay_ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

/* A piece is flushed before the next is written, so that a commit's flush finds at most one of them in its way. */
#define ZERO_BYTES   ((size_t)64 << 10)
#define ZEROS        16 /* written at once: a piece */
#define AHEAD_LEAST  ((uint64_t)1 << 20)
#define AHEAD_MOST   ((uint64_t)64 << 20)
#define THREAD_STACK ((size_t)256 << 10)

void lay_ahead_open(struct lay_ahead *ahead, const struct folder *folder, const char *name, struct memory *memory)
{
    *ahead = (struct lay_ahead){.memory = memory};
    pthread_mutex_init(&ahead->lock, NULL);
    pthread_cond_init(&ahead->wake, NULL);
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
    memory_release(ahead->memory, ahead->zeros, ZERO_BYTES);
    if (ahead->fd >= 0)
        close(ahead->fd);
    pthread_cond_destroy(&ahead->wake);
    pthread_mutex_destroy(&ahead->lock);
}

/* Makes the file one piece longer and takes note of its length, which the writer may have changed as well. Its zeros are not to stay in the
 * system's cache: what is written at once may lie there in folios of many pages, and then each later write and flush of one page of
 * them costs a look at all. */
static bool lay_piece(struct lay_ahead *ahead)
{
    struct iovec piece[ZEROS];
    for (int i = 0; i < ZEROS; i++)
        piece[i] = (struct iovec){.iov_base = ahead->zeros, .iov_len = ZERO_BYTES};
    ssize_t put;
    do {
        put = writev(ahead->fd, piece, ZEROS);
    } while (put < 0 && errno == EINTR);
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
        if (ahead->wanted <= atomic_load_explicit(&ahead->laid, memory_order_relaxed)) {
            pthread_cond_wait(&ahead->wake, &ahead->lock);
            continue;
        }
        pthread_mutex_unlock(&ahead->lock);
        bool done = lay_piece(ahead);
        pthread_mutex_lock(&ahead->lock);
        if (!done)
            ahead->wanted = 0; /* the disk is full, or failed: the writer will meet it and say so; try again when it goes on */
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* The host's signals are not for this thread; one of them, SIGXFSZ, it might cause. */
static bool start(struct lay_ahead *ahead)
{
    ahead->zeros = memory_zeroed(ahead->memory, 1, ZERO_BYTES);
    pthread_attr_t attributes;
    if (!ahead->zeros || pthread_attr_init(&attributes))
        return false;
    pthread_attr_setstacksize(&attributes, THREAD_STACK);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&ahead->thread, &attributes, lay_out, ahead) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
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
    if (ahead->fd < 0 || used + enough / 2 <= atomic_load_explicit(&ahead->laid, memory_order_relaxed))
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
    pthread_cond_signal(&ahead->wake);
    pthread_mutex_unlock(&ahead->lock);
}
