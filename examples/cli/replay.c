/* `trading replay`: real prices and a strategy, through the exchange, under their dates. */
#include "arguments.h"
#include "output.h"
#include "replay_run.h"
#include "replay_words.h"
#include "session.h"
#include "stop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BASIS_POINTS   INT64_C(10000)
#define DEFAULT_SPREAD "10"
#define DEFAULT_SIZE   "0.1%"
#define DATE_LENGTH    10
#define ONE_DAY        (86400 * TRADING_NANOSECONDS_PER_SECOND)

const struct argument replay_arguments[] = {
    {ARGUMENT_OPERAND, "PRICES.csv", NULL, "prices: date,symbol,price or date,open,high,low,close,volume", NULL},
    {ARGUMENT_MORE, "PRICES.csv", NULL, "more of them", NULL},
    {ARGUMENT_OPTION, "strategy", "FILE", "what customers do, by date: JSON Lines (docs/replay.md)", NULL},
    {ARGUMENT_OPTION, "spread", "BPS", "from bid to ask, around the price, in basis points (default: " DEFAULT_SPREAD ")",
     NULL},
    {ARGUMENT_OPTION, "size", "SIZE",
     "shares quoted a side: 500, unlimited, or of the day's volume " DEFAULT_SIZE " (the default)", NULL},
    {ARGUMENT_OPTION, "currency", "CODE", "of the prices (default: USD)", NULL},
    {ARGUMENT_OPTION, "until", "DATE", "stop after that day", NULL},
    {ARGUMENT_OPTION, "record", "FILE", "write what is done as lines for `trading send`, too", NULL},
    {ARGUMENT_FLAG, "summary", NULL, "end with a line for each account instead of its statement", NULL},
    {ARGUMENT_END, NULL, NULL, NULL, NULL},
};

static bool read_spread(const struct arguments *arguments, struct quoting *quoting)
{
    const char *text = argument_value(arguments, "spread");
    trading_decimal spread;
    if (!text)
        text = DEFAULT_SPREAD;
    if (trading_decimal_parse(text, strlen(text), &spread) != TRADING_OK || spread <= 0 ||
        spread > TRADING_DECIMAL_ONE * BASIS_POINTS) {
        arguments_complain(arguments, "--spread: \"%s\" is not a number of basis points above 0, such as 10 for 0.1%%", text);
        return false;
    }
    quoting->half_spread = spread / (2 * BASIS_POINTS);
    return true;
}

static bool read_size(const struct arguments *arguments, struct quoting *quoting)
{
    const char *text = argument_value(arguments, "size");
    if (!text)
        text = DEFAULT_SIZE;
    if (!strcmp(text, "unlimited"))
        return true;
    size_t length = strlen(text);
    quoting->of_volume = length > 0 && text[length - 1] == '%';
    bool read = trading_decimal_parse(text, length - quoting->of_volume, &quoting->size) == TRADING_OK;
    if (quoting->of_volume && quoting->size > 100 * TRADING_DECIMAL_ONE)
        read = false;
    if (quoting->of_volume)
        quoting->size /= 100;
    if (read && quoting->size > 0)
        return true;
    arguments_complain(arguments, "--size: \"%s\" is neither a number of shares, nor \"unlimited\", nor a part such as 0.1%%",
                       text);
    return false;
}

static bool read_currency(const struct arguments *arguments, struct quoting *quoting)
{
    const char *text = argument_value(arguments, "currency");
    if (!text)
        text = "USD";
    if (strlen(text) < sizeof quoting->currency.text)
        memcpy(quoting->currency.text, text, strlen(text));
    if (trading_currency_decimals(&quoting->currency) >= 0)
        return true;
    arguments_complain(arguments, "--currency: \"%s\" is not an ISO 4217 code such as USD", text);
    return false;
}

/* A date means its last instant. */
static bool read_until(const struct arguments *arguments, trading_time *until)
{
    const char *text = argument_value(arguments, "until");
    *until = INT64_MAX;
    if (!text)
        return true;
    if (trading_time_parse(text, strlen(text), until) != TRADING_OK) {
        arguments_complain(arguments, "--until: \"%s\" is not a date such as 2008-09-15", text);
        return false;
    }
    if (strlen(text) == DATE_LENGTH)
        *until += ONE_DAY - 1;
    return true;
}

static bool read_inputs(const struct arguments *arguments, struct plan *plan, trading_time until, struct input_error *error)
{
    const char *strategy = argument_value(arguments, "strategy");
    if (!prices_read(&plan->prices, argument_value(arguments, "PRICES.csv"), error))
        return false;
    for (int i = 0; i < arguments->more_count; i++)
        if (!prices_read(&plan->prices, arguments->more[i], error))
            return false;
    return prices_sort(&plan->prices, error) && (!strategy || strategy_read(&plan->strategy, strategy, error)) &&
           plan_make(plan, until, error);
}

