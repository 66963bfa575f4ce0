#include "errands.h"

#include "monotonic.h"
#include "operation_read.h"
#include "output.h"
#include "record.h"
#include "run_ops.h"
#include "subcommand.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define AGAIN    INT64_C(5000000000)
#define PATIENCE INT64_C(60000000000)
#define NOTICES  256

struct errand {
    char *text;
    trading_time time;      /* that the record is to have; 0: now */
    uint32_t to;            /* a partition, or TRADING_EVERY_PARTITION */
    json_t *answers;        /* of the partitions, null where there is none yet */
    uint32_t missing;       /* how many of them */
    struct outcome outcome; /* its json is NULL until it is there */
    int64_t send_again;
    int64_t give_up;
    bool is_alone;
};

static struct errand *errand_at(struct errands *errands, size_t place)
{
    return &errands->ring[(errands->first + place) % errands->capacity];
}

static void draw_name(char name[33])
{
    uint8_t bytes[16];
    if (getentropy(bytes, sizeof bytes) != 0)
        out_of_memory();
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(name + 2 * i, 3, "%02x", bytes[i]);
}

/* ---- opening ---- */

/* Results are followed from where they end now: what is asked for comes behind. */
static int32_t follow_results(struct errands *errands, trading_error *error)
{
    for (uint32_t p = 0; p < errands->partitions; p++) {
        int64_t end;
        int32_t code = trading_bus_end(errands->bus, errands->wire.results, p, &end, error);
        if (code == TRADING_OK)
            code = trading_bus_follow(errands->bus, errands->wire.results, p, end, error);
        if (code != TRADING_OK)
            return code;
    }
    return TRADING_OK;
}

/* Requests on their way are for the partitions that there were. */
static int32_t find_partitions(struct errands *errands, trading_error *error)
{
    uint32_t count;
    int32_t code = trading_bus_partitions(errands->bus, errands->wire.commands, &count, error);
    if (code == TRADING_E_NOT_FOUND)
        error->flags |= TRADING_ERROR_RETRYABLE; /* whoever serves makes them */
    if (code != TRADING_OK)
        return code;
    if (errands->partitions && errands->partitions != count) {
        *error = (trading_error){.code = TRADING_E_INVALID, .flags = TRADING_ERROR_FATAL};
        snprintf(error->message, sizeof error->message, "\"%s\" has %" PRIu32 " partitions now, not %" PRIu32,
                 errands->wire.commands, count, errands->partitions);
        return error->code;
    }
    errands->partitions = count;
    return TRADING_OK;
}

static void close_bus(struct errands *errands)
{
    trading_bus_close(errands->bus);
    errands->bus = NULL;
}

static int32_t open_bus(struct errands *errands, trading_error *error)
{
    int32_t code = trading_bus_open(&errands->bus, errands->host, errands->uri, NULL, error);
    if (code == TRADING_OK)
        code = find_partitions(errands, error);
    if (code == TRADING_OK)
        code = follow_results(errands, error);
    if (code != TRADING_OK)
        close_bus(errands);
    return code;
}

int32_t errands_open(struct errands *errands, trading_host *host, const struct errands_options *options, trading_error *error)
{
    *errands = (struct errands){.host = host,
                                .uri = strdup(options->bus),
                                .capacity = options->pipeline,
                                .again = options->again ? options->again : AGAIN,
                                .patience = options->patience ? options->patience : PATIENCE};
    errands->ring = calloc(errands->capacity, sizeof *errands->ring);
    if (!errands->ring || !errands->uri)
        out_of_memory();
    parcels_init(&errands->outgoing);
    draw_name(errands->name);
    wire_init(&errands->wire, options->prefix);
    int32_t code = open_bus(errands, error);
    if (code != TRADING_OK)
        errands_close(errands);
    return code;
}

static void drop(struct errand *errand)
{
    free(errand->text);
    json_decref(errand->answers);
    json_decref(errand->outcome.json);
    *errand = (struct errand){0};
}

void errands_close(struct errands *errands)
{
    for (size_t i = 0; i < errands->count; i++)
        drop(errand_at(errands, i));
    parcels_free(&errands->outgoing);
    close_bus(errands);
    free(errands->ring);
    free(errands->uri);
    *errands = (struct errands){0};
}

/* ---- sending ---- */

