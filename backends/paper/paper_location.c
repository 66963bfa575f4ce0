/* "?quotes=SYMBOL:BID/ASK,…&pieces=N&size=SHARES&rejects=SYMBOL,…" */
#include "backends/paper/paper.h"
#include "backends/uri_options.h"
#include "base/error.h"
#include "base/text.h"

/* ---- quotes and symbols ---- */

static struct paper_quote *find_quote(const struct paper *paper, const trading_symbol *symbol)
{
    for (size_t i = 0; i < paper->quote_count; i++)
        if (!memcmp(&paper->quotes[i].symbol, symbol, sizeof *symbol))
            return &paper->quotes[i];
    return NULL;
}

int paper_set_quote(struct paper *paper, const struct paper_quote *quote)
{
    struct paper_quote *found = find_quote(paper, &quote->symbol);
    if (!found) {
        if (memory_grow(&paper->memory, (void **)&paper->quotes, &paper->quote_capacity, paper->quote_count + 1,
                        sizeof *paper->quotes))
            return -1;
        found = &paper->quotes[paper->quote_count++];
    }
    *found = *quote;
    return 0;
}

struct paper_quote paper_quote_of(const struct paper *paper, const trading_symbol *symbol)
{
    const struct paper_quote *quote = find_quote(paper, symbol);
    if (!quote)
        quote = find_quote(paper, &(trading_symbol){"*"});
    return quote ? *quote : (struct paper_quote){0};
}

bool paper_rejects(const struct paper *paper, const trading_symbol *symbol)
{
    for (size_t i = 0; i < paper->reject_count; i++)
        if (!memcmp(&paper->rejects[i], symbol, sizeof *symbol))
            return true;
    return false;
}

/* ---- options ---- */

static bool read_symbol(trading_symbol *symbol, const char *text, size_t length)
{
    if (length >= sizeof symbol->text)
        return false;
    memset(symbol, 0, sizeof *symbol);
    memcpy(symbol->text, text, length);
    return symbol_is_valid(symbol);
}

/* One element of a list: its bytes, and the struct paper that it goes to. */
typedef int32_t (*take_element)(struct paper *paper, const char *text, size_t length, trading_error *error);

static int32_t take_list(struct paper *paper, const char *list, take_element take, trading_error *error)
{
    for (;;) {
        size_t length = strcspn(list, ",");
        int32_t code = take(paper, list, length, error);
        if (code || !list[length])
            return code;
        list += length + 1;
    }
}

static int32_t take_reject(struct paper *paper, const char *text, size_t length, trading_error *error)
{
    trading_symbol symbol;
    if (!read_symbol(&symbol, text, length))
        return error_set(error, TRADING_E_SYNTAX, "rejects of a venue on paper are SYMBOL,SYMBOL");
    if (memory_grow(&paper->memory, (void **)&paper->rejects, &paper->reject_capacity, paper->reject_count + 1,
                    sizeof *paper->rejects))
        return error_no_memory(error, "what a venue on paper rejects");
    paper->rejects[paper->reject_count++] = symbol;
    return TRADING_OK;
}

static bool read_price(const char *text, size_t length, trading_decimal *price)
{
    return trading_decimal_parse(text, length, price) == TRADING_OK && *price >= 0;
}

static bool read_quote(struct paper_quote *quote, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    if (!colon)
        return false;
    const char *bid = colon + 1;
    const char *slash = memchr(bid, '/', length - (size_t)(bid - text));
    if (!slash)
        return false;
    quote->symbol = (trading_symbol){"*"};
    bool any = colon - text == 1 && text[0] == '*';
    return (any || read_symbol(&quote->symbol, text, (size_t)(colon - text))) &&
           read_price(bid, (size_t)(slash - bid), &quote->bid) &&
           read_price(slash + 1, length - (size_t)(slash + 1 - text), &quote->ask) &&
           !(quote->bid && quote->ask && quote->bid >= quote->ask);
}

static int32_t take_quote(struct paper *paper, const char *text, size_t length, trading_error *error)
{
    struct paper_quote quote;
    if (!read_quote(&quote, text, length))
        return error_set(error, TRADING_E_SYNTAX,
                         "quotes of a venue on paper are SYMBOL:BID/ASK,SYMBOL:BID/ASK, the bid below its ask, 0 for none; "
                         "the symbol * stands for any");
    return paper_set_quote(paper, &quote) ? error_no_memory(error, "a quote") : TRADING_OK;
}

static int32_t set_option(const struct uri_options *options, const char *name, const char *value, trading_error *error)
{
    struct paper *paper = options->target;
    if (strcmp(name, "quotes") == 0)
        return take_list(paper, value, take_quote, error);
    if (strcmp(name, "rejects") == 0)
        return take_list(paper, value, take_reject, error);
    if (strcmp(name, "size") != 0)
        return uri_keep_option(options, name, value, error);
    if (trading_decimal_parse(value, strlen(value), &paper->size) || paper->size < 0)
        return error_set(error, TRADING_E_SYNTAX, "size of a venue on paper is a number of shares");
    return TRADING_OK;
}

int32_t paper_read_location(struct paper *paper, const char *location, trading_error *error)
{
    static const struct uri_option kept[] = {URI_OPTION_NUMBER("pieces", struct paper, pieces, 1, 1000)};
    const struct uri_options options = {.whose = "a venue on paper",
                                        .target = paper,
                                        .kept = kept,
                                        .kept_count = sizeof kept / sizeof *kept,
                                        .set = set_option};
    if (!location[0])
        return TRADING_OK;
    if (location[0] != '?')
        return error_set(error, TRADING_E_SYNTAX, "a venue on paper is paper:?option=value&option=value");
    return uri_read_options(&options, location + 1, error);
}
