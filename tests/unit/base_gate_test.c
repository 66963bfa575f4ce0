/* A gate opens once; who waits sees what came before, and may throw the gate away at once. */
#include "base/gate.h"
#include "base_test.h"

#include <pthread.h>
#include <stdlib.h>

#define GATES 20000

/* Where the opener finds the next gate. */
static _Atomic(struct gate *) shown;

struct passage {
    struct gate gate;
    int number;
};

static void *open_gates(void *arg)
{
    (void)arg;
    for (int i = 0; i < GATES; i++) {
        struct gate *gate;
        while (!(gate = atomic_exchange(&shown, NULL)))
            ;
        ((struct passage *)(void *)gate)->number = i;
        gate_open(gate);
    }
    return NULL;
}

static void each_gate_is_gone_once_it_is_passed(void **state)
{
    (void)state;
    pthread_t opener;
    assert_int_equal(pthread_create(&opener, NULL, open_gates, NULL), 0);
    for (int i = 0; i < GATES; i++) {
        struct passage *passage = calloc(1, sizeof *passage);
        assert_non_null(passage);
        atomic_store(&shown, &passage->gate);
        gate_wait(&passage->gate);
        assert_int_equal(passage->number, i);
        free(passage);
    }
    pthread_join(opener, NULL);
}

static void an_open_gate_holds_nobody(void **state)
{
    (void)state;
    struct gate gate = {0};
    assert_false(gate_is_open(&gate));
    gate_open(&gate);
    assert_true(gate_is_open(&gate));
    gate_wait(&gate);
    gate_wait(&gate);
}

int gate_suite(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gate_is_gone_once_it_is_passed),
        cmocka_unit_test(an_open_gate_holds_nobody),
    };
    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
