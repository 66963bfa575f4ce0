"""The rows: what is measured, beside what, and how much is wanted. Each is a target of the library's."""
import dataclasses
import typing

from .tools import Spread

# TigerBeetle's transfers in LMDB's puts of 128-byte records in batches of 8,192, as both were measured in one run (docs/bench.md).
TIGERBEETLE_IN_LMDB = 0.17


@dataclasses.dataclass
class Scale:
    """How much is measured."""
    seconds: float      # each time
    repeat: int         # times
    accounts: int
    orders: int         # of the whole order path
    book_orders: int
    rounds: int         # of exchange-core in one run; the first warms it up
    events: int
    few: int            # accounts, where growth is measured; at least as many as send orders
    few_events: int
    many: int           # which have as many events as there are
    large: bool = False


QUICK = Scale(seconds=0.2, repeat=1, accounts=2000, orders=5000, book_orders=50000, rounds=1, events=20000, few=1000, few_events=5000,
              many=2000)
USUAL = Scale(seconds=4, repeat=3, accounts=1000000, orders=1000000, book_orders=3000000, rounds=3, events=5000000, few=10000,
              few_events=1000000, many=1000000)
LARGE = dataclasses.replace(USUAL, seconds=20, events=100000000, many=10000000, large=True)

ALL_STATE = 2**40    # of memory: more than there is state
NEVER = 10**15       # events between two checkpoints


@dataclasses.dataclass
class Finding:
    """One condition of a row."""
    what: str
    measured: Spread
    at_least: float | None = None
    at_most: float | None = None
    unit: str = "×"
    beside: str = ""       # the figures behind it
    full_size: bool = True  # else the target is of a larger size than this was

    @property
    def reached(self):
        if self.at_least is not None:
            return self.measured.median >= self.at_least
        return self.at_most is None or self.measured.median <= self.at_most

    @property
    def target(self):
        if self.at_least is not None:
            return f"≥ {number(self.at_least)} {self.unit}".rstrip()
        return "" if self.at_most is None else f"≤ {number(self.at_most)} {self.unit}".rstrip()

    @property
    def verdict(self):
        if not self.target:
            return ""
        if not self.full_size:
            return "(smaller)"
        return "reached" if self.reached else "NOT reached"


@dataclasses.dataclass
class Row:
    name: str
    title: str
    measure: typing.Callable
    peers: tuple = ()


ROWS = []


def row(name, title, *peers):
    def add(measure):
        ROWS.append(Row(name, title, measure, peers))
        return measure
    return add


def number(value):
    """A figure as people read it."""
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 10 else f"{value:.1f}"


def median_of(results, name):
    return Spread(result[name] for result in results).median


def beside_lmdb(tools, note, **options):
    """Deposits in turns with LMDB. The spread of all ratios, and the results."""
    results, = tools.repeat(lambda: tools.bench("deposits", seconds=tools.scale.seconds, beside="lmdb", **options))
    ratios = Spread([result["ratio"] for result in results])
    note(f"{number(median_of(results, 'per_second'))}/s, LMDB {number(median_of(results, 'lmdb_per_second'))}/s")
    return ratios, results


@row("deposits-8192", "deposits, 8,192 a batch, accounts at random, each its own key, durable")
def deposits_8192(tools, chart):
    notes = []
    ratios, results = beside_lmdb(tools, notes.append, accounts=tools.scale.accounts, batch=8192)
    ours, lmdb = median_of(results, "per_second"), median_of(results, "lmdb_per_second")
    chart.add("durable deposits a second", "libtrading", ours, own=True)
    chart.add("durable deposits a second", "LMDB alone, a put a record", lmdb)
    yield Finding("of LMDB's puts", ratios, at_least=0.85, beside=notes[0])
    if tools.tigerbeetle:
        transfers, again = tools.repeat(tools.tigerbeetle_transfers,
                                        lambda: tools.bench("deposits", seconds=tools.scale.seconds, accounts=tools.scale.accounts, batch=8192))
        chart.add("durable deposits a second", "TigerBeetle, transfers", Spread(transfers).median)
        yield Finding("of TigerBeetle's transfers", Spread(result["per_second"] / other for result, other in zip(again, transfers)), at_least=5)
    else:
        yield Finding("of TigerBeetle's transfers, reckoned from LMDB", Spread(value / TIGERBEETLE_IN_LMDB for value in ratios.values), at_least=5)
        chart.add("durable deposits a second", "TigerBeetle, reckoned from LMDB", lmdb * TIGERBEETLE_IN_LMDB)


