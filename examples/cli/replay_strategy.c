#include "replay_strategy.h"

#include "record.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES 32
#define NAME_RULE  "1 to 32 letters, digits, - and _"

/* A line while it is read. */
struct preparing {
    const struct strategy *strategy;
    struct strategy_line *line;
    bool checking; /* before the run: ids are not known yet */
};

__attribute__((format(printf, 3, 4))) static bool refuse(struct complaint *complaint, const char *key, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(complaint->message, sizeof complaint->message, format, arguments);
    va_end(arguments);
    complaint->reason = TRADING_REASON_BAD_REQUEST;
    complaint->key = key;
    return false;
}

static bool read_date(struct preparing *preparing, const json_t *document, struct complaint *complaint)
{
    const json_t *date = json_object_get(document, "date");
    const struct strategy *strategy = preparing->strategy;
    struct strategy_line *line = preparing->line;
    if (!date)
        return refuse(complaint, NULL, "date: is missing; it says when, as in \"2008-09-15\"");
    if (!json_is_string(date) ||
        trading_time_parse(json_string_value(date), json_string_length(date), &line->time) != TRADING_OK)
        return refuse(complaint, "date", "date: is not one such as \"2008-09-15\" or \"2008-09-15T14:30:00Z\"");
    const struct strategy_line *before = strategy->count > 0 ? &strategy->lines[strategy->count - 1] : NULL;
    if (before && line->time < before->time)
        return refuse(complaint, "date", "date: is before that of line %zu; lines stand in order of time", before->number);
    return true;
}

static bool is_name(const char *text, size_t length)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    return length > 0 && length <= NAME_BYTES && strspn(text, allowed) >= length;
}

static bool read_as(struct preparing *preparing, const json_t *document, struct complaint *complaint)
{
    const json_t *as = json_object_get(document, "as");
    if (!as)
        return true;
    const char *name = json_string_value(as);
    if (!name || !is_name(name, json_string_length(as)))
        return refuse(complaint, "as", "as: a name is %s", NAME_RULE);
    const json_t *other = json_object_get(preparing->strategy->names, name);
    if (other)
        return refuse(complaint, "as", "as: \"%s\" is the name that line %zu gives", name,
                      preparing->strategy->lines[json_integer_value(other)].number);
    preparing->line->as = strdup(name);
    return preparing->line->as || refuse(complaint, "as", "as: there is not enough memory");
}

/* What a name means by itself: TRADING_ENTITY_, or 0 for a command that makes nothing. */
static int32_t entity_made(int32_t command)
{
    switch (command) {
    case TRADING_COMMAND_OPEN_ACCOUNT:
        return TRADING_ENTITY_ACCOUNT;
    case TRADING_COMMAND_OPEN_PORTFOLIO:
        return TRADING_ENTITY_PORTFOLIO;
    case TRADING_COMMAND_PLACE_ORDER:
        return TRADING_ENTITY_ORDER;
    default:
        return 0;
    }
}

/* A member that may be a name, and what it has to be the name of. */
static const struct nameable {
    const char *key;
    int32_t entity;
    const char *what;
} nameable[REFERENCES_MAX] = {
    {"account", TRADING_ENTITY_ACCOUNT, "an account"},
    {"portfolio", TRADING_ENTITY_PORTFOLIO, "a portfolio, such as @name.portfolio of an account's name"},
    {"order", TRADING_ENTITY_ORDER, "an order"},
    {"lot", TRADING_ENTITY_ORDER, "the order that bought the lot"},
};

/* Reads "@name" or "@name.portfolio". */
static bool find_reference(const struct strategy *strategy, const struct nameable *member, const char *text,
                           struct reference *reference, struct complaint *complaint)
{
    const char *key = member->key;
    size_t length = strcspn(text + 1, ".");
    const char *suffix = text + 1 + length;
    const json_t *index = json_object_getn(strategy->names, text + 1, length);
    if (!index)
        return refuse(complaint, key, "%s: no line before this one gives the name \"%.*s\"", key,
                      (int)(length < 40 ? length : 40), text + 1);
    reference->line = (size_t)json_integer_value(index);
    reference->entity = entity_made(strategy->lines[reference->line].command);
    if (!strcmp(suffix, ".portfolio"))
        reference->entity = TRADING_ENTITY_PORTFOLIO;
    else if (*suffix)
        return refuse(complaint, key, "%s: \"%.60s\": only .portfolio may follow a name", key, text);
    return reference->entity == member->entity ||
           refuse(complaint, key, "%s: \"%.60s\" is not the name of %s", key, text, member->what);
}

static const trading_id *id_of(const struct strategy *strategy, const struct reference *reference)
{
    const struct strategy_line *line = &strategy->lines[reference->line];
    if (reference->entity == TRADING_ENTITY_ACCOUNT)
        return &line->account;
    return reference->entity == TRADING_ENTITY_PORTFOLIO ? &line->portfolio : &line->order;
}

/* Puts ids in the place of names; any id that is well written while nothing but that is checked. */
static bool fill_in(struct preparing *preparing, json_t *document, struct complaint *complaint)
{
    static const trading_id any = {{1}};
    struct strategy_line *line = preparing->line;
    line->reference_count = 0;
    for (size_t i = 0; i < REFERENCES_MAX; i++) {
        const char *text = json_string_value(json_object_get(document, nameable[i].key));
        struct reference reference = {0};
        char id[TRADING_ID_TEXT];
        if (!text || text[0] != '@')
            continue;
        if (!find_reference(preparing->strategy, &nameable[i], text, &reference, complaint))
            return false;
        line->references[line->reference_count++] = reference;
        trading_id_format(reference.entity, preparing->checking ? &any : id_of(preparing->strategy, &reference), id);
        put_text(document, nameable[i].key, id);
    }
    return true;
}

