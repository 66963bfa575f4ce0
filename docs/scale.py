#!/usr/bin/env python3
"""Partitions, machines and cost of a large house, reckoned from what one machine measures: docs/scale.md explains it.

    docs/scale.py
    docs/scale.py --orders 250000 --users 10e6
    docs/scale.py --cpu-us-order "$(trading bench orders --json | jq .cpu_us_per_command)"
"""
import argparse
import dataclasses
import math


def value(default, words):
    return dataclasses.field(default=default, metadata={"help": words})


@dataclasses.dataclass
class Inputs:
    # The house.
    users: float = value(100e6, "accounts")
    orders: float = value(1e6, "orders a second at the peak")
    deposits: float = value(20e3, "deposits and withdrawals a second at the peak")
    looks: float = value(20, "views of an account or portfolio for each order")
    average: float = value(0.15, "what an average second of the day has of the peak")
    hot: float = value(0.2, "part of the accounts that are in memory")
    elsewhere: float = value(0.9, "part of the orders whose book is in another partition than their account")
    hottest: float = value(0.05, "part of all orders that are on the busiest symbol")
    # Measured on one machine.
    cpu_us_order: float = value(2.5, "processor time of an order, whole path (trading bench orders)")
    cpu_us_deposit: float = value(0.61, "processor time of a deposit (trading bench deposits)")
    cpu_us_look: float = value(0.15, "processor time of a view by id (trading bench views)")
    rate_order: float = value(420e3, "orders a second in one partition (trading bench orders, per_second)")
    bytes_order: float = value(152, "journal of an order (bytes_per_command)")
    bytes_deposit: float = value(42, "journal of a deposit")
    events_order: float = value(7.3, "events of an order")
    bytes_account: float = value(320, "memory of an account with its portfolio and keys")
    replay: float = value(4.3e6, "events a second when a journal is replayed")
    open_seconds: float = value(0.23, "what opening takes for a million accounts after a crash: their indexes are made anew")
    message: float = value(1.4, "what a book elsewhere adds to an order's processor time and bytes, as a part of them (--partitions 2)")
    message_events: float = value(0.5, "and to its events")
    # Assumed.
    busy: float = value(0.5, "how busy a core may be at the peak: the rest is headroom")
    replicas: float = value(3, "copies of each journal and of the state, each on another machine, ready to take over")
    following: float = value(0.5, "what a copy takes of the processor time that deciding took: it appends and folds")
    machine_cores: float = value(32, "cores of a machine")
    machine_memory: float = value(256, "GB of its memory")
    machine_cost: float = value(1500, "dollars that it costs a month")
    disk_cost: float = value(25, "dollars that a TB of journal costs a month, a copy")
    kept_days: float = value(30, "days that journals are kept on fast disks; older segments go to an archive")
    checkpoint: float = value(1e6, "events between two checkpoints")


@dataclasses.dataclass
class Line:
    what: str
    text: str


def reckon(inputs):
    """The lines of the table."""
    more = 1 + inputs.message * inputs.elsewhere
    order_cpu = inputs.cpu_us_order * more
    deciding = (inputs.orders * order_cpu + inputs.deposits * inputs.cpu_us_deposit) / 1e6 / inputs.busy
    cores = deciding * (1 + inputs.following * (inputs.replicas - 1))
    looking = inputs.orders * inputs.looks * inputs.cpu_us_look / 1e6 / inputs.busy
    rate = inputs.rate_order / more * inputs.busy
    partitions = math.ceil((inputs.orders + inputs.deposits * inputs.cpu_us_deposit / order_cpu) / rate)
    memory = inputs.users * inputs.hot * inputs.bytes_account / 1e9 * inputs.replicas
    by_cores, by_memory = (cores + looking) / inputs.machine_cores, memory / (inputs.machine_memory / 2)
    machines = math.ceil(max(by_cores, by_memory, inputs.replicas))
    journal = inputs.orders * inputs.bytes_order * more + inputs.deposits * inputs.bytes_deposit
    daily = journal * inputs.average * 86400 / 1e12
    network = journal * (inputs.replicas - 1) * 8 / 1e9 / machines
    recovery = inputs.open_seconds * inputs.users / partitions / 1e6 + 2 * inputs.checkpoint / inputs.replay
    events = inputs.orders * inputs.events_order * (1 + inputs.message_events * inputs.elsewhere) + inputs.deposits
    day_events = events * inputs.average * 86400
    cost = machines * inputs.machine_cost + daily * inputs.kept_days * inputs.replicas * inputs.disk_cost
    return [
        Line("processor time of an order, messages included", f"{order_cpu:.1f} µs"),
        Line("cores at the peak, headroom and copies included", f"{cores:,.0f}, and {looking:,.0f} for views"),
        Line("orders a second that a partition is given", f"{rate:,.0f}"),
        Line("partitions", f"{partitions:,}"),
        Line("accounts in a partition", f"{inputs.users / partitions:,.0f}"),
        Line("the busiest symbol, in what its partition is given", f"{100 * inputs.orders * inputs.hottest / rate:.0f} %"),
        Line("memory of the accounts in use, all copies", f"{memory:,.0f} GB"),
        Line("machines", f"{machines:,} ({by_cores:.1f} by cores, {by_memory:.1f} by memory, {inputs.replicas:.0f} by copies)"),
        Line("journal at the peak", f"{journal / 1e6:,.0f} MB/s, {journal / 1e6 / partitions:,.1f} MB/s a partition"),
        Line("journal a day", f"{daily:,.1f} TB, times {inputs.replicas:.0f} copies"),
        Line("network of the copies, a machine", f"{network:,.1f} Gbit/s"),
        Line("a partition that was killed opens in", f"{recovery:,.1f} s"),
        Line("a day's journal of a partition replays in", f"{day_events / partitions / inputs.replay / 3600:,.1f} h"),
        Line("cost a month", f"{cost:,.0f} dollars"),
        Line("cost of a million orders", f"{cost / (inputs.orders * inputs.average * 86400 * 30 / 1e6):.3f} dollars"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in dataclasses.fields(Inputs):
        parser.add_argument("--" + field.name.replace("_", "-"), type=float, default=field.default, metavar="N",
                            help=f"{field.metadata['help'].replace('%', '%%')} ({field.default:,g})")
    lines = reckon(Inputs(**vars(parser.parse_args())))
    width = max(len(line.what) for line in lines)
    for line in lines:
        print(f"{line.what:<{width}}  {line.text}")


if __name__ == "__main__":
    main()
