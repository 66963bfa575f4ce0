#include "state_test.h"

int main(void)
{
    int failed = 0;
    failed += ALONE(tables_suite);
    failed += ALONE(model_suite);
    failed += ALONE(index_suite);
    failed += ALONE(checkpoint_suite);
    failed += ALONE(checkpoint_damage_suite);
    failed += ALONE(snapshot_suite);
    failed += ALONE(increment_suite);
    failed += ALONE(blocks_suite);
    failed += pins_suite();
    failed += index_readers_suite();
    failed += blocks_readers_suite();
    failed += failed_to_see_threads();
    return failed != 0;
}
