#include "view_test.h"

int main(void)
{
    int failed = view_now_suite();
    failed += view_list_suite();
    failed += view_past_suite();
    failed += view_snapshots_suite();
    failed += view_history_suite();
    failed += view_profile_suite();
    failed += view_verify_suite();
    failed += view_thread_suite();
    return failed != 0;
}
