/* One writer, or one reader, of a Cassandra store, as a process that faults happen to.
 *
 *      appender PLUGIN LOCATION append WRITER BYTES     appends until its standard input ends; a line for each commit
 *      appender PLUGIN LOCATION dump                    a line for each commit that there is: its position, writer and number
 *
 * The commits of a writer are numbered from 1. Lines of `append`: "ok POSITION NUMBER"; "lost POSITION" when another writer was
 * faster; "unknown POSITION NUMBER" when the store could not tell, and then "was" or "was-not" with the same, once the journal tells;
 * "failed CODE" when nothing was appended. */
#include "plugin_store.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct writer {
    const trading_store_ops *ops;
    void *store;
    uint64_t name;
    uint64_t number;
    size_t size;
    uint8_t *bytes;
};

static bool told_to_stop(void)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, 0) > 0;
}

static void say(const char *what, int64_t position, uint64_t number)
{
    printf("%s %lld %llu\n", what, (long long)position, (unsigned long long)number);
    fflush(stdout);
}

/* ---- reading ---- */

static void read_nonce(const trading_store_commit *commit, uint64_t words[2])
{
    memcpy(words, commit->nonce.bytes, sizeof commit->nonce.bytes);
}

/* The first eight bytes repeat the number, so that bytes of another commit would be seen. */
static int32_t dump_commit(void *arg, const trading_store_commit *commit)
{
    uint64_t words[2];
    uint64_t number;
    (void)arg;
    read_nonce(commit, words);
    memcpy(&number, commit->data, sizeof number);
    printf("%lld %lld %llu %llu %s\n", (long long)commit->first_position, (long long)commit->event_count,
           (unsigned long long)words[0], (unsigned long long)words[1], number == words[1] ? "whole" : "wrong");
    return 0;
}

struct seeking {
    const struct writer *writer;
    bool found;
};

static int32_t seek_commit(void *arg, const trading_store_commit *commit)
{
    struct seeking *seeking = arg;
    uint64_t words[2];
    read_nonce(commit, words);
    seeking->found = words[0] == seeking->writer->name && words[1] == seeking->writer->number;
    return 1;
}

/* ---- writing ---- */

/* Reads the journal until it answers, to learn what the store could not tell. */
static void learn(const struct writer *writer, int64_t position, trading_store_head *head)
{
    struct seeking seeking = {.writer = writer};
    trading_error error;
    while (writer->ops->head(writer->store, 0, head, &error) ||
           (head->next_position > position && writer->ops->read(writer->store, 0, position, seek_commit, &seeking, &error)))
        usleep(100000);
    say(seeking.found ? "was" : "was-not", position, writer->number);
}

static bool append_one(struct writer *writer, trading_store_head *head)
{
    int64_t position = head->next_position;
    uint64_t words[2] = {writer->name, ++writer->number};
    trading_store_commit commit = {.first_position = position, .event_count = 1, .data = writer->bytes, .size = writer->size};
    trading_error error = {0};
    memcpy(commit.nonce.bytes, words, sizeof words);
    memcpy(writer->bytes, &writer->number, sizeof writer->number);
    int32_t code = writer->ops->append(writer->store, 0, &commit, 1, head, &error);
    if (code == TRADING_OK) {
        say("ok", position, writer->number);
    } else if (code == TRADING_E_POSITION) {
        say("lost", position, writer->number);
    } else if (code == TRADING_E_OUTCOME_UNKNOWN) {
        say("unknown", position, writer->number);
        learn(writer, position, head);
    } else {
        fprintf(stderr, "%s\n", error.message);
        say("failed", code, writer->number);
        return code == TRADING_E_IO;
    }
    return true;
}

static int append_all(struct writer *writer)
{
    trading_store_head head;
    trading_error error = {0};
    writer->bytes = calloc(1, writer->size);
    if (!writer->bytes || writer->ops->head(writer->store, 0, &head, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    bool going = true;
    while (going && !told_to_stop())
        going = append_one(writer, &head);
    free(writer->bytes);
    return going ? 0 : 1;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s PLUGIN LOCATION append WRITER BYTES | dump\n", argv[0]);
        return 2;
    }
    struct writer writer = {.ops = plugin_store(argv[1])};
    bool appends = strcmp(argv[3], "append") == 0;
    writer.store = (appends ? plugin_store_await : plugin_store_open)(writer.ops, argv[2]);
    writer.name = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
    writer.size = argc > 5 ? strtoull(argv[5], NULL, 10) : 100;
    trading_error error = {0};
    int failed;
    if (appends)
        failed = append_all(&writer);
    else
        failed = writer.ops->read(writer.store, 0, 0, dump_commit, NULL, &error) != TRADING_OK;
    if (error.code)
        fprintf(stderr, "%s\n", error.message);
    writer.ops->close(writer.store);
    return failed;
}