static void send_to(struct errands *errands, const struct errand *errand, uint64_t number, uint32_t partition)
{
    char correlation[80];
    snprintf(correlation, sizeof correlation, "%s/%" PRIu64 "/%" PRIu32, errands->name, number, partition);
    const trading_bus_header header = wire_text_header(WIRE_CORRELATION, correlation);
    const trading_bus_record record = {.topic = errands->wire.commands,
                                       .partition = partition,
                                       .time = errand->time,
                                       .value = errand->text,
                                       .value_size = strlen(errand->text),
                                       .headers = &header,
                                       .header_count = 1};
    parcels_add(&errands->outgoing, parcel_copy(&record));
}

/* Sends it to those of its partitions that have not answered. */
static void send(struct errands *errands, struct errand *errand, uint64_t number)
{
    for (uint32_t p = 0; p < errands->partitions; p++)
        if ((errand->to == p || errand->to == TRADING_EVERY_PARTITION) && json_is_null(json_array_get(errand->answers, p)))
            send_to(errands, errand, number, p);
    errand->send_again = monotonic_now() + errands->again;
}

static void give_up(struct errand *errand)
{
    const trading_error error = {.code = TRADING_E_TIMEOUT,
                                 .message =
                                     "nobody answered in time; it may be done all the same: send it again under the same key"};
    errand->outcome = operation_failed(&error);
}

/* While the bus does not take what was sent before, nothing is sent again. */
static void send_what_is_due(struct errands *errands)
{
    int64_t time = monotonic_now();
    bool is_stuck = errands->outgoing.count > 0;
    for (size_t i = 0; i < errands->count; i++) {
        struct errand *errand = errand_at(errands, i);
        if (errand->outcome.json)
            continue;
        if (time >= errand->give_up)
            give_up(errand);
        else if (time >= errand->send_again && !is_stuck)
            send(errands, errand, errands->number + i);
    }
}

/* ---- taking lines ---- */

bool errands_has_room(const struct errands *errands)
{
    return errands->count < errands->capacity && !(errands->is_alone && errands->count > 0);
}

static struct errand *add(struct errands *errands)
{
    struct errand *errand = errand_at(errands, errands->count++);
    *errand = (struct errand){.give_up = monotonic_now() + errands->patience, .answers = new_array()};
    errands->is_alone = false;
    return errand;
}

/* Takes the member out that is the record's, and not the request's. */
static bool take_time(void *context, json_t *document, struct complaint *complaint)
{
    trading_time *time = context;
    const json_t *member = json_object_get(document, "time");
    const char *text = json_string_value(member);
    if (!member)
        return true;
    if (!text || trading_time_parse(text, strlen(text), time) != TRADING_OK) {
        complaint->reason = TRADING_REASON_BAD_REQUEST;
        complaint->key = "time";
        snprintf(complaint->message, sizeof complaint->message, "time: is not a time such as \"2013-03-01T14:30:00Z\"");
        return false;
    }
    json_object_del(document, "time");
    return true;
}

/* A command that is sent again must be known again. */
static void complete_key(struct parsed_line *parsed)
{
    char key[33];
    trading_command *command = &parsed->request.command;
    if (parsed->request.op != OP_COMMAND || !trading_id_is_zero(&command->key))
        return;
    draw_name(key);
    put_text(parsed->document, "key", key);
    trading_key_from_text(key, strlen(key), &command->key);
}

void errands_refuse(struct errands *errands, const struct complaint *complaint)
{
    add(errands)->outcome = operation_complaint(complaint);
}

void errands_take(struct errands *errands, const char *line, size_t length, size_t number)
{
    struct parsed_line parsed;
    struct complaint complaint;
    trading_time time = 0;
    if (!wire_fits(length, &complaint) || !run_parse(&parsed, line, length, take_time, &time, &complaint)) {
        complaint.line = number;
        errands_refuse(errands, &complaint);
        return;
    }
    complete_key(&parsed);
    struct errand *errand = add(errands);
    errand->time = time;
    errand->text = output_text(parsed.document);
    errand->to = wire_partition(&parsed.request, errands->partitions);
    if (errand->to == TRADING_ANY_PARTITION)
        errand->to = 0;
    errand->missing = errand->to == TRADING_EVERY_PARTITION ? errands->partitions : 1;
    for (uint32_t p = 0; p < errands->partitions; p++)
        append(errand->answers, json_null());
    errands->is_alone = errand->is_alone = run_is_alone(&parsed.request) || errand->missing > 1;
    run_parse_release(&parsed);
}

/* ---- answers ---- */

/* The first answer that is a refusal, or NULL. */
static json_t *first_refusal(const json_t *answers)
{
    size_t index;
    json_t *answer;
    json_array_foreach(answers, index, answer)
    {
        if (!json_is_true(json_object_get(answer, "ok")))
            return answer;
    }
    return NULL;
}

