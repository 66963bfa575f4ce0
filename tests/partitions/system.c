#include "partitions/system.h"

#include "base/id.h"
#include "engine/replay.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#define BODY_BYTES 131072u /* so little that work pauses */
#define COLLAR     50000

/* ---- a partition ---- */

static void open_domain(struct system *system, struct partition *partition)
{
    trading_error error;
    if (domain_open(&partition->domain, &system->memory, 1 << 20, &error) || domain_found(&partition->domain, &error))
        fail("%s", error.message);
    partition->domain.place = (struct partitioning){.partition = partition->number, .partitions = system->partitions};
}

void system_open(struct system *system, uint32_t partitions)
{
    *system = (struct system){.partitions = partitions, .now = 1};
    memory_init(&system->memory);
    for (uint32_t i = 0; i < partitions; i++) {
        system->at[i].number = i;
        system->at[i].buffer = malloc(BODY_BYTES);
        open_domain(system, &system->at[i]);
    }
}

void system_close(struct system *system)
{
    for (uint32_t i = 0; i < system->partitions; i++) {
        struct partition *partition = &system->at[i];
        for (size_t k = 0; k < partition->commit_count; k++)
            free(partition->commits[k].body);
        free(partition->commits);
        free(partition->buffer);
        domain_close(&partition->domain);
    }
}

struct partition *system_of_id(struct system *system, const trading_id *id)
{
    return &system->at[id_slot(id) % system->partitions];
}

struct partition *system_of_symbol(struct system *system, const trading_symbol *symbol)
{
    return &system->at[system->partitions == 1 ? 0 : symbol_slot(symbol) % system->partitions];
}

static void begin(struct system *system, struct partition *partition)
{
    if (partition->open)
        return;
    const struct mark_record *mark = domain_mark(&partition->domain);
    partition->out = (struct writer){.at = partition->buffer, .end = partition->buffer + BODY_BYTES};
    partition->entries = 0;
    partition->process = (struct process){.domain = &partition->domain,
                                          .out = &partition->out,
                                          .now = ++system->now,
                                          .next_position = mark->next_position,
                                          .collar = COLLAR};
    if (!tables_begin(partition->domain.tables))
        fail("no stage");
    partition->open = true;
}

static void check_process(const struct partition *partition)
{
    if (partition->process.broken)
        fail("partition %u, event %lld: %s", partition->number, (long long)partition->process.next_position - 1,
             partition->process.broken);
    if (domain_failed(&partition->domain) || partition->out.full)
        fail("partition %u: no room", partition->number);
}

/* A batch with room for another entry. */
static void make_room(struct system *system, struct partition *partition)
{
    begin(system, partition);
    for (;;) {
        bool full = (size_t)(partition->out.end - partition->out.at) < PROCESS_COMMAND_BYTES;
        if (!full && !process_has_work(&partition->domain))
            return;
        if (!full && partition->entries == 0)
            partition_continue(system, partition);
        partition_commit(system, partition);
        begin(system, partition);
    }
}

bool partition_continue(struct system *system, struct partition *partition)
{
    begin(system, partition);
    if (!process_has_work(&partition->domain))
        return false;
    if (partition->entries) { /* work goes on in the next commit, as its first entry */
        partition_commit(system, partition);
        begin(system, partition);
    }
    process_continue(&partition->process);
    partition->entries++;
    check_process(partition);
    return true;
}

static void keep(struct partition *partition, const struct commit *header)
{
    if (partition->commit_count == partition->commit_room) {
        partition->commit_room = partition->commit_room ? partition->commit_room * 2 : 64;
        partition->commits = realloc(partition->commits, partition->commit_room * sizeof *partition->commits);
    }
    struct kept_commit *kept = &partition->commits[partition->commit_count++];
    size_t size = (size_t)(partition->out.at - partition->buffer);
    kept->body = malloc(size);
    memcpy(kept->body, partition->buffer, size);
    kept->header = *header;
    kept->header.body = kept->body;
    kept->header.body_size = size;
}

void partition_commit(struct system *system, struct partition *partition)
{
    (void)system;
    if (!partition->open)
        return;
    struct process *process = &partition->process;
    struct mark_record *mark = domain_edit_mark(&partition->domain);
    check_process(partition);
    if (!ledgers_balance(&partition->domain.accounts))
        fail("partition %u does not balance", partition->number);
    if (process->next_position > mark->next_position) {
        struct commit header = {.partition = partition->number,
                                .entries = partition->entries,
                                .events = (uint32_t)(process->next_position - mark->next_position),
                                .first_position = mark->next_position,
                                .time = process->now};
        keep(partition, &header);
        mark->next_position = process->next_position;
        mark->time = process->now;
        mark->commits++;
    }
    tables_install(partition->domain.tables);
    partition->open = false;
}