static bool prepare(void *context, json_t *document, struct complaint *complaint)
{
    struct preparing *preparing = context;
    if (!json_is_object(document))
        return true; /* what reads the request says so */
    if (preparing->checking && (!read_date(preparing, document, complaint) || !read_as(preparing, document, complaint)))
        return false;
    /* A conflict leaves no trace in the journal, so that going on after a stop could not tell it from a line that is new. */
    if (json_object_get(document, "expected_version"))
        return refuse(complaint, "expected_version", "expected_version: a strategy does not take it");
    json_object_del(document, "date");
    json_object_del(document, "as");
    return fill_in(preparing, document, complaint);
}

static bool wrong_line(const struct strategy *strategy, const struct strategy_line *line, const struct complaint *complaint,
                       struct input_error *error)
{
    return input_wrong(error, strategy->path, line->number, complaint->column > 0 ? complaint->column : 1, "%s",
                       complaint->message);
}

bool strategy_request(const struct strategy *strategy, struct strategy_line *line, struct parsed_line *parsed,
                      struct input_error *error)
{
    struct complaint complaint;
    struct preparing preparing = {.strategy = strategy, .line = line};
    return run_parse(parsed, line->text, line->length, prepare, &preparing, &complaint) ||
           wrong_line(strategy, line, &complaint, error);
}

/* The key of a line that names none: of its text, and of how many lines before it have the same. So a line that is added or taken away
 * changes no other's key. */
static void derive_key(struct strategy_line *line, json_t *texts)
{
    char count[48];
    json_int_t before = json_integer_value(json_object_getn(texts, line->text, line->length));
    int length = snprintf(count, sizeof count, "replay line %lld ", (long long)before);
    json_object_setn_new(texts, line->text, line->length, json_integer(before + 1));
    char *whole = malloc((size_t)length + line->length);
    if (!whole)
        return;
    memcpy(whole, count, (size_t)length);
    memcpy(whole + length, line->text, line->length);
    trading_key_from_text(whole, (size_t)length + line->length, &line->key);
    free(whole);
}

/* Reads a line as far as it can be known before the run. */
static bool check_line(struct strategy *strategy, struct strategy_line *line, json_t *texts, struct input_error *error)
{
    struct complaint complaint;
    struct parsed_line parsed;
    struct preparing preparing = {.strategy = strategy, .line = line, .checking = true};
    if (!run_parse(&parsed, line->text, line->length, prepare, &preparing, &complaint))
        return wrong_line(strategy, line, &complaint, error);
    bool is_command = parsed.request.op == OP_COMMAND;
    line->command = parsed.request.command.type;
    line->key = parsed.request.command.key;
    run_parse_release(&parsed);
    if (!is_command)
        return input_wrong(error, strategy->path, line->number, 1,
                           "a strategy takes ops that change something; look at the store with `trading run` afterwards");
    if (line->as && entity_made(line->command) == 0)
        return input_wrong(error, strategy->path, line->number, 1,
                           "as: names an account, a portfolio or an order; this op makes none of them");
    if (trading_id_is_zero(&line->key))
        derive_key(line, texts);
    return !trading_id_is_zero(&line->key) || input_wrong(error, strategy->path, line->number, 1, "there is not enough memory");
}

static bool add_line(struct strategy *strategy, struct strategy_line *line, json_t *texts, struct input_error *error)
{
    if (strategy->count == strategy->capacity) {
        size_t capacity = strategy->capacity == 0 ? 64 : strategy->capacity * 2;
        struct strategy_line *lines = reallocarray(strategy->lines, capacity, sizeof *lines);
        if (!lines)
            return input_wrong(error, strategy->path, line->number, 1, "there is not enough memory");
        strategy->lines = lines;
        strategy->capacity = capacity;
    }
    bool sound = check_line(strategy, line, texts, error);
    strategy->lines[strategy->count] = *line;
    if (line->as)
        put(strategy->names, line->as, json_integer((json_int_t)strategy->count));
    strategy->count++;
    return sound;
}

static bool read_lines(struct strategy *strategy, size_t length, json_t *texts, struct input_error *error)
{
    const char *end = strategy->text + length;
    size_t number = 1;
    for (const char *at = strategy->text; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop)
            stop = end;
        struct strategy_line line = {.text = at, .length = (size_t)(stop - at), .number = number};
        if (*at != '#' && !run_is_blank(at, line.length) && !add_line(strategy, &line, texts, error))
            return false;
        at = stop + (stop < end);
    }
    return true;
}

bool strategy_read(struct strategy *strategy, const char *path, struct input_error *error)
{
    size_t length;
    *strategy = (struct strategy){.path = path, .names = new_object()};
    strategy->text = input_load(path, &length, error);
    if (!strategy->text)
        return false;
    json_t *texts = new_object();
    bool read = read_lines(strategy, length, texts, error);
    json_decref(texts);
    return read;
}

void strategy_free(struct strategy *strategy)
{
    for (size_t i = 0; i < strategy->count; i++)
        free(strategy->lines[i].as);
    free(strategy->lines);
    free(strategy->text);
    json_decref(strategy->names);
    *strategy = (struct strategy){0};
}

const struct strategy_line *strategy_missing(const struct strategy *strategy, const struct strategy_line *line)
{
    for (size_t i = 0; i < line->reference_count; i++)
        if (trading_id_is_zero(id_of(strategy, &line->references[i])))
            return &strategy->lines[line->references[i].line];
    return NULL;
}

bool strategy_is_ready(const struct strategy *strategy, const struct strategy_line *line)
{
    for (size_t i = 0; i < line->reference_count; i++)
        if (!strategy->lines[line->references[i].line].done)
            return false;
    return true;
}
