/* A store that several make at once, each for a partition of its own. */
#include "cluster.h"

#include <pthread.h>

struct maker {
    struct cluster *cluster;
    pthread_barrier_t *start;
    pthread_t thread;
    uint32_t partitions;
    uint32_t partition;
    int32_t code;
};

static void *make_store(void *arg)
{
    struct maker *maker = arg;
    trading_engine *engine;
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.flags = TRADING_ENGINE_ONE_PARTITION | TRADING_ENGINE_MANUAL;
    options.partitions = maker->partitions;
    options.partition = maker->partition;
    pthread_barrier_wait(maker->start);
    maker->code = trading_engine_open(&engine, maker->cluster->host, maker->cluster->uri, &options, NULL);
    if (!maker->code)
        trading_engine_close(engine, TRADING_CLOSE_DRAIN, NULL);
    return NULL;
}

/* All that open agree on how many partitions there are; whoever asks for another number is refused. */
static void test_made_at_once(void)
{
    enum { MAKERS = 4 };
    static struct cluster cluster;
    struct maker makers[MAKERS];
    pthread_barrier_t start;
    uint32_t agreed = 0;
    cluster_open(&cluster, 0, TRADING_ENGINE_MANUAL, 1);
    pthread_barrier_init(&start, NULL, MAKERS);
    for (uint32_t i = 0; i < MAKERS; i++) {
        makers[i] = (struct maker){.cluster = &cluster, .start = &start, .partitions = i < 2 ? 2 : 3, .partition = i % 2};
        pthread_create(&makers[i].thread, NULL, make_store, &makers[i]);
    }
    for (uint32_t i = 0; i < MAKERS; i++)
        pthread_join(makers[i].thread, NULL);
    for (uint32_t i = 0; i < MAKERS; i++) {
        if (makers[i].code && makers[i].code != TRADING_E_INVALID)
            fail("a store is not made: %s", trading_error_name(makers[i].code));
        if (!makers[i].code && agreed && agreed != makers[i].partitions)
            fail("a store has two numbers of partitions");
        agreed = makers[i].code ? agreed : makers[i].partitions;
    }
    if (!agreed)
        fail("nobody made the store");
    pthread_barrier_destroy(&start);
    cluster_close(&cluster);
}

int main(void)
{
    for (int i = 0; i < 50; i++)
        test_made_at_once();
    return 0;
}