@row("deposits-1024", "the same, 1,024 a batch")
def deposits_1024(tools, _chart):
    notes = []
    ratios, _ = beside_lmdb(tools, notes.append, accounts=tools.scale.accounts, batch=1024)
    yield Finding("of LMDB's puts", ratios, at_least=1, beside=notes[0])


@row("deposits-64", "the same, 64 a batch")
def deposits_64(tools, _chart):
    notes = []
    ratios, _ = beside_lmdb(tools, notes.append, accounts=tools.scale.accounts, batch=64)
    yield Finding("of LMDB's puts", ratios, at_least=1, beside=notes[0])


@row("one-client", "one client, one command at a time, durable")
def one_client(tools, chart):
    notes = []
    ratios, results = beside_lmdb(tools, notes.append, accounts=tools.scale.accounts, batch=1)
    chart.add("durable deposits a second, one at a time", "libtrading", median_of(results, "per_second"), own=True)
    chart.add("durable deposits a second, one at a time", "LMDB alone, synced commits", median_of(results, "lmdb_per_second"))
    yield Finding("of LMDB's synced commits", ratios, at_least=0.9, beside=notes[0])


@row("threads-64", "64 threads in execute, durable")
def threads_64(tools, _chart):
    options = {"seconds": tools.scale.seconds, "accounts": tools.scale.accounts, "batch": 1}
    one, many = tools.repeat(lambda: tools.bench("deposits", **options), lambda: tools.bench("deposits", threads=64, beside="disk", **options))
    yield Finding("of one client's rate", Spread(b["per_second"] / a["per_second"] for a, b in zip(one, many)), at_least=20,
                  beside=f"{number(median_of(many, 'per_second'))}/s, one client {number(median_of(one, 'per_second'))}/s")
    yield Finding("p99 in p99 of the disk's sync", Spread(b["p99_us"] / b["disk_p99_us"] for b in many), at_most=4,
                  beside=f"{number(median_of(many, 'p99_us'))} µs, disk {number(median_of(many, 'disk_p99_us'))} µs")


@row("sqlite", "deposits beside an event table in SQLite, 8,192 a batch, durable", "sqlite")
def sqlite(tools, chart):
    ours, theirs = tools.repeat(lambda: tools.bench("deposits", seconds=tools.scale.seconds, accounts=tools.scale.accounts, batch=8192),
                                lambda: tools.sqlite(8192))
    chart.add("durable deposits a second", "SQLite, a row an event", median_of(theirs, "per_second"))
    yield Finding("of SQLite's rows", Spread(a["per_second"] / b["per_second"] for a, b in zip(ours, theirs)), at_least=1,
                  beside=f"{number(median_of(ours, 'per_second'))}/s, SQLite {number(median_of(theirs, 'per_second'))}/s")


@row("orders", "the whole order path, 1,024 a batch, durable", "exchange-core")
def orders(tools, chart):
    count = tools.scale.orders
    ours, with_journal, without = tools.repeat(lambda: tools.bench("orders", commands=count, batch=1024, accounts=1000),
                                               lambda: tools.exchange_core(count, True), lambda: tools.exchange_core(count, False))
    for theirs in with_journal + without:
        assert all(theirs[name] == ours[0][name] for name in ("trades", "shares", "resting")), f"other trades: {theirs}, {ours[0]}"
    chart.add("orders a second, the whole path", "libtrading, synced", median_of(ours, "per_second"), own=True)
    chart.add("orders a second, the whole path", "exchange-core, its journal", median_of(with_journal, "per_second"))
    chart.add("orders a second, the whole path", "exchange-core, no journal", median_of(without, "per_second"))
    for what, theirs, least in (("of exchange-core with its journal", with_journal, 2), ("of exchange-core without", without, 0.5)):
        yield Finding(what, Spread(a["per_second"] / b["per_second"] for a, b in zip(ours, theirs)), at_least=least,
                      beside=f"{number(median_of(ours, 'per_second'))}/s, exchange-core {number(median_of(theirs, 'per_second'))}/s")


