#include "base/fork.h"
#include "base_test.h"

#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

/* Whether the guard holds in a child, or, `deep`, in the child of a child. */
static bool holds_in_child(const struct fork_guard *guard, bool deep)
{
    pid_t child = fork();
    if (child == 0)
        _exit(deep ? holds_in_child(guard, false) : fork_guard_holds(guard));
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) != 0;
}

static void a_guard_holds_in_its_process_alone(void **state)
{
    (void)state;
    struct fork_guard guard;
    fork_guard_open(&guard);
    assert_non_null(guard.alive);
    assert_true(fork_guard_holds(&guard));
    assert_false(holds_in_child(&guard, false));
    assert_false(holds_in_child(&guard, true));
    assert_true(fork_guard_holds(&guard));
    fork_guard_close(&guard);
}

static void without_a_page_processes_are_compared(void **state)
{
    (void)state;
    struct fork_guard guard = {.process = getpid()};
    assert_true(fork_guard_holds(&guard));
    assert_false(holds_in_child(&guard, false));
    assert_false(holds_in_child(&guard, true));
    fork_guard_close(&guard);
}

int fork_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guard_holds_in_its_process_alone),
        cmocka_unit_test(without_a_page_processes_are_compared),
    };
    return cmocka_run_group_tests_name("fork", tests, NULL, NULL);
}
