#include "base_test.h"

int main(void)
{
    int failed = 0;
    failed += bytes_suite();
    failed += columns_suite();
    failed += decimal_suite();
    failed += error_suite();
    failed += fork_suite();
    failed += bell_suite();
    failed += id_suite();
    failed += memory_suite();
    failed += text_suite();
    failed += time_suite();
    failed += wide_suite();
    return failed != 0;
}
