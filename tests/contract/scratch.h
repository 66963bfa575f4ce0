/* A folder for a test's files. */
#ifndef SCRATCH_H
#define SCRATCH_H

#define SCRATCH_PATH 256

/* Makes an empty folder under $TMPDIR or /tmp; the path ends with a slash. Ends the program when it cannot. */
void scratch_make(char path[SCRATCH_PATH]);
/* Removes the folder and all in it. */
void scratch_remove(const char *path);

#endif
