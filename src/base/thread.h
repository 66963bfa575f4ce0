/* Threads of the library's own. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* The host's signals are the host's: the thread takes none. Its name, of 15 characters at most, is what tools of the system show it by. False
 * when the system gives no thread; then errno says why. */
bool thread_start(pthread_t *thread, const char *name, void *(*function)(void *), void *arg);

#endif