/* The list that each answer has under the key, one behind the other. */
static json_t *chain(const json_t *answers, const char *key)
{
    json_t *list = new_array();
    size_t index;
    json_t *answer;
    json_array_foreach(answers, index, answer)
    {
        if (json_array_extend(list, json_object_get(answer, key)) != 0)
            out_of_memory();
    }
    return list;
}

/* One answer out of those of all partitions: of lists one list, of anything else each by itself. */
static json_t *join(json_t *answers)
{
    static const char *const lists[] = {"accounts", "quotes"};
    json_t *refusal = first_refusal(answers);
    if (refusal || json_array_size(answers) == 1)
        return json_incref(refusal ? refusal : json_array_get(answers, 0));
    json_t *joined = new_object();
    put(joined, "ok", json_true());
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        if (json_object_get(json_array_get(answers, 0), lists[i])) {
            put(joined, lists[i], chain(answers, lists[i]));
            return joined;
        }
    put(joined, "partitions", json_incref(answers));
    return joined;
}

static int code_of(const json_t *result)
{
    return json_is_true(json_object_get(result, "ok")) ? EXIT_DONE : EXIT_REFUSED;
}

static void finish(struct errand *errand)
{
    json_t *result = errand->to == TRADING_EVERY_PARTITION ? join(errand->answers)
                                                           : json_incref(json_array_get(errand->answers, errand->to));
    errand->outcome = (struct outcome){result, code_of(result)};
}

/* Reads "name/number/partition" of this client; false when it is another's, or of no errand that waits. */
static bool read_correlation(const struct errands *errands, const trading_bus_record *record, uint64_t *place,
                             uint32_t *partition)
{
    char text[80];
    char *end = text;
    const trading_bus_header *header = wire_header(record, WIRE_CORRELATION);
    size_t name = strlen(errands->name);
    if (!header || header->size >= sizeof text || header->size <= name || memcmp(header->value, errands->name, name) != 0)
        return false;
    memcpy(text, header->value, (size_t)header->size);
    text[header->size] = '\0';
    uint64_t number = strtoull(text + name + 1, &end, 10);
    if (text[name] != '/' || *end != '/' || number < errands->number)
        return false;
    *place = number - errands->number;
    *partition = (uint32_t)strtoul(end + 1, NULL, 10);
    return *place < errands->count && *partition < errands->partitions;
}

static void take_answer(struct errands *errands, const trading_bus_record *record)
{
    uint64_t place;
    uint32_t partition;
    if (!read_correlation(errands, record, &place, &partition))
        return;
    struct errand *errand = errand_at(errands, (size_t)place);
    if (errand->outcome.json || !json_is_null(json_array_get(errand->answers, partition)))
        return;
    json_t *answer = json_loadb(record->value, (size_t)record->value_size, 0, NULL);
    if (!answer)
        return;
    json_array_set_new(errand->answers, partition, answer);
    if (--errand->missing == 0)
        finish(errand);
}

/* A bus that is of no more use, or where the results have gone on without us, is opened anew by whoever works next. */
static void leave_bus(struct errands *errands, trading_error *error)
{
    if (error->code != TRADING_E_POSITION && !(error->flags & TRADING_ERROR_FATAL))
        return;
    close_bus(errands);
    error->flags &= ~TRADING_ERROR_FATAL;
}

static int32_t exchange(struct errands *errands, int64_t timeout, trading_error *error)
{
    trading_bus_notice notices[NOTICES];
    size_t count = 0;
    int32_t code = parcels_publish(&errands->outgoing, errands->bus, error);
    if (code == TRADING_OK)
        code = trading_bus_poll(errands->bus, notices, NOTICES, &count, timeout, error);
    for (size_t i = 0; i < count; i++)
        if (notices[i].kind == TRADING_BUS_RECORD)
            take_answer(errands, &notices[i].record);
    return code == TRADING_E_TIMEOUT ? TRADING_OK : code;
}

int32_t errands_work(struct errands *errands, int64_t timeout, trading_error *error)
{
    send_what_is_due(errands);
    if (!errands->bus) {
        int32_t code = open_bus(errands, error);
        if (code != TRADING_OK)
            return code;
    }
    int32_t code = exchange(errands, timeout, error);
    if (code != TRADING_OK)
        leave_bus(errands, error);
    return code;
}

bool errands_next(struct errands *errands, struct outcome *outcome)
{
    struct errand *errand = errand_at(errands, 0);
    if (!errands->count || !errand->outcome.json)
        return false;
    *outcome = errand->outcome;
    errand->outcome.json = NULL;
    drop(errand);
    errands->first = (errands->first + 1) % errands->capacity;
    errands->count--;
    errands->number++;
    return true;
}
