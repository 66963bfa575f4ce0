/* Boxes of messages from other partitions: filled in memory or from the senders' journals, and applied. */
#include "engine/mail.h"

#include "base/error.h"
#include "engine/engine.h"

#include <inttypes.h>

bool mail_open(struct mail *mail, struct memory *memory, uint32_t partitions)
{
    *mail = (struct mail){.memory = memory, .count = partitions};
    pthread_mutex_init(&mail->mutex, NULL);
    mail->boxes = memory_zeroed(memory, partitions, sizeof *mail->boxes);
    return mail->boxes != NULL;
}

void mail_close(struct mail *mail)
{
    if (!mail->memory)
        return;
    for (uint32_t i = 0; mail->boxes && i < mail->count; i++)
        memory_release(mail->memory, mail->boxes[i].letters, mail->boxes[i].room * sizeof *mail->boxes[i].letters);
    memory_release(mail->memory, mail->boxes, mail->count * sizeof *mail->boxes);
    pthread_mutex_destroy(&mail->mutex);
    *mail = (struct mail){0};
}

void mail_reread(struct mail *mail)
{
    if (!mail->boxes)
        return;
    pthread_mutex_lock(&mail->mutex);
    for (uint32_t i = 0; i < mail->count; i++) {
        struct mailbox *box = &mail->boxes[i];
        box->behind = true;
        box->scanned = 0;
        box->losses++;
    }
    pthread_mutex_unlock(&mail->mutex);
    atomic_store_explicit(&mail->waits, true, memory_order_release);
}

/* With the mutex held. False when the letter must stay in the journal. */
static bool add(struct mail *mail, struct mailbox *box, const struct message *message)
{
    if (box->count == 0) {
        box->first = 0;
    } else if (box->first >= MAILBOX_MOST) {
        memmove(box->letters, box->letters + box->first, box->count * sizeof *box->letters);
        box->first = 0;
    }
    if (box->count >= MAILBOX_MOST ||
        memory_grow(mail->memory, (void **)&box->letters, &box->room, box->first + box->count + 1, sizeof *box->letters))
        return false;
    box->letters[box->first + box->count++] = *message;
    return true;
}

bool mail_put(struct mail *mail, const struct message *message)
{
    pthread_mutex_lock(&mail->mutex);
    struct mailbox *box = &mail->boxes[message->from];
    bool kept = !box->behind && add(mail, box, message);
    if (!kept)
        box->behind = box->missed = true; /* one that is behind is filled from the journal, in order */
    pthread_mutex_unlock(&mail->mutex);
    atomic_store_explicit(&mail->waits, true, memory_order_release);
    return kept;
}

bool mail_begin_scan(struct mail *mail, uint32_t sender, int64_t received, struct mail_scan *scan)
{
    pthread_mutex_lock(&mail->mutex);
    const struct mailbox *box = &mail->boxes[sender];
    bool behind = box->behind;
    scan->from = scan->reached = received > box->scanned ? received : box->scanned;
    scan->losses = box->losses;
    pthread_mutex_unlock(&mail->mutex);
    if (behind)
        atomic_store_explicit(&mail->waits, true, memory_order_release);
    return !behind;
}

void mail_end_scan(struct mail *mail, uint32_t sender, const struct mail_scan *scan)
{
    pthread_mutex_lock(&mail->mutex);
    struct mailbox *box = &mail->boxes[sender];
    if (box->losses == scan->losses && box->scanned < scan->reached)
        box->scanned = scan->reached;
    pthread_mutex_unlock(&mail->mutex);
}

/* ---- from the sender's journal ---- */

struct reading {
    trading_engine *engine;
    struct mail_scan *scan;
    int64_t end;
    mail_keep keep;
    bool kept; /* all so far */
};

static int32_t read_commit(void *arg, const struct commit *commit, trading_error *error)
{
    struct reading *reading = arg;
    trading_engine *engine = reading->engine;
    struct message_reader messages;
    struct message message;
    if (commit->first_position >= reading->end)
        return JOURNAL_STOP;
    message_reader_begin(&messages, commit);
    while (message_reader_next(&messages, &message)) {
        if (message.to != engine->partition || message.event.position < reading->scan->from)
            continue;
        reading->kept = reading->keep(&engine->mail, &message);
        if (!reading->kept)
            return JOURNAL_STOP;
        if (engine->letters.memory)
            atomic_fetch_add_explicit(&engine->letters.read, 1, memory_order_relaxed);
    }
    if (messages.reader.bad) /* a commit that was proven */
        return error_set(error, TRADING_E_DAMAGED, "the messages of partition %u at position %" PRId64 " cannot be read",
                         commit->partition, commit->first_position);
    reading->scan->reached = commit_end(commit);
    return TRADING_OK;
}

