/* How much of a file that is written in bulk may wait to be sent to the disk. */
#ifndef BASE_FLUSH_H
#define BASE_FLUSH_H

/* A checkpoint, a snapshot, a run of keys: each is written beside the journal. Where a file system's commit takes the data of all files with
 * it, as ext4's does, the journal's own flush waits until what they have written and not flushed is on the disk, and the writer with it. */
#define FLUSH_BYTES ((size_t)256 << 10)

#endif
