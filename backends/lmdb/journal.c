#include "backends/lmdb/journal.h"

#include "backends/lmdb/page_check.h"

/* ---- opening and closing ---- */

static uint64_t horizon_of_writer(void *arg)
{
    const struct journal *journal = arg;
    return atomic_load_explicit(&journal->durable, memory_order_acquire);
}

static uint64_t horizon_of_reader(void *arg)
{
    const struct journal *journal = arg;
    return writer_lock_horizon(&journal->lock);
}

static int32_t open_writer(struct journal *journal, trading_error *error)
{
    int32_t code = writer_lock_take(&journal->lock, journal->folder, error);
    if (!code)
        code = environment_create(journal->folder, JOURNAL_FILE, &journal_kind, error);
    if (!code)
        code = page_file_open(&journal->file, journal->folder, JOURNAL_FILE, journal->memory, error);
    if (!code)
        code = journal_go_back(journal, 0, error);
    if (!code)
        code = environment_identify(&journal->file, &journal_kind, &journal->format, error);
    if (!code)
        code = page_check_free(&journal->file, error);
    if (!code)
        code = journal_load_heads(journal, error);
    bool goes_forward = journal->redo.size > 0;
    if (!code)
        code = journal_open_environment(journal, error);
    if (!code && goes_forward)
        code = journal_load_heads(journal, error); /* those before were for the check of what LMDB follows */
    if (code)
        return code;
    journal->file.horizon = horizon_of_writer;
    journal->file.horizon_arg = journal;
    lay_ahead_open(&journal->ahead, journal->folder, JOURNAL_FILE, journal->memory);
    return TRADING_OK;
}

static int32_t open_reader(struct journal *journal, trading_error *error)
{
    writer_lock_look(&journal->lock, journal->folder);
    int32_t code = page_file_open(&journal->file, journal->folder, JOURNAL_FILE, journal->memory, error);
    if (code)
        return code;
    journal->file.horizon = horizon_of_reader;
    journal->file.horizon_arg = journal;
    code = journal_refuse_unsettled(journal, error);
    return code ? code : environment_identify(&journal->file, &journal_kind, NULL, error);
}

int32_t journal_open(struct journal *journal, const struct folder *folder, struct memory *memory, bool read_only,
                     uint64_t map_bytes, trading_error *error)
{
    *journal = (struct journal){.folder = folder, .memory = memory, .read_only = read_only, .map_bytes = map_bytes};
    journal->file.fd = journal->lock.fd = -1;
    group_commit_open(&journal->appends, journal_append_group, journal);
    pthread_mutex_init(&journal->append_lock, NULL);
    pthread_mutex_init(&journal->heads_lock, NULL);
    int32_t code = read_only ? open_reader(journal, error) : open_writer(journal, error);
    if (code)
        journal_close(journal);
    return code;
}

void journal_close(struct journal *journal)
{
    if (journal->ahead.memory)
        lay_ahead_close(&journal->ahead);
    if (journal->environment.env) {
        if (journal->marked && !journal->uncertain && !journal->environment.broken)
            (void)journal_mark_clear(journal); /* else the next writer asks for nothing whether the newest commits are whole */
        environment_close(&journal->environment);
    }
    page_file_close(&journal->file);
    writer_lock_close(&journal->lock);
    memory_release(journal->memory, journal->heads, journal->head_capacity * sizeof *journal->heads);
    memory_release(journal->memory, journal->redo.bytes, journal->redo.capacity);
    pthread_mutex_destroy(&journal->heads_lock);
    pthread_mutex_destroy(&journal->append_lock);
    group_commit_close(&journal->appends);
}

/* ---- reading ---- */

struct visitor {
    trading_store_visit visit;
    void *arg;
};

static int32_t visit_commit(void *arg, const struct journal_record *record)
{
    const struct visitor *visitor = arg;
    return visitor->visit(visitor->arg, &record->commit);
}

int32_t journal_read(struct journal *journal, uint32_t partition, int64_t from, trading_store_visit visit, void *arg,
                     trading_error *error)
{
    struct visitor visitor = {.visit = visit, .arg = arg};
    int32_t code = journal_settle(journal, error);
    return code ? code : journal_read_records(&journal->file, partition, from, visit_commit, &visitor, error);
}