/* Time does not go back: what is to be done next must not be earlier than what the store holds. @return an exit_code */
static int check_time(const struct plan *plan, trading_engine *engine)
{
    char place[512];
    char now[TRADING_TIME_TEXT];
    char wanted[TRADING_TIME_TEXT];
    trading_error error;
    trading_engine_info info = TRADING_ENGINE_INFO_INIT;
    const struct step *next = plan_next(plan);
    if (trading_engine_get_info(engine, &info, &error) != TRADING_OK)
        return output_failure(&error);
    if (!next || info.last_time <= next->time)
        return EXIT_DONE;
    plan_place(plan, next, place, sizeof place);
    trading_time_format(info.last_time, now);
    trading_time_format(next->time, wanted);
    fprintf(
        stderr,
        "trading replay: the store's time is %s, later than %s of %s, and time does not go back; name a new store with "
        "--store lmdb:FOLDER. A replay that was stopped goes on with the files, --spread, --size and --currency that it began "
        "with\n",
        now, wanted, place);
    return EXIT_REFUSED;
}

/* Says what is going to be done, and what is done already. */
static void announce(const struct plan *plan)
{
    char first[TRADING_TIME_TEXT];
    char last[TRADING_TIME_TEXT];
    char text[3][AMOUNT_TEXT];
    size_t done = 0;
    size_t counts[STEP_SESSION + 1] = {0};
    if (plan->count == 0) {
        printf("Nothing is to be replayed until then.\n");
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        counts[plan->steps[i].kind]++;
        done += plan->steps[i].done;
    }
    trading_time_format(plan->steps[0].time, first);
    trading_time_format(plan->steps[plan->count - 1].time, last);
    printf("%.10s to %.10s: %s prices, %s lines of strategy, %s sessions\n", first, last,
           words_count(counts[STEP_QUOTE], text[0]), words_count(counts[STEP_LINE], text[1]),
           words_count(counts[STEP_SESSION], text[2]));
    if (done > 0)
        printf("The store has %s of these %s steps; going on after them.\n", words_count(done, text[0]),
               words_count(plan->count, text[1]));
}

/* Does the steps, and writes each to the file of --record where there is one. @return an exit_code */
static int run(const struct arguments *arguments, struct replay *replay)
{
    const char *path = argument_value(arguments, "record");
    if (!path)
        return replay_run(replay);
    replay->record = fopen(path, "we");
    if (!replay->record)
        return arguments_complain(arguments, "--record: cannot write %s: %s", path, strerror(errno));
    int code = replay_run(replay);
    bool is_written = !ferror(replay->record);
    if (fclose(replay->record) == 0 && is_written)
        return code;
    fprintf(stderr, "trading replay: cannot write %s: %s\n", path, strerror(errno));
    return EXIT_STORE;
}

/* Replays into an open store. @return an exit_code, or EXIT_STOPPED */
static int replay(const struct arguments *arguments, struct plan *plan, struct desk *desk, struct replay_clock *clock)
{
    struct teller teller;
    trading_error error;
    struct replay replay = {.plan = plan, .desk = desk, .clock = clock, .teller = &teller};
    if (plan_recognize(plan, desk->engine, &error) != TRADING_OK)
        return output_failure(&error);
    int code = check_time(plan, desk->engine);
    if (code != EXIT_DONE)
        return code;
    if (!arguments->json)
        announce(plan);
    if (teller_open(&teller, plan, desk, arguments->json, &error) != TRADING_OK)
        return output_failure(&error);
    code = run(arguments, &replay);
    tell_nothing(&teller);
    const struct step *next = plan_next(plan);
    if (code == EXIT_DONE && next && stop_requested()) {
        char date[TRADING_TIME_TEXT];
        trading_time_format(next->time, date);
        fprintf(stderr, "trading replay: stopped before %.10s; the same command goes on from there\n", date);
        code = EXIT_STOPPED;
    }
    if (code == EXIT_DONE)
        code = tell_statements(&teller, argument_value(arguments, "summary") != NULL);
    teller_close(&teller);
    return code;
}

static int open_and_replay(const struct arguments *arguments, struct plan *plan)
{
    struct session session;
    struct desk desk;
    trading_error error;
    struct replay_clock clock = {0};
    trading_engine_options options = TRADING_ENGINE_OPTIONS_INIT;
    options.clock = replay_clock_read;
    options.clock_context = &clock;
    if (plan->count > 0)
        atomic_init(&clock.now, plan->steps[0].time);
    stop_prepare();
    int code = session_open(&session, &arguments->store, &options);
    stop_listen();
    if (code != EXIT_DONE)
        return code;
    if (desk_open(&desk, session.engine, &error) == TRADING_OK) {
        code = replay(arguments, plan, &desk, &clock);
        desk_close(&desk);
    } else {
        code = output_failure(&error);
    }
    return session_close(&session, code);
}

int replay_main(int argc, char **argv)
{
    struct arguments arguments;
    struct plan plan = {0};
    struct input_error error;
    trading_time until;
    int code;
    if (!arguments_parse(&arguments, argc, argv, &code))
        return code;
    if (!read_spread(&arguments, &plan.quoting) || !read_size(&arguments, &plan.quoting) ||
        !read_currency(&arguments, &plan.quoting) || !read_until(&arguments, &until))
        return EXIT_USAGE;
    if (read_inputs(&arguments, &plan, until, &error)) {
        code = open_and_replay(&arguments, &plan);
    } else {
        fprintf(stderr, "trading replay: %s\n", error.message);
        code = EXIT_USAGE;
    }
    plan_free(&plan);
    return code;
}
