#include "stop.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

static volatile sig_atomic_t requested;

static void request_stop(int signal)
{
    (void)signal;
    requested = 1;
}

static void change_mask(int how, sigset_t *before)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(how, &signals, before);
}

void stop_prepare(void)
{
    /* Restarted: a result is written whole. Reset: the second signal does what it always does. */
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = SA_RESTART | (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    change_mask(SIG_BLOCK, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

void stop_leave_to_main(void)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
}

void stop_listen(void)
{
    change_mask(SIG_UNBLOCK, NULL);
}

bool stop_requested(void)
{
    return requested;
}

int stop_poll(struct pollfd *descriptors, nfds_t count, int milliseconds)
{
    struct timespec timeout = {milliseconds / 1000, (milliseconds % 1000) * 1000000L};
    sigset_t before;
    int ready = 0;
    /* Blocked from the question to the wait, so that no signal falls between them. */
    change_mask(SIG_BLOCK, &before);
    if (!requested)
        ready = ppoll(descriptors, count, milliseconds < 0 ? NULL : &timeout, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ready < 0 && errno == EINTR ? 0 : ready;
}
