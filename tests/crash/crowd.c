#include "crash/crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

trading_id crowd_account_key(int which)
{
    trading_id key;
    char text[32];
    int length = snprintf(text, sizeof(text), "account %d", which);
    trading_key_from_text(text, (size_t)length, &key);
    return key;
}

void crowd_meet(struct crowd *crowd)
{
    for (int i = 0; i < ACCOUNTS; i++) {
        trading_id key = crowd_account_key(i);
        trading_opened_ids(&key, &crowd->accounts[i], &crowd->portfolios[i]);
    }
}

void crowd_line(const struct crowd *crowd, uint64_t seed, int thread, int64_t number, struct line *line)
{
    char text[64];
    struct chance chance = {errand_seed(seed, thread) * 7919 + (uint64_t)number};
    chance.state = chance_next(&chance);
    line_make(&chance, crowd, line);
    if (line->command.body)
        line->command.body = &line->body;
    int length = snprintf(text, sizeof(text), "%" PRIu64 ", %d, %" PRId64, seed, thread, number);
    trading_key_from_text(text, (size_t)length, &line->command.key);
}

trading_engine_options crowd_options(uint32_t partitions)
{
    trading_engine_options options = errand_options();
    options.partitions = partitions;
    return options;
}
