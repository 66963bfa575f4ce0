/* Loading and listing plugins: what is sound, what is refused and with which words, and who may load at all.
 * Argument: the folder of the plugins that odd_plugin.c makes. */
#include "plugin/host.h"
#include "plugin/plugin.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <trading/bus.h>
#include <trading/venue.h>

#include <cmocka.h>

static const char *folder;

struct fixture {
    trading_host *host;
    trading_error error;
    char lines[1024]; /* what was logged, one after another */
};

static void keep_line(void *context, int32_t level, const char *line)
{
    struct fixture *fixture = context;
    (void)level;
    strncat(fixture->lines, line, sizeof fixture->lines - strlen(fixture->lines) - 1);
    strncat(fixture->lines, "\n", sizeof fixture->lines - strlen(fixture->lines) - 1);
}

static void open_host(struct fixture *fixture, uint32_t flags, const char *path)
{
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.log = keep_line;
    options.log_context = fixture;
    options.flags = flags;
    options.plugin_path = path;
    memset(fixture, 0, sizeof *fixture);
    assert_int_equal(trading_host_open(&fixture->host, &options, &fixture->error), TRADING_OK);
}

static void close_host(struct fixture *fixture)
{
    assert_int_equal(trading_host_memory(fixture->host),
                     fixture->host->plugin_path ? strlen(fixture->host->plugin_path) + 1 : 0);
    assert_int_equal(trading_host_close(fixture->host, &fixture->error), TRADING_OK);
}

static void load(struct fixture *fixture, const char *name)
{
    if (trading_plugin_load(fixture->host, name, &fixture->error))
        fail_msg("%s: %s", name, fixture->error.message);
    assert_int_equal(fixture->error.code, TRADING_OK);
}

/* That it is refused with a code, and with a message that contains each of the words up to NULL. */
static void refused(struct fixture *fixture, const char *name, int32_t code, ...)
{
    assert_int_equal(trading_plugin_load(fixture->host, name, NULL), code);
    assert_int_equal(trading_plugin_load(fixture->host, name, &fixture->error), code);
    assert_int_equal(fixture->error.code, code);
    va_list words;
    va_start(words, code);
    for (const char *word = va_arg(words, const char *); word; word = va_arg(words, const char *))
        if (!strstr(fixture->error.message, word))
            fail_msg("%s: \"%s\" is not in: %s", name, word, fixture->error.message);
    va_end(words);
}

static int32_t find_store(struct fixture *fixture, const char *uri)
{
    const trading_store_ops *ops;
    const char *location;
    return trading_store_find(fixture->host, uri, &ops, &location, &fixture->error);
}

/* Opens the store of a URI and closes it: the plugin's code runs, with the host's memory and log. */
static void use_store(struct fixture *fixture, const char *uri, const char *expected_location)
{
    const trading_store_ops *ops;
    const char *location;
    void *store;
    if (trading_store_find(fixture->host, uri, &ops, &location, &fixture->error))
        fail_msg("%s: %s", uri, fixture->error.message);
    assert_string_equal(location, expected_location);
    assert_int_equal(ops->size, sizeof *ops);
    uint64_t before = trading_host_memory(fixture->host);
    trading_store_request request = {.size = sizeof request, .location = location, .durability = TRADING_DURABILITY_SYNC};
    assert_int_equal(ops->open(&request, &fixture->host->functions, &store, &fixture->error), TRADING_OK);
    assert_true(trading_host_memory(fixture->host) > before);
    ops->close(store);
    assert_int_equal(trading_host_memory(fixture->host), before);
    assert_non_null(strstr(fixture->lines, expected_location));
}

/* ---- who may load, and what ---- */

static void test_off_unless_allowed(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, 0, folder);
    refused(&fixture, "plain", TRADING_E_UNSUPPORTED, "TRADING_HOST_PLUGINS", NULL);
    char path[600];
    snprintf(path, sizeof path, "%s/plain.so", folder);
    refused(&fixture, path, TRADING_E_UNSUPPORTED, NULL);
    size_t count;
    assert_int_equal(trading_plugin_list(fixture.host, NULL, 0, &count, &fixture.error), TRADING_E_UNSUPPORTED);
    assert_int_equal(find_store(&fixture, "plain:x"), TRADING_E_NOT_FOUND);
    assert_non_null(strstr(fixture.error.message, "loads no plugins"));
    close_host(&fixture);
    trading_host_options options = TRADING_HOST_OPTIONS_INIT;
    options.flags = 2;
    assert_int_equal(trading_host_open(&fixture.host, &options, &fixture.error), TRADING_E_INVALID);
}

