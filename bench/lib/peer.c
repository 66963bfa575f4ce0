#include "bench/lib/peer.h"

#include "bench/lib/clock.h"
#include "bench/lib/failure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RECORD_BYTES 128
#define MAP_BYTES    ((size_t)1 << 37)
#define PAGE_BYTES   4096
#define FILE_BYTES   (64 << 20)

/* ---- LMDB ---- */

static int32_t lmdb_failure(int code, trading_error *error)
{
    return bench_fail(error, TRADING_E_IO, "LMDB by itself: %s", mdb_strerror(code));
}

static int open_records(struct peer *peer)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(peer->env, NULL, 0, &txn);
    if (code)
        return code;
    code = mdb_dbi_open(txn, NULL, MDB_INTEGERKEY, &peer->records);
    if (!code)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int32_t open_lmdb(struct peer *peer, trading_error *error)
{
    char path[SCRATCH_BYTES + 16];
    unsigned flags = MDB_NOSUBDIR | MDB_NORDAHEAD;
    if (peer->settings->engine.durability == TRADING_DURABILITY_PROCESS)
        flags |= MDB_NOSYNC;
    snprintf(path, sizeof path, "%s/records.mdb", peer->scratch.path);
    int code = mdb_env_create(&peer->env);
    if (!code)
        code = mdb_env_set_mapsize(peer->env, MAP_BYTES);
    if (!code)
        code = mdb_env_open(peer->env, path, flags, 0600);
    if (!code)
        code = open_records(peer);
    return code ? lmdb_failure(code, error) : TRADING_OK;
}

static int put_records(struct peer *peer, MDB_txn *txn)
{
    static const uint8_t zeros[RECORD_BYTES];
    uint8_t record[RECORD_BYTES];
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, peer->records, &cursor);
    if (code)
        return code;
    memcpy(record, zeros, sizeof record);
    for (size_t i = 0; !code && i < peer->settings->batch; i++) {
        MDB_val key = {.mv_size = sizeof peer->next, .mv_data = &peer->next};
        MDB_val value = {.mv_size = sizeof record, .mv_data = record};
        memcpy(record, &peer->next, sizeof peer->next);
        code = mdb_cursor_put(cursor, &key, &value, MDB_APPEND);
        peer->next++;
    }
    mdb_cursor_close(cursor);
    return code;
}

static int32_t commit_records(struct peer *peer, trading_error *error)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(peer->env, NULL, 0, &txn);
    if (code)
        return lmdb_failure(code, error);
    code = put_records(peer, txn);
    if (code)
        mdb_txn_abort(txn);
    else
        code = mdb_txn_commit(txn);
    return code ? lmdb_failure(code, error) : TRADING_OK;
}

/* ---- the disk ---- */

static int32_t disk_failure(trading_error *error)
{
    return bench_fail(error, TRADING_E_IO, "the disk by itself: %s", strerror(errno));
}

/* Written once before it is measured, so that what is synced then is data alone, and no growing of the file. */
static int32_t open_disk(struct peer *peer, trading_error *error)
{
    static const uint8_t zeros[1 << 16];
    char path[SCRATCH_BYTES + 16];
    snprintf(path, sizeof path, "%s/pages", peer->scratch.path);
    peer->file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (peer->file < 0)
        return disk_failure(error);
    for (off_t at = 0; at < FILE_BYTES; at += (off_t)sizeof zeros)
        if (pwrite(peer->file, zeros, sizeof zeros, at) != (ssize_t)sizeof zeros)
            return disk_failure(error);
    return fsync(peer->file) ? disk_failure(error) : TRADING_OK;
}

static int32_t sync_page(struct peer *peer, trading_error *error)
{
    uint8_t page[PAGE_BYTES];
    memset(page, (int)(++peer->next & 0xff), sizeof page);
    if (pwrite(peer->file, page, sizeof page, peer->at) != (ssize_t)sizeof page || fdatasync(peer->file))
        return disk_failure(error);
    peer->at = (peer->at + PAGE_BYTES) % FILE_BYTES;
    return TRADING_OK;
}

/* ---- either ---- */

int32_t peer_open(struct peer *peer, const struct settings *settings, trading_error *error)
{
    *peer = (struct peer){.settings = settings, .file = -1};
    if (scratch_open(&peer->scratch, error))
        return error->code;
    return settings->beside == BESIDE_LMDB ? open_lmdb(peer, error) : open_disk(peer, error);
}

int32_t peer_turn(struct peer *peer, int64_t nanoseconds, struct tally *tally, trading_error *error)
{
    bool is_lmdb = peer->settings->beside == BESIDE_LMDB;
    int64_t begun = bench_now();
    int64_t cpu = bench_process_cpu();
    int64_t now = begun;
    while (now - begun < nanoseconds) {
        int32_t code = is_lmdb ? commit_records(peer, error) : sync_page(peer, error);
        if (code)
            return code;
        int64_t then = bench_now();
        histogram_record(&tally->latency, then - now);
        tally->commands += is_lmdb ? peer->settings->batch : 1;
        now = then;
    }
    tally->nanoseconds += now - begun;
    tally->cpu += bench_process_cpu() - cpu;
    return TRADING_OK;
}

void peer_close(struct peer *peer)
{
    if (peer->env)
        mdb_env_close(peer->env);
    if (peer->file >= 0)
        close(peer->file);
    scratch_close(&peer->scratch);
}