@row("book", "the order book alone, in memory, the same flow", "lobster")
def book(tools, chart):
    count = tools.scale.book_orders
    ours, theirs = tools.repeat(lambda: tools.bench("book", commands=count), lambda: tools.lobster(count))
    for result in theirs:
        assert all(result[name] == ours[0][name] for name in ("trades", "shares", "resting")), f"other trades: {result}, {ours[0]}"
    chart.add("orders a CPU second, the book alone", "libtrading", median_of(ours, "per_cpu_second"), own=True)
    chart.add("orders a CPU second, the book alone", "lobster", median_of(theirs, "per_cpu_second"))
    yield Finding("of lobster, a CPU second", Spread(a["per_cpu_second"] / b["per_cpu_second"] for a, b in zip(ours, theirs)), at_least=2.5,
                  beside=f"{number(median_of(ours, 'per_cpu_second'))}, lobster {number(median_of(theirs, 'per_cpu_second'))}")


@row("views", "views by id")
def views(tools, _chart):
    results, = tools.repeat(lambda: tools.bench("views", threads=2, seconds=tools.scale.seconds))
    yield Finding("hot, two threads", Spread(result["per_second"] / 1e6 for result in results), at_least=10, unit="M/s",
                  beside=f"p99 {number(median_of(results, 'p99_us'))} µs")
    yield Finding("the writer's CPU grows beside 1 M/s", Spread(100 * result["writer_cpu_growth"] for result in results), at_most=10, unit="%",
                  beside=f"{number(median_of(results, 'beside_reads_per_second'))} reads/s, writer "
                         f"{number(median_of(results, 'writer_per_second_beside'))}/s; besides, keys took "
                         f"{number(median_of(results, 'keys_cpu_us'))} µs a command")


@row("replay", "replay, and a feed into a projection in C")
def replay(tools, _chart):
    results, = tools.repeat(lambda: tools.bench("replay", events=min(tools.scale.events, USUAL.events), accounts=min(100000, tools.scale.accounts)))
    yield Finding("from the journal", Spread(result["per_second"] / 1e6 for result in results), at_least=5, unit="M/s")
    yield Finding("feed", Spread(result["feed_per_second"] / 1e6 for result in results), at_least=5, unit="M/s")


@row("open", "opening a large store")
def opening(tools, _chart):
    scale = tools.scale
    store = tools.grown(scale.many, scale.events)
    result = tools.bench("open", store=store, events=scale.events, accounts=scale.many, seconds=min(scale.seconds, 4))
    size = f"{result['events']:,} events, {result['accounts']:,} accounts"
    yield Finding("clean", Spread([result["open_seconds"]]), at_most=1, unit="s", beside=size, full_size=scale.large)
    yield Finding("after kill -9", Spread([result["killed_open_seconds"]]), at_most=10, unit="s", full_size=scale.large,
                  beside=f"{result['replayed_events']:,} events replayed")


def deposits_on_grown(tools, accounts, events, **options):
    """Deposits into a store that has grown so far, where each page of the accounts was touched before it counts."""
    scale = tools.scale
    return tools.bench("deposits", store=tools.grown(accounts, events), accounts=accounts, warm=accounts // 5, seconds=scale.seconds,
                       batch=1024, **options)


def both_sides(one, other, name):
    return f"{number(median_of(one, name))} and {number(median_of(other, name))}"