static void test_by_name_path_and_scheme(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    load(&fixture, "plain");
    use_store(&fixture, "plain:here?a=b", "here?a=b");
    char path[600];
    snprintf(path, sizeof path, "%s/talking.so", folder);
    load(&fixture, path);
    assert_non_null(strstr(fixture.lines, "the entry talks"));
    use_store(&fixture, "talking:", "");
    use_store(&fixture, "newer:there", "there"); /* was not loaded before */
    assert_int_equal(find_store(&fixture, "absent:"), TRADING_E_NOT_FOUND);
    assert_non_null(strstr(fixture.error.message, "absent.so"));
    assert_int_equal(find_store(&fixture, "../plain:"), TRADING_E_NOT_FOUND);
    assert_int_equal(find_store(&fixture, "plain"), TRADING_E_SYNTAX);
    assert_int_equal(find_store(&fixture, "rival:"), TRADING_E_BUSY);
    close_host(&fixture);
}

static void test_names_and_paths_that_are_none(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    static const char *const wrong[] = {
        "", "plain.so", "./plain", "../plain", "Plain", "a/b", "name-of-32-characters-is-too-long"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        refused(&fixture, wrong[i], TRADING_E_INVALID, "absolute path", NULL);
    refused(&fixture, "absent", TRADING_E_NOT_FOUND, "absent.so", NULL);
    refused(&fixture, "/absent/plain.so", TRADING_E_NOT_FOUND, "/absent/plain.so", NULL);
    refused(&fixture, folder, TRADING_E_INVALID, "not a file", NULL);
    refused(&fixture, "/dev/null", TRADING_E_INVALID, "not a file", NULL);
    char path[1000];
    memset(path, '/', sizeof path);
    path[sizeof path - 1] = '\0';
    refused(&fixture, path, TRADING_E_INVALID, "511 bytes", NULL);
    assert_int_equal(trading_plugin_load(NULL, "plain", &fixture.error), TRADING_E_INVALID);
    assert_int_equal(trading_plugin_load(fixture.host, NULL, &fixture.error), TRADING_E_INVALID);
    close_host(&fixture);
}

/* ---- the search path ---- */

struct scratch {
    char folder[64];
    char path[2000];
};

static void make_scratch(struct scratch *scratch, const char *as, const char *of)
{
    char target[600];
    char link[128];
    strcpy(scratch->folder, "/tmp/trading-plugin-XXXXXX");
    assert_non_null(mkdtemp(scratch->folder));
    snprintf(target, sizeof target, "%s/%s.so", folder, of);
    snprintf(link, sizeof link, "%s/%s.so", scratch->folder, as);
    assert_int_equal(symlink(target, link), 0);
}

static void remove_scratch(struct scratch *scratch, const char *as)
{
    char link[128];
    snprintf(link, sizeof link, "%s/%s.so", scratch->folder, as);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(rmdir(scratch->folder), 0);
}

static void test_the_first_of_the_path_counts(void **state)
{
    (void)state;
    struct scratch scratch;
    struct fixture fixture;
    make_scratch(&scratch, "plain", "talking");
    snprintf(scratch.path, sizeof scratch.path, ":/absent:relative:%s:%s:", scratch.folder, folder);
    open_host(&fixture, TRADING_HOST_PLUGINS, scratch.path);
    load(&fixture, "plain");
    assert_int_equal(find_store(&fixture, "talking:"), TRADING_OK);
    assert_int_equal(find_store(&fixture, "plain:"), TRADING_E_NOT_FOUND); /* its name is loaded, and offers another scheme */
    close_host(&fixture);
    open_host(&fixture, TRADING_HOST_PLUGINS, "relative:.");
    refused(&fixture, "plain", TRADING_E_NOT_FOUND, "which is empty", NULL);
    close_host(&fixture);
    remove_scratch(&scratch, "plain");
}

static void test_the_environment(void **state)
{
    (void)state;
    struct fixture fixture;
    assert_int_equal(setenv("TRADING_PLUGIN_PATH", folder, 1), 0);
    open_host(&fixture, TRADING_HOST_PLUGINS, NULL);
    load(&fixture, "plain");
    close_host(&fixture);
    open_host(&fixture, TRADING_HOST_PLUGINS, "/absent"); /* the host's word comes before */
    refused(&fixture, "plain", TRADING_E_NOT_FOUND, "no plain.so in /absent", NULL);
    close_host(&fixture);
    assert_int_equal(unsetenv("TRADING_PLUGIN_PATH"), 0);
    open_host(&fixture, TRADING_HOST_PLUGINS, NULL);
    refused(&fixture, "plain", TRADING_E_NOT_FOUND, "/trading", NULL); /* the installed folder is looked into */
    close_host(&fixture);
}

/* ---- versions ---- */

static void test_shorter_and_longer_tables(void **state)
{
    (void)state;
    struct fixture fixture;
    const trading_store_ops *ops;
    const char *location;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    use_store(&fixture, "older:one", "one");
    use_store(&fixture, "newer:two", "two");
    assert_int_equal(trading_store_find(fixture.host, "older:", &ops, &location, NULL), TRADING_OK);
    assert_null(ops->check); /* behind the end of its table, where the plugin has something else */
    assert_int_equal(trading_store_find(fixture.host, "newer:", &ops, &location, NULL), TRADING_OK);
    assert_non_null(ops->check);
    close_host(&fixture);
}

static void test_other_interfaces(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    use_store(&fixture, "bilingual:", "");
    refused(&fixture, "ahead", TRADING_E_ABI, "built for interface 2", "speaks 1", NULL);
    refused(&fixture, "careless", TRADING_E_ABI, "built for interface 7", "speaks 1", NULL);
    refused(&fixture, "mute", TRADING_E_ABI, "does not say", "speaks 1", NULL);
    refused(&fixture, "other-table", TRADING_E_ABI, "interface 9, not 1", NULL);
    refused(&fixture, "tiny", TRADING_E_ABI, "16 bytes", NULL);
    refused(&fixture, "huge", TRADING_E_ABI, "1048576 bytes", NULL);
    refused(&fixture, "overwriting", TRADING_E_ABI, "wrote over the 40 bytes", NULL);
    refused(&fixture, "resizing", TRADING_E_ABI, "wrote over the 40 bytes", NULL);
    close_host(&fixture);
}

static int32_t open_speaking(struct fixture *fixture, const char *name, uint32_t oldest, uint32_t newest, uint32_t *abi)
{
    char path[600];
    struct plugin plugin;
    snprintf(path, sizeof path, "%s/%s.so", folder, name);
    struct plugin_versions versions = {.oldest = oldest, .newest = newest};
    int32_t code = plugin_open(&plugin, path, &fixture->host->functions, versions, &fixture->error);
    *abi = plugin.says.abi;
    return code;
}

/* Hosts of later versions, as they will be. */
static void test_hosts_of_later_interfaces(void **state)
{
    (void)state;
    struct fixture fixture;
    uint32_t abi;
    open_host(&fixture, 0, folder);
    assert_int_equal(open_speaking(&fixture, "plain", 1, 2, &abi), TRADING_OK); /* older, and still spoken */
    assert_int_equal(abi, 1);
    assert_int_equal(open_speaking(&fixture, "ahead", 1, 2, &abi), TRADING_OK);
    assert_int_equal(abi, 2);
    assert_int_equal(open_speaking(&fixture, "plain", 2, 3, &abi), TRADING_E_ABI); /* spoken no more */
    assert_non_null(strstr(fixture.error.message, "built for interface 1; this library speaks 2 to 3"));
    assert_int_equal(open_speaking(&fixture, "fickle", 1, 2, &abi), TRADING_E_ABI);
    close_host(&fixture);
}

/* ---- what breaks the rules ---- */

static void test_no_plugins(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    refused(&fixture, "entryless", TRADING_E_INVALID, "entryless.so", "trading_plugin_entry", NULL);
    refused(&fixture, "lacking", TRADING_E_INVALID, "not optional", NULL);
    refused(&fixture, "half", TRADING_E_INVALID, "not optional", NULL);
    refused(&fixture, "lacking-bus", TRADING_E_INVALID, "the bus \"lackingbus\" lacks", NULL);
    refused(&fixture, "tiny-bus", TRADING_E_ABI, "the bus \"tinybus\" says that its table has 16 bytes", NULL);
    refused(&fixture, "lacking-venue", TRADING_E_INVALID, "the venue \"lackingvenue\" lacks", NULL);
    refused(&fixture, "tiny-venue", TRADING_E_ABI, "the venue \"tinyvenue\" says that its table has 16 bytes", NULL);
    refused(&fixture, "nameless", TRADING_E_INVALID, "no name", NULL);
    refused(&fixture, "badly-named", TRADING_E_INVALID, "no name", NULL);
    refused(&fixture, "versionless", TRADING_E_INVALID, "no version", NULL);
    refused(&fixture, "schemeless", TRADING_E_INVALID, "without a scheme", NULL);
    refused(&fixture, "tableless", TRADING_E_INVALID, "without its table", NULL);
    refused(&fixture, "offering-none", TRADING_E_INVALID, "offers 0", NULL);
    refused(&fixture, "offering-many", TRADING_E_INVALID, "offers 9", NULL);
    refused(&fixture, "double", TRADING_E_INVALID, "twice", NULL);
    assert_int_equal(fixture.host->plugin_count, 0);
    assert_int_equal(fixture.host->scheme_count, 4);
    close_host(&fixture);
}

static void test_a_file_that_is_no_code(void **state)
{
    (void)state;
    struct fixture fixture;
    char path[] = "/tmp/trading-plugin-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, "text", 4) == 4);
    close(fd);
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    refused(&fixture, path, TRADING_E_IO, path, NULL);
    close_host(&fixture);
    unlink(path);
}

static void test_entries_that_fail(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    refused(&fixture, "failing", TRADING_E_IO, "failing.so failed to start: no driver here xxx", NULL);
    assert_int_equal(fixture.error.native_code, 42);
    assert_int_equal(fixture.error.flags, TRADING_ERROR_RETRYABLE);
    refused(&fixture, "silent", TRADING_E_NO_SPACE, "does not say why", NULL);
    refused(&fixture, "wild", TRADING_E_INVALID, "-5", NULL);
    close_host(&fixture);
}

static void test_taken(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    load(&fixture, "plain");
    load(&fixture, "plain"); /* again: as it is */
    assert_int_equal(fixture.host->plugin_count, 1);
    refused(&fixture, "twin", TRADING_E_BUSY, "plain is loaded already", "plain.so", NULL);
    refused(&fixture, "rival", TRADING_E_BUSY, "\"plain\" is registered already", NULL);
    assert_int_equal(fixture.host->plugin_count, 1);
    assert_int_equal(fixture.host->scheme_count, 5);
    close_host(&fixture);
}

static void never_told(void *context, const trading_bus_metric *metric)
{
    (void)context;
    fail_msg("told %s", metric->name);
}

static void test_several_kinds_of_one_scheme(void **state)
{
    (void)state;
    struct fixture fixture;
    trading_bus *bus;
    int64_t mark;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    assert_int_equal(trading_bus_open(&bus, fixture.host, "mixed:", NULL, &fixture.error), TRADING_OK); /* loads it */
    assert_int_equal(fixture.host->scheme_count, 7); /* the kind that nobody knows is passed over */
    assert_int_equal(trading_host_close(fixture.host, &fixture.error), TRADING_E_BUSY);
    assert_int_equal(trading_bus_metrics(bus, never_told, NULL, &fixture.error),
                     TRADING_E_UNSUPPORTED); /* its table is older */
    assert_int_equal(trading_bus_mark_of(bus, "somebody", &mark, &fixture.error), TRADING_E_UNSUPPORTED);
    assert_non_null(strstr(fixture.error.message, "to its own writer only"));
    trading_bus_close(bus);
    use_store(&fixture, "mixed:", "");
    assert_int_equal(trading_bus_open(&bus, fixture.host, "plain:", NULL, &fixture.error), TRADING_E_NOT_FOUND);
    assert_non_null(strstr(fixture.error.message, "offers no bus"));
    close_host(&fixture);
}

static void test_a_venue_that_breaks_its_word(void **state)
{
    (void)state;
    struct fixture fixture;
    trading_venue *venue;
    trading_execution_report reports[2];
    size_t count = 7;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    assert_int_equal(trading_venue_open(&venue, fixture.host, "mixed:somewhere", &fixture.error), TRADING_OK); /* loads it */
    assert_int_equal(trading_host_close(fixture.host, &fixture.error), TRADING_E_BUSY);
    assert_non_null(strstr(fixture.error.message, "1 venues"));
    assert_int_equal(trading_venue_quote(venue, &(trading_symbol){"GOOG"}, 1, 2, &fixture.error),
                     TRADING_E_UNSUPPORTED); /* its table is older */
    assert_int_equal(trading_venue_poll(venue, reports, 2, &count, 0, &fixture.error), TRADING_E_DAMAGED);
    assert_non_null(strstr(fixture.error.message, "cannot be: TRADE of \"order\""));
    assert_int_equal(count, 0);
    assert_int_equal(trading_venue_poll(venue, reports, 1, &count, 0, &fixture.error), TRADING_E_DAMAGED);
    assert_non_null(strstr(fixture.error.message, "2 reports where 1 were asked for"));
    trading_venue_close(venue);
    assert_int_equal(trading_venue_open(&venue, fixture.host, "plain:", &fixture.error), TRADING_E_NOT_FOUND);
    assert_non_null(strstr(fixture.error.message, "offers no venue"));
    close_host(&fixture);
}

/* ---- hosts, forks, threads ---- */

static void test_two_hosts(void **state)
{
    (void)state;
    struct fixture first;
    struct fixture second;
    open_host(&first, TRADING_HOST_PLUGINS, folder);
    open_host(&second, TRADING_HOST_PLUGINS, folder);
    load(&first, "plain");
    assert_int_equal(second.host->plugin_count, 0);
    load(&second, "plain");
    use_store(&first, "plain:first", "first");
    close_host(&first);
    use_store(&second, "plain:second", "second");
    close_host(&second);
    open_host(&first, TRADING_HOST_PLUGINS, folder);
    use_store(&first, "plain:third", "third");
    close_host(&first);
}

static int in_child(struct fixture *parents)
{
    trading_plugin_listed row;
    size_t count;
    if (trading_plugin_load(parents->host, "talking", NULL) != TRADING_E_FORKED ||
        trading_plugin_list(parents->host, &row, 1, &count, NULL) != TRADING_E_FORKED ||
        find_store(parents, "plain:") != TRADING_E_FORKED)
        return 1;
    struct fixture own; /* the code is there from before the fork, and another plugin is loaded after it */
    open_host(&own, TRADING_HOST_PLUGINS, folder);
    use_store(&own, "plain:child", "child");
    use_store(&own, "talking:child", "child");
    close_host(&own);
    return 0;
}

static void test_after_a_fork(void **state)
{
    (void)state;
    struct fixture fixture;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    load(&fixture, "plain");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(in_child(&fixture));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    close_host(&fixture);
}

static void *load_all(void *arg)
{
    static const char *const names[] = {"plain", "older", "mixed", "rival"};
    struct fixture *fixture = arg;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        trading_error error;
        int32_t code = trading_plugin_load(fixture->host, names[i], &error);
        if (code != (strcmp(names[i], "rival") != 0 ? TRADING_OK : TRADING_E_BUSY))
            return fixture;
    }
    return NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    struct fixture fixture;
    pthread_t threads[4];
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, load_all, &fixture), 0);
    for (size_t i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(threads[i], &failed), 0);
        assert_null(failed);
    }
    assert_int_equal(fixture.host->plugin_count, 3);
    close_host(&fixture);
}