void partition_crash(struct system *system, struct partition *partition)
{
    (void)system;
    domain_discard(&partition->domain);
    partition->open = false;
}

/* ---- the same again from the journal ---- */

static int32_t hash_page(void *arg, uint32_t id, uint32_t page, const void *image, uint32_t bytes, trading_error *error)
{
    (void)error;
    crypto_generichash_state *state = arg;
    crypto_generichash_update(state, (const uint8_t *)&id, sizeof id);
    crypto_generichash_update(state, (const uint8_t *)&page, sizeof page);
    crypto_generichash_update(state, image, bytes);
    return TRADING_OK;
}

static void hash_domain(const struct domain *domain, uint8_t hash[32])
{
    crypto_generichash_state state;
    crypto_generichash_init(&state, NULL, 0, 32);
    struct pin *pin = tables_pin(domain->tables);
    if (tables_pages(domain->tables, pin, true, hash_page, &state, NULL))
        fail("the pages of a state cannot be walked");
    tables_unpin(pin);
    crypto_generichash_final(&state, hash, 32);
}

void partition_reopen(struct system *system, struct partition *partition)
{
    uint8_t before[32];
    uint8_t after[32];
    partition_crash(system, partition);
    hash_domain(&partition->domain, before);
    domain_close(&partition->domain);
    open_domain(system, partition);
    for (size_t i = 0; i < partition->commit_count; i++) {
        trading_error error;
        if (replay_commit(&partition->domain, &partition->commits[i].header, &error))
            fail("%s", error.message);
    }
    hash_domain(&partition->domain, after);
    if (memcmp(before, after, sizeof before) != 0)
        fail("partition %u is not what its journal makes", partition->number);
}

/* ---- commands ---- */

/* What a router knows of another partition's book: as it is durable. */
static struct stamp stamp_of(struct system *system, const trading_command *command)
{
    struct stamp stamp = {0};
    if (command->type != TRADING_COMMAND_PLACE_ORDER)
        return stamp;
    const trading_place_order *body = command->body;
    struct partition *book = system_of_symbol(system, &body->symbol);
    struct instrument_record instrument;
    uint32_t number;
    if (instrument_read(&book->domain.market, &body->symbol, NULL, &number, &instrument) == TABLE_FOUND)
        stamp = (struct stamp){.currency = instrument.currency, .ask = instrument.ask};
    return stamp;
}

trading_result system_command(struct system *system, struct partition *partition, const trading_command *command)
{
    make_room(system, partition);
    const struct named nobody_looked = {0};
    struct request request = {
        .command = command, .cause = {.type = command->type, .key = command->key}, .foreseen = &nobody_looked};
    struct rejection why = {0};
    trading_result result = {.status = TRADING_STATUS_REJECTED};
    request.stamp = stamp_of(system, command);
    bool known = process_locate(&partition->domain, &request, &why);
    if (!known || !process_command(&partition->process, &request, &result, &why)) {
        result.reason = why.reason;
        return result;
    }
    partition->entries++;
    check_process(partition);
    return result;
}

/* ---- messages ---- */

bool system_message(const struct system *system, const struct partition *from, const struct partition *to, size_t ahead,
                    struct message *message)
{
    (void)system;
    int64_t received = domain_peer(&to->domain, from->number)->received;
    for (size_t i = 0; i < from->commit_count; i++) {
        const struct commit *header = &from->commits[i].header;
        if (commit_end(header) <= received)
            continue;
        struct message_reader messages;
        message_reader_begin(&messages, header);
        while (message_reader_next(&messages, message))
            if (message->to == to->number && message->event.position >= received && ahead-- == 0)
                return true;
        if (messages.reader.bad)
            fail("the messages of a commit cannot be read");
    }
    return false;
}

enum message_turn system_deliver(struct system *system, struct partition *to, const struct message *message)
{
    make_room(system, to);
    enum message_turn turn = message_turn(&to->domain, message);
    if (turn == MESSAGE_NEXT) {
        process_message(&to->process, message);
        to->entries++;
        check_process(to);
    }
    return turn;
}

static bool deliver_all(struct system *system, struct partition *from, struct partition *to)
{
    struct message message;
    bool any = false;
    while (from != to && system_message(system, from, to, 0, &message)) {
        if (system_deliver(system, to, &message) != MESSAGE_NEXT)
            fail("a message is out of turn");
        any = true;
    }
    return any;
}

void system_settle(struct system *system)
{
    bool busy = true;
    while (busy) {
        busy = false;
        for (uint32_t i = 0; i < system->partitions; i++) {
            busy |= partition_continue(system, &system->at[i]);
            partition_commit(system, &system->at[i]);
        }
        for (uint32_t i = 0; i < system->partitions * system->partitions; i++)
            busy |= deliver_all(system, &system->at[i / system->partitions], &system->at[i % system->partitions]);
    }
}