@row("memory", "memory of many accounts, each with a portfolio, traffic 80/20, cache limit 1 GiB")
def memory(tools, _chart):
    scale = tools.scale
    limited, whole = tools.repeat(*(lambda cache=cache: deposits_on_grown(tools, scale.many, scale.events, skew="80/20", cache=cache)
                                    for cache in (2**30, ALL_STATE)))
    yield Finding("resident, without pages of files", Spread(result["rss_anon_bytes"] / 2**30 for result in limited), at_most=1.3, unit="GiB",
                  beside=f"{scale.many:,} accounts, {scale.events:,} events; without the limit "
                         f"{number(median_of(whole, 'rss_anon_bytes') / 2**30)} GiB", full_size=scale.large)
    yield Finding("of the rate without the limit", Spread(a["per_second"] / b["per_second"] for a, b in zip(limited, whole)), at_least=0.5,
                  beside=f"{both_sides(limited, whole, 'per_second')}/s, CPU {both_sides(limited, whole, 'cpu_us_per_command')} µs",
                  full_size=scale.large)


@row("checkpoints", "deposits while checkpoints are written, beside deposits without any")
def checkpoints(tools, _chart):
    scale = tools.scale
    often, never = tools.repeat(*(lambda interval=interval: deposits_on_grown(tools, scale.many, scale.events, checkpoint=interval, cache=ALL_STATE)
                                  for interval in (1000000, NEVER)))
    for name, what in (("p50_us", "p50"), ("p99_us", "p99"), ("p999_us", "p99.9"), ("max_us", "longest")):
        yield Finding(f"{what} of a batch, of that without", Spread(a[name] / b[name] for a, b in zip(often, never)),
                      at_most=2 if name == "p999_us" else None, beside=f"{both_sides(often, never, name)} µs", full_size=scale.large)
    yield Finding("written, of what is without", Spread(a["written_bytes_per_command"] / b["written_bytes_per_command"] for a, b in zip(often, never)),
                  beside=f"{both_sides(often, never, 'written_bytes_per_command')} B a deposit")


@row("disk", "bytes of the journal")
def disk(tools, _chart):
    deposit = tools.bench("deposits", seconds=tools.scale.seconds, accounts=tools.scale.accounts, batch=1024)
    filled = tools.bench("orders", commands=min(tools.scale.orders, 100000), accounts=1000, batch=1024)
    yield Finding("a deposit", Spread([deposit["bytes_per_command"]]), at_most=64, unit="B")
    yield Finding("a filled order, both sides", Spread([filled["bytes_per_trade"]]), at_most=400, unit="B")


@row("growth", "growth of accounts and events")
def growth(tools, _chart):
    scale = tools.scale
    few, many = tools.repeat(lambda: deposits_on_grown(tools, scale.few, scale.few_events),
                             lambda: deposits_on_grown(tools, scale.many, scale.events))
    yield Finding("deposits/s of many to few", Spread(b["per_second"] / a["per_second"] for a, b in zip(few, many)), at_least=0.7,
                  beside=f"{scale.few:,} and {scale.many:,} accounts, {scale.few_events:,} and {scale.events:,} events", full_size=scale.large)
    yield Finding("CPU of a deposit, many to few", Spread(b["cpu_us_per_command"] / a["cpu_us_per_command"] for a, b in zip(few, many)),
                  beside=f"{both_sides(few, many, 'cpu_us_per_command')} µs")
    yield Finding("p99 of a commit", Spread(b["p99_us"] / a["p99_us"] for a, b in zip(few, many)), at_most=1.5, full_size=scale.large,
                  beside=f"{both_sides(few, many, 'p99_us')} µs")


@row("instructions", "instructions a deposit, 8,192 a batch")
def instructions(tools, _chart):
    yield Finding("by the thread that decides", Spread([tools.instructions()]), at_most=1000, unit="")


@row("costs", "what a million commands cost")
def costs(tools, _chart):
    scale = tools.scale
    for what, work, options in (("deposits, 8,192 a batch", "deposits", {"accounts": scale.accounts, "batch": 8192}),
                                ("deposits, 1,024 a batch", "deposits", {"accounts": scale.accounts, "batch": 1024}),
                                ("orders, 1,024 a batch", "orders", {"accounts": 1000, "batch": 1024})):
        result = tools.bench(work, seconds=scale.seconds, **options)
        yield Finding(f"{what}: CPU", Spread([result["cpu_us_per_command"]]), unit="s",
                      beside=f"{number(result['bytes_per_command'])} MB of journal, {number(result['written_bytes_per_command'])} MB written, "
                             f"{number(result['syncs'] * 1e6 / result['commands'])} syncs")