/* ---- listing ---- */

#define LISTED 40

static const trading_plugin_listed *row_of(const trading_plugin_listed *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i].name, name))
            return &rows[i];
    fail_msg("%s is not listed", name);
    return NULL;
}

static void test_list(void **state)
{
    (void)state;
    struct fixture fixture;
    static trading_plugin_listed rows[LISTED];
    size_t count;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    load(&fixture, "plain");
    assert_int_equal(trading_plugin_list(fixture.host, rows, LISTED, &count, &fixture.error), TRADING_OK);
    assert_int_equal(count, 35);
    for (size_t i = 1; i < count; i++)
        assert_true(strcmp(rows[i - 1].name, rows[i].name) < 0);
    const trading_plugin_listed *plain = row_of(rows, count, "plain");
    assert_true(plain->loaded && plain->status == TRADING_OK && plain->abi == 1 && plain->offer_count == 1);
    assert_string_equal(plain->version, "1.2.3");
    assert_string_equal(plain->offers[0].scheme, "plain");
    assert_int_equal(plain->offers[0].kind, TRADING_PLUGIN_STORE);
    assert_non_null(strstr(plain->path, "/plain.so"));
    const trading_plugin_listed *mixed = row_of(rows, count, "mixed");
    assert_true(!mixed->loaded && mixed->status == TRADING_OK && mixed->offer_count == 4);
    assert_string_equal(trading_plugin_kind_name(mixed->offers[1].kind), "BUS");
    assert_string_equal(trading_plugin_kind_name(mixed->offers[2].kind), "VENUE");
    assert_string_equal(trading_plugin_kind_name(mixed->offers[3].kind), "UNKNOWN");
    const trading_plugin_listed *ahead = row_of(rows, count, "ahead");
    assert_true(ahead->status == TRADING_E_ABI && ahead->abi == 2 && ahead->offer_count == 0);
    assert_non_null(strstr(ahead->message, "interface 2"));
    assert_int_equal(row_of(rows, count, "rival")->status, TRADING_E_BUSY);
    assert_int_equal(row_of(rows, count, "twin")->status, TRADING_E_BUSY);
    assert_int_equal(row_of(rows, count, "entryless")->abi, 0);
    assert_int_equal(fixture.host->plugin_count, 1); /* asking registers nothing */
    assert_int_equal(fixture.host->scheme_count, 5);
    close_host(&fixture);
}

