#include "base/thread.h"

#include <errno.h>
#include <signal.h>

bool thread_start(pthread_t *thread, const char *name, void *(*function)(void *), void *arg)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failure = pthread_create(thread, NULL, function, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!failure)
        pthread_setname_np(*thread, name);
    errno = failure;
    return failure == 0;
}