int32_t engine_read_mail(trading_engine *engine, uint32_t sender, struct mail_scan *scan, int64_t end, mail_keep keep,
                         bool *kept, trading_error *error)
{
    struct journal journal = {.ops = engine->ops, .store = engine->store, .partition = sender, .memory = &engine->memory};
    struct reading reading = {.engine = engine, .scan = scan, .end = end, .keep = keep, .kept = true};
    int32_t code = scan->from < end ? journal_walk(&journal, scan->from, read_commit, &reading, error) : TRADING_OK;
    *kept = reading.kept;
    return code;
}

/* ---- filling a box that is behind ---- */

static bool refill_one(struct mail *mail, const struct message *message)
{
    pthread_mutex_lock(&mail->mutex);
    bool kept = add(mail, &mail->boxes[message->from], message);
    pthread_mutex_unlock(&mail->mutex);
    return kept;
}

static void begin_refill(trading_engine *engine, uint32_t sender, struct mail_scan *scan)
{
    struct mailbox *box = &engine->mail.boxes[sender];
    int64_t received = domain_peer(&engine->domain, sender)->received;
    pthread_mutex_lock(&engine->mail.mutex);
    box->count = 0;
    box->missed = false;
    scan->from = scan->reached = received > box->scanned ? received : box->scanned;
    scan->losses = box->losses;
    pthread_mutex_unlock(&engine->mail.mutex);
}

/* What was not put meanwhile may be behind what was read: then the journal is looked at once more. */
static void end_refill(struct mail *mail, uint32_t sender, const struct mail_scan *scan, bool whole)
{
    struct mailbox *box = &mail->boxes[sender];
    pthread_mutex_lock(&mail->mutex);
    bool lost = box->losses != scan->losses;
    box->behind = !whole || lost || box->missed;
    if (!lost)
        box->scanned = scan->reached;
    pthread_mutex_unlock(&mail->mutex);
}

/* Fills the sender's box, which is empty, from its journal, as far as that is durable. While the box is behind nobody else puts letters there. */
static int32_t refill(trading_engine *engine, uint32_t sender, trading_error *error)
{
    struct mail_scan scan;
    bool kept;
    begin_refill(engine, sender, &scan);
    int64_t end = engine->partitions ? engine_durable(engine->partitions->at[sender]) : INT64_MAX;
    int32_t code = engine_read_mail(engine, sender, &scan, end, refill_one, &kept, error);
    end_refill(&engine->mail, sender, &scan, kept && !code);
    return code;
}

/* ---- the receiver ---- */

static bool take(struct mail *mail, uint32_t sender, struct message *message, bool *behind)
{
    pthread_mutex_lock(&mail->mutex);
    struct mailbox *box = &mail->boxes[sender];
    bool there = box->count > 0;
    if (there) {
        *message = box->letters[box->first++];
        box->count--;
    }
    *behind = box->behind;
    pthread_mutex_unlock(&mail->mutex);
    return there;
}

static void set_behind(struct mail *mail, uint32_t sender)
{
    pthread_mutex_lock(&mail->mutex);
    mail->boxes[sender].behind = true;
    pthread_mutex_unlock(&mail->mutex);
}

/* The journal of a partition that is elsewhere cannot be read: what this one decides goes on, and the next letter or look tries again. */
static int32_t put_off(trading_engine *engine, uint32_t sender, trading_error *error)
{
    host_log(engine->host, TRADING_LOG_WARNING, "the letters of partition %u wait, as its journal cannot be read: %s", sender,
             error->message);
    return error_clear(error);
}

/* Applies what a sender has sent, while the batch has room. False when something is left. */
static int32_t receive_from(trading_engine *engine, struct batch *batch, uint32_t sender, bool *left, trading_error *error)
{
    while (engine_has_room(engine, batch) && !engine->process.paused) {
        struct message message;
        bool behind;
        if (take(&engine->mail, sender, &message, &behind)) {
            enum message_turn turn = message_turn(&engine->domain, &message);
            if (turn == MESSAGE_EARLY)
                set_behind(&engine->mail, sender);
            if (turn != MESSAGE_NEXT)
                continue;
            process_message(&engine->process, &message);
            batch->entries++;
            continue;
        }
        if (!behind)
            return TRADING_OK;
        int32_t code = refill(engine, sender, error);
        if (code)
            return engine->partitions ? code : put_off(engine, sender, error);
    }
    *left = true;
    return TRADING_OK;
}

int32_t engine_receive(trading_engine *engine, struct batch *batch, trading_error *error)
{
    struct mail *mail = &engine->mail;
    bool left = false;
    if (!mail->boxes || !atomic_exchange_explicit(&mail->waits, false, memory_order_acq_rel))
        return TRADING_OK;
    for (uint32_t sender = 0; sender < mail->count; sender++) {
        if (sender == engine->partition)
            continue;
        int32_t code = receive_from(engine, batch, sender, &left, error);
        if (code)
            return code;
    }
    if (left)
        atomic_store_explicit(&mail->waits, true, memory_order_release);
    return TRADING_OK;
}
