#include "reference_options.h"

#include <stdio.h>
#include <string.h>

static void set_defaults(struct reference *reference)
{
    *reference = (struct reference){.on = true,
                                    .portfolio_topic = "InboundPortfolioEventTopic",
                                    .portfolio_group = "AccountGrp",
                                    .account_topic = "InboundAccountEventTopic",
                                    .order_topic = "OutboundTradeOrderEventTopic",
                                    .answer_topic = "InboundTradeOrderEventTopic",
                                    .answer_group = "TradeOrderGrp",
                                    .currency = "USD",
                                    .retry = INT64_C(100000000)};
}

/* Sets "name=value"; false when there is no such name, or the value does not fit. */
static bool set_option(struct reference *reference, const char *text, size_t length)
{
    const struct {
        const char *name;
        char *value;
        size_t bytes;
    } options[] = {
        {"portfolio_topic", reference->portfolio_topic, WIRE_TOPIC_BYTES},
        {"portfolio_group", reference->portfolio_group, WIRE_TOPIC_BYTES},
        {"account_topic", reference->account_topic, WIRE_TOPIC_BYTES},
        {"order_topic", reference->order_topic, WIRE_TOPIC_BYTES},
        {"answer_topic", reference->answer_topic, WIRE_TOPIC_BYTES},
        {"answer_group", reference->answer_group, WIRE_TOPIC_BYTES},
        {"currency", reference->currency, sizeof reference->currency},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        size_t name = strlen(options[i].name);
        if (length <= name + 1 || strncmp(text, options[i].name, name) != 0 || text[name] != '=')
            continue;
        size_t size = length - name - 1;
        if (size >= options[i].bytes)
            return false;
        memset(options[i].value, 0, options[i].bytes);
        memcpy(options[i].value, text + name + 1, size);
        return true;
    }
    return false;
}

bool reference_init(struct reference *reference, const char *text, char *complaint, size_t bytes)
{
    static const char name[] = "reference";
    size_t length = strlen(name);
    set_defaults(reference);
    if (strncmp(text, name, length) != 0 || (text[length] != '\0' && text[length] != '?')) {
        snprintf(complaint, bytes, "\"%s\" is no system that there is a bridge to; reference is", text);
        return false;
    }
    for (const char *at = text[length] ? text + length + 1 : ""; *at;) {
        size_t size = strcspn(at, "&");
        if (!set_option(reference, at, size)) {
            snprintf(complaint, bytes, "\"%.*s\" is no option of it; docs/compat.md lists them", (int)size, at);
            return false;
        }
        at += size + (at[size] == '&');
    }
    return true;
}

int32_t reference_make_topics(const struct reference *reference, trading_bus *bus, uint32_t partitions, trading_error *error)
{
    const char *const topics[] = {reference->portfolio_topic, reference->account_topic, reference->order_topic,
                                  reference->answer_topic};
    for (size_t i = 0; i < sizeof topics / sizeof topics[0]; i++) {
        uint32_t there;
        int32_t code = trading_bus_partitions(bus, topics[i], &there, error);
        if (code == TRADING_E_NOT_FOUND)
            code = trading_bus_topic(bus, topics[i], partitions, 0, error);
        if (code != TRADING_OK)
            return code;
    }
    return TRADING_OK;
}
