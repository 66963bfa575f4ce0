#include "base/pack.h"

#include "base/error.h"

/* Contexts in memory that is handed over. zstd keeps these functions apart from its stable ones, but they have not changed since
 * 1.3.0, and without them it would take its memory from malloc, where no limit of the host's sees it. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

int32_t packer_open(struct packer *packer, struct memory *memory, int32_t level, trading_error *error)
{
    *packer = (struct packer){.memory = memory, .level = level};
    if (level == 0 || level < ZSTD_minCLevel() || level > ZSTD_maxCLevel())
        return error_set(error, TRADING_E_INVALID,
                         "compression level %d is none of zstd's: give one from 1 to %d, or 0 for none", level,
                         ZSTD_maxCLevel());
    packer->workspace_bytes = ZSTD_estimateCCtxSize(level);
    packer->workspace = memory_allocate(memory, packer->workspace_bytes);
    if (!packer->workspace)
        return error_no_memory(error, "compression");
    packer->context = ZSTD_initStaticCCtx(packer->workspace, packer->workspace_bytes);
    if (packer->context)
        return TRADING_OK;
    packer_close(packer);
    return error_set(error, TRADING_E_UNSUPPORTED, "zstd %s does not compress in memory that is given to it",
                     ZSTD_versionString());
}

void packer_close(struct packer *packer)
{
    memory_release(packer->memory, packer->workspace, packer->workspace_bytes);
    packer->workspace = NULL;
    packer->context = NULL;
}

size_t pack(struct packer *packer, const void *body, size_t size, void *out)
{
    size_t packed = ZSTD_compressCCtx(packer->context, out, size - 1, body, size, packer->level);
    return ZSTD_isError(packed) ? 0 : packed;
}

void unpacker_close(struct unpacker *unpacker)
{
    if (unpacker->workspace)
        memory_release(unpacker->memory, unpacker->workspace, unpacker->workspace_bytes);
    unpacker->workspace = NULL;
    unpacker->context = NULL;
}

int32_t unpacker_ready(struct unpacker *unpacker, trading_error *error)
{
    if (unpacker->context)
        return TRADING_OK;
    unpacker->workspace_bytes = ZSTD_estimateDCtxSize();
    unpacker->workspace = memory_allocate(unpacker->memory, unpacker->workspace_bytes);
    if (!unpacker->workspace)
        return error_no_memory(error, "decompression");
    unpacker->context = ZSTD_initStaticDCtx(unpacker->workspace, unpacker->workspace_bytes);
    if (unpacker->context)
        return TRADING_OK;
    unpacker_close(unpacker);
    return error_set(error, TRADING_E_UNSUPPORTED, "zstd %s does not decompress in memory that is given to it",
                     ZSTD_versionString());
}

bool packed_holds(const void *packed, size_t packed_size, size_t size)
{
    return ZSTD_getFrameContentSize(packed, packed_size) == size &&
           ZSTD_findFrameCompressedSize(packed, packed_size) == packed_size;
}

bool unpack(struct unpacker *unpacker, const void *packed, size_t packed_size, void *body, size_t size)
{
    return ZSTD_decompressDCtx(unpacker->context, body, size, packed, packed_size) == size;
}
