/* SIGINT and SIGTERM as a wish that is asked for: stop reading, finish what is in flight. A second one ends the program at once. */
#ifndef CLI_STOP_H
#define CLI_STOP_H

#include <poll.h>
#include <stdbool.h>

#define EXIT_STOPPED 130 /* as shells tell of SIGINT */

/* Call before an engine is opened: its threads inherit that the signals are not theirs. */
void stop_prepare(void);
/* Call once it is open. */
void stop_listen(void);
/* For a thread that is started after that: signals are the main thread's. Threads that it starts inherit it. */
void stop_leave_to_main(void);

bool stop_requested(void);

/* poll(2), which a request to stop ends. @return as poll does; 0 when it was ended */
int stop_poll(struct pollfd *descriptors, nfds_t count, int milliseconds);

#endif
