#!/usr/bin/env python3
"""What a command costs a deployment of 1, 2 and 3 processes on this machine: deposits by topic, durable in Cassandra, answered by topic.

For each number of processes: commands a second, many on their way; processor time that a command takes in the processes, in Cassandra, in Kafka and
in the clients; and how long one alone takes. The servers are those of tests/servers, one node and one broker, and share the machine with all else, so
the times per command tell more than the rates.

Then what a house of so many users would need, by the largest of these times.
"""
import argparse
import json
import os
import statistics
import subprocess
import time
import uuid

from harness import PROGRAM, SECONDS, Deployment, Servers

CLIENTS, ACCOUNTS, PARTITIONS = 3, 60, 6
TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    """Seconds of processor time that a process took."""
    fields = open(f"/proc/{pid}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def server_pids(status):
    return [int(line.split()[2]) for line in status.splitlines()]


class Meter:
    """Processor time of the parts of a deployment."""

    def __init__(self, servers, deployment):
        self.pids = {"serve": [process.process.pid for process in deployment.processes],
                     "cassandra": server_pids(servers.cassandra("status")), "kafka": server_pids(servers.kafka("status"))}

    def read(self):
        return {part: sum(cpu_of(pid) for pid in pids) for part, pids in self.pids.items()}


def open_accounts(deployment):
    lines = deployment.client()
    accounts = [lines.done({"op": "open_account", "name": "Ann"})["account"] for _ in range(ACCOUNTS)]
    lines.close()
    return accounts


def write_deposits(path, accounts, count):
    with open(path, "w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps({"op": "deposit", "key": uuid.uuid4().hex, "account": accounts[number % len(accounts)],
                                   "amount": "0.01"}) + "\n")


def send_many(deployment, accounts, commands):
    """Several clients at once, many lines on their way each. Returns wall time, and the clients' processor time."""
    files = []
    for client in range(CLIENTS):
        files.append(deployment.folder / f"deposits{client}")
        write_deposits(files[-1], accounts, commands // CLIENTS)
    before = os.times()
    start = time.monotonic()
    clients = [subprocess.Popen([PROGRAM, "send", "--bus", deployment.bus, "--prefix", deployment.prefix, "--pipeline", "4096",
                                 path], stdout=open(f"{path}.out", "wb")) for path in files]
    for client in clients:
        assert client.wait(SECONDS * 3) == 0
    wall = time.monotonic() - start
    after = os.times()
    for path in files:
        answers = [json.loads(line) for line in open(f"{path}.out", encoding="utf-8")]
        assert len(answers) == commands // CLIENTS and all(answer["ok"] for answer in answers), answers[:1]
    return wall, after.children_user + after.children_system - before.children_user - before.children_system


def send_one_by_one(deployment, accounts, count=400):
    lines, took = deployment.client(), []
    for account in accounts:  # until all connections are there
        lines.done({"op": "view_account", "id": account})
    for number in range(count):
        start = time.monotonic()
        lines.done({"op": "deposit", "account": accounts[number % len(accounts)], "amount": "0.01"})
        took.append((time.monotonic() - start) * 1e3)
    lines.close()
    return statistics.median(took), sorted(took)[len(took) * 99 // 100]


def measure(servers, processes, commands):
    """Prints a line, and returns microseconds of processor time a command, by part."""
    with Deployment(servers, partitions=PARTITIONS, processes=processes) as deployment:
        accounts = open_accounts(deployment)
        meter = Meter(servers, deployment)
        median, late = send_one_by_one(deployment, accounts)
        before = meter.read()
        wall, clients = send_many(deployment, accounts, commands)
        after = meter.read()
        cost = {part: (after[part] - before[part]) / commands * 1e6 for part in before}
        print(f"| {processes} | {commands / wall:,.0f} | {cost['serve']:.1f} | {cost['cassandra']:.1f} | {cost['kafka']:.1f} | "
              f"{clients / commands * 1e6:.1f} | {median:.1f} / {late:.1f} |", flush=True)
        return cost


def reckon(house, cost):
    """Processors at the peak, half of each free."""
    peak = house.users * house.daily / 86400 * house.peak
    needs = {"trading serve": peak * cost["serve"], "Cassandra": peak * cost["cassandra"] * house.copies,
             "Kafka": peak * cost["kafka"] * house.copies}
    print(f"\n{house.users:,.0f} users, {house.daily:g} commands each a day, {house.peak:g} times as many at the peak, {house.copies} copies")
    print(f"commands at the peak      {peak:,.0f}/s")
    for part, microseconds in needs.items():
        print(f"processors, {part:13} {2 * microseconds / 1e6:.1f}")
    print(f"journal a day             {house.users * house.daily * house.bytes / 1e9:.1f} GB, times {house.copies} copies")
    print(f"memory of the accounts    {house.users * 320 / 1e9:.1f} GB, if all are in use")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--commands", type=int, default=60000, help="how many are measured")
    parser.add_argument("--users", type=float, default=1e7)
    parser.add_argument("--daily", type=float, default=10, help="commands of a user a day")
    parser.add_argument("--peak", type=float, default=10, help="how many times the day's mean the busiest second has")
    parser.add_argument("--copies", type=int, default=3, help="of the journal and of the topics")
    parser.add_argument("--bytes", type=float, default=152, help="of the journal a command: docs/scale.md")
    house = parser.parse_args()
    servers = Servers()
    print(f"{house.commands} deposits, {PARTITIONS} partitions, {CLIENTS} clients, commitlog_sync: batch, {os.cpu_count()} processors\n")
    print("| processes | commands/s | µs each in trading serve | in Cassandra | in Kafka | in the clients | one alone, ms p50 / p99 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    costs = [measure(servers, processes, house.commands) for processes in (1, 2, 3)]
    reckon(house, {part: max(cost[part] for cost in costs) for part in costs[0]})


if __name__ == "__main__":
    main()
