/* Compression of one body after another (zstd), with contexts that live as long as whoever packs, in the owner's memory. */
#ifndef BASE_PACK_H
#define BASE_PACK_H

#include "base/memory.h"

#include <stdbool.h>

#include <trading/error.h>

struct packer {
    struct memory *memory;
    void *workspace;
    size_t workspace_bytes;
    struct ZSTD_CCtx_s *context; /* lies in the workspace */
    int32_t level;
};

/* level: one of zstd's, not 0. */
int32_t packer_open(struct packer *packer, struct memory *memory, int32_t level, trading_error *error);
void packer_close(struct packer *packer);
/* Bytes written to `out`, or 0 when the body cannot be packed into fewer than its own size, which is not 0: what `out` takes. */
size_t pack(struct packer *packer, const void *body, size_t size, void *out);

/* Zero-initialised but for the memory; takes what it needs at the first body. */
struct unpacker {
    struct memory *memory;
    void *workspace;
    size_t workspace_bytes;
    struct ZSTD_DCtx_s *context;
};

void unpacker_close(struct unpacker *unpacker);
int32_t unpacker_ready(struct unpacker *unpacker, trading_error *error);
/* True when the bytes are exactly one frame that says of itself that it holds `size` bytes: looked up, nothing unpacked. */
bool packed_holds(const void *packed, size_t packed_size, size_t size);
/* True when the frame unpacked to exactly `size` bytes; never writes more. */
bool unpack(struct unpacker *unpacker, const void *packed, size_t packed_size, void *body, size_t size);

#endif
