#include "state_test.h"

int main(void)
{
    int failed = 0;
    failed += tables_suite();
    failed += model_suite();
    failed += pins_suite();
    failed += index_suite();
    failed += checkpoint_suite();
    failed += checkpoint_damage_suite();
    failed += snapshot_suite();
    failed += increment_suite();
    return failed != 0;
}
