/* Work that may be larger than one commit. */
#ifndef PROCESS_WORK_H
#define PROCESS_WORK_H

#include "process/emit.h"

/* Goes on with process->work as far as the commit has room. True when it is done. */
bool work_go_on(struct process *process);

#endif