static void test_list_in_part_and_not_at_all(void **state)
{
    (void)state;
    struct fixture fixture;
    static trading_plugin_listed rows[3];
    size_t count = 0;
    open_host(&fixture, TRADING_HOST_PLUGINS, folder);
    assert_int_equal(trading_plugin_list(fixture.host, rows, 2, &count, NULL), TRADING_OK);
    assert_int_equal(count, 35);
    assert_string_equal(rows[1].name, "badly-named");
    assert_string_equal(rows[2].name, "");
    assert_int_equal(trading_plugin_list(fixture.host, NULL, 0, &count, NULL), TRADING_OK);
    assert_int_equal(trading_plugin_list(fixture.host, NULL, 1, &count, NULL), TRADING_E_INVALID);
    assert_int_equal(trading_plugin_list(fixture.host, rows, 1, NULL, NULL), TRADING_E_INVALID);
    close_host(&fixture);
    open_host(&fixture, TRADING_HOST_PLUGINS, "/absent");
    assert_int_equal(trading_plugin_list(fixture.host, rows, 1, &count, NULL), TRADING_OK);
    assert_int_equal(count, 0);
    close_host(&fixture);
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    folder = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_off_unless_allowed),
        cmocka_unit_test(test_by_name_path_and_scheme),
        cmocka_unit_test(test_names_and_paths_that_are_none),
        cmocka_unit_test(test_the_first_of_the_path_counts),
        cmocka_unit_test(test_the_environment),
        cmocka_unit_test(test_shorter_and_longer_tables),
        cmocka_unit_test(test_other_interfaces),
        cmocka_unit_test(test_hosts_of_later_interfaces),
        cmocka_unit_test(test_no_plugins),
        cmocka_unit_test(test_a_file_that_is_no_code),
        cmocka_unit_test(test_entries_that_fail),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_several_kinds_of_one_scheme),
        cmocka_unit_test(test_a_venue_that_breaks_its_word),
        cmocka_unit_test(test_two_hosts),
        cmocka_unit_test(test_after_a_fork),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_list_in_part_and_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
