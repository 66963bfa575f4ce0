#include "replay_record.h"

#include "output.h"
#include "record.h"

static json_t *quote_document(const trading_set_quote *quote)
{
    json_t *document = new_object();
    put_text(document, "op", "quote");
    put_text(document, "symbol", quote->symbol.text);
    put_text(document, "currency", quote->currency.text);
    put_quantity(document, "bid", quote->bid);
    put_quantity(document, "ask", quote->ask);
    put_size(document, "bid_size", quote->bid_size);
    put_size(document, "ask_size", quote->ask_size);
    return document;
}

static json_t *session_document(void)
{
    json_t *document = new_object();
    put_text(document, "op", "end_session");
    return document;
}

static json_t *document_of(const struct step *step, const json_t *document, const trading_set_quote *quote)
{
    if (step->kind == STEP_QUOTE)
        return quote_document(quote);
    json_t *made = step->kind == STEP_SESSION ? session_document() : json_deep_copy(document);
    if (!made)
        out_of_memory();
    return made;
}

void replay_record(FILE *out, const struct step *step, const json_t *document, const trading_set_quote *quote)
{
    char key[2 * sizeof step->key.bytes + 2] = "=";
    json_t *line = document_of(step, document, quote);
    for (size_t i = 0; i < sizeof step->key.bytes; i++)
        snprintf(key + 1 + 2 * i, 3, "%02x", step->key.bytes[i]);
    put_time(line, "time", step->time);
    put_text(line, "key", key);
    if (!json_object_get(line, "correlation"))
        put_text(line, "correlation", REPLAY_CORRELATION);
    output_json(out, line);
    json_decref(line);
}
