"""Deployments on real servers, for tests that let things fail.

    servers = Servers(nodes=1, brokers=1)
    with Deployment(servers, partitions=4, processes=3) as deployment:
        with deployment.load(clients=4) as load:    # concurrent clients; all that they ask and are answered is kept
            load.await_more(50)
            deployment.processes[0].kill()          # or .pause(), .resume(), .stop(), .start(), .forget_state()
            load.await_more(50)
        deployment.prove(load.history)              # the invariants, from the journal alone

A history is a list of dictionaries in the order of their ends: client, start, end (nanoseconds of one monotonic clock), request, answer. write_history()
writes it as JSON Lines.

In the environment: TRADING_PROGRAM, TRADING_TOP, TRADING_PLUGIN_PATH; and what tests/servers/*/server take.
"""
import contextlib
import hashlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import uuid
from decimal import Decimal

PROGRAM = os.environ["TRADING_PROGRAM"]
TOP = pathlib.Path(os.environ["TRADING_TOP"])
SECONDS = 180  # a wait that takes longer has failed

# So that a process that is dead, or stands still, is soon taken for dead.
BUS_OPTIONS = "session.timeout.ms=6000&heartbeat.interval.ms=1000"


class Servers:
    """Cassandra and Kafka on loopback, brought up if they are not."""

    def __init__(self, nodes=1, brokers=1):
        self.nodes, self.brokers = nodes, brokers
        self.cassandra("up", str(nodes))
        self.kafka("up", str(brokers))
        self.cassandra_hosts = self.cassandra("hosts").strip()
        self.kafka_hosts = self.kafka("hosts").strip()

    def _run(self, name, *arguments):
        return subprocess.run([TOP / "tests/servers" / name / "server", *arguments], check=True, text=True, timeout=600,
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout

    def cassandra(self, *arguments):
        return self._run("cassandra", *arguments)

    def kafka(self, *arguments):
        return self._run("kafka", *arguments)

    def store(self, name):
        return f"cassandra://{self.cassandra_hosts}/serve?create={self.nodes}&journal={name}"

    def bus(self):
        copies = f"&replication={self.brokers}"
        return f"kafka://{self.kafka_hosts}/?{BUS_OPTIONS}{copies}"


class Process:
    """One `trading serve`."""

    def __init__(self, deployment, number):
        self.deployment, self.number = deployment, number
        self.folder = deployment.folder / f"process{number}"
        self.folder.mkdir()
        self.process = None

    def start(self):
        deployment = self.deployment
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--partitions", str(deployment.partitions), "--store", deployment.store, "--bus", deployment.bus,
             "--prefix", deployment.prefix, "--state", self.folder / "state", *deployment.options],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.log.close()

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait(SECONDS)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """In good order; it must end well."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"process {self.number} did not end: {self.said()[-2000:]}") from None
        if code:
            raise AssertionError(f"process {self.number} ended with {code}: {self.said()[-2000:]}")

    def forget_state(self):
        shutil.rmtree(self.folder / "state")


class Lines:
    """A program that answers each line with a line."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([PROGRAM, *arguments], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"no answer to {request}")
        return json.loads(line)

    def done(self, request):
        answer = self.ask(request)
        if not answer["ok"]:
            raise AssertionError(f"{request}: {answer}")
        return answer

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(SECONDS)
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()


class Load:
    """Clients that ask at the same time, each for one thing after another."""

    def __init__(self, deployment, clients, accounts, seed, ops):
        self.deployment, self.ops = deployment, ops
        self.history = []
        self.changed = threading.Condition()
        self.stopping = False
        self.failures = []
        self.accounts = []
        self._open_accounts(accounts)
        self.threads = [threading.Thread(target=self._client, args=(number, random.Random(f"{seed}/{number}")))
                        for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def _keep(self, client, start, request, answer):
        with self.changed:
            self.history.append({"client": client, "start": start, "end": time.monotonic_ns(), "request": request,
                                 "answer": answer})
            self.changed.notify_all()

    def _open_accounts(self, count):
        lines = self.deployment.client()
        lines.done({"op": "quote", "symbol": "IBM", "bid": "9.90", "ask": "10.00"})
        for _ in range(count):
            start = time.monotonic_ns()
            request = {"op": "open_account", "key": uuid.uuid4().hex, "name": "Ann", "deposit": "1000.00"}
            answer = lines.done(request)
            self.accounts.append((answer["account"], answer["portfolio"]))
            self._keep(-1, start, request, answer)
        lines.close()

    def _draw(self, draw):
        """A request that anyone might make."""
        op = draw.choice(self.ops)
        account, portfolio = draw.choice(self.accounts)
        key, amount = uuid.UUID(int=draw.getrandbits(128)).hex, f"{draw.randint(1, 300) / 100:.2f}"
        if op == "view_account":
            return {"op": op, "id": account}
        if op == "place_order":
            return {"op": op, "key": key, "portfolio": portfolio, "side": draw.choice(["buy", "sell"]), "symbol": "IBM",
                    "quantity": str(draw.randint(1, 3)), "type": "limit", "limit_price": draw.choice(["9.90", "9.95", "10.00"]),
                    "time_in_force": draw.choice(["gtc", "ioc"])}
        if op == "transfer":
            other = draw.choice([one for one, _ in self.accounts if one != account])
            return {"op": op, "key": key, "account": account, "to": other, "amount": amount}
        return {"op": op, "key": key, "account": account, "amount": amount}

    def _client(self, number, draw):
        lines = self.deployment.client()
        try:
            while not self.stopping:
                request = self._draw(draw)
                start = time.monotonic_ns()
                self._keep(number, start, request, lines.ask(request))
            lines.close()
        except Exception as failure:  # told by the thread that waits
            lines.kill()
            with self.changed:
                self.failures.append(failure)
                self.changed.notify_all()

    def await_more(self, count, seconds=SECONDS):
        """Waits until so many more requests are answered."""
        with self.changed:
            wanted = len(self.history) + count
            self.changed.wait_for(lambda: len(self.history) >= wanted or self.failures, seconds)
            if self.failures:
                raise self.failures[0]
            if len(self.history) < wanted:
                raise AssertionError(f"only {len(self.history)} of {wanted} answers came:\n{self.deployment.said()}")

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(SECONDS)
        if self.failures:
            raise self.failures[0]


class Deployment:
    """Processes over one store and one bus, which nobody else uses."""

    def __init__(self, servers, partitions=4, processes=3, options=(), start=None):
        self.servers, self.partitions, self.options = servers, partitions, options
        self.name = uuid.uuid4().hex[:12]
        self.prefix = f"t{self.name}"
        self.store, self.bus = servers.store(self.name), servers.bus()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trading-serve-"))
        self.processes = [Process(self, number) for number in range(processes)]
        self.first = processes if start is None else start

    def __enter__(self):
        subprocess.run([PROGRAM, "store", "create", "--store", self.store], check=True, stdout=subprocess.DEVNULL)
        for process in self.processes[:self.first]:
            process.start()
        self._await_topics()
        return self

    def __exit__(self, *failure):
        try:
            for process in self.processes:
                if process.process and process.process.poll() is None:
                    process.resume()
                    process.stop() if failure[0] is None else process.kill()
        finally:
            if failure[0] is None:
                shutil.rmtree(self.folder)

    def _await_topics(self):
        end = time.monotonic() + SECONDS
        while subprocess.run([PROGRAM, "send", "--bus", self.bus, "--prefix", self.prefix, "/dev/null"],
                             stderr=subprocess.DEVNULL).returncode:
            if time.monotonic() > end:
                raise AssertionError(f"nobody made the topics:\n{self.said()}")
            time.sleep(0.2)

    def said(self):
        return "\n".join(f"process {process.number}: {process.said()[-3000:]}" for process in self.processes if process.process)

    def client(self):
        return Lines("send", "--bus", self.bus, "--prefix", self.prefix, "--again", "3", "--timeout", str(SECONDS))

    def owners(self):
        """Which process runs which partition, by what they said last."""
        owners = {}
        for process in self.processes:
            if not process.process or process.process.poll() is not None:
                continue
            for line in process.said().splitlines():
                words = line.split()
                if words[2:3] == ["partition"]:
                    if "open," in words:
                        owners[int(words[3])] = process
                    elif owners.get(int(words[3])) is process:
                        del owners[int(words[3])]
        return owners

    @contextlib.contextmanager
    def load(self, clients=4, accounts=12, seed=1,
             ops=("deposit", "deposit", "withdraw", "transfer", "transfer", "place_order", "view_account")):
        load = Load(self, clients, accounts, seed, ops)
        try:
            yield load
        except BaseException:
            load.stopping = True
            for process in self.processes:
                if process.process and process.process.poll() is None:
                    process.resume()
            raise
        load.stop()

    # ---- what must hold ----

    def prove(self, history):
        """Ends all processes, and proves from the journal: it is sound, nothing is on its way for ever, every acknowledged command is in it
        once, and none that nobody sent; and every account has what its acknowledged commands come to."""
        for process in self.processes:
            process.stop()
        lines = Lines("run", "--store", self.store)
        try:
            accounts = self._settle(lines)
            verification = lines.done({"op": "verify"})
            lines.close()
        except BaseException:
            lines.kill()
            raise
        assert verification["sound"], verification
        events = self.events()
        self._check_once(history, events)
        self._check_balances(history, accounts, events)

    def events(self):
        """All events of all partitions."""
        events = []
        for partition in range(self.partitions):
            feed = subprocess.run([PROGRAM, "feed", "--store", self.store, "--json", "--partition", str(partition)], check=True,
                                  stdout=subprocess.PIPE, timeout=SECONDS)
            events += [json.loads(line) for line in feed.stdout.splitlines()]
        return events

    def _settle(self, lines):
        end = time.monotonic() + SECONDS
        while True:
            accounts = {account["account"]: account for account in lines.done({"op": "accounts"})["accounts"]}
            if not any("pending" in account for account in accounts.values()):
                return accounts
            assert time.monotonic() < end, f"money is on its way for ever: {accounts}"
            time.sleep(0.2)

    def _check_once(self, history, events):
        """By the keys, which are the first 16 bytes of BLAKE2b-128 of their text."""
        def key_of(request):
            return hashlib.blake2b(request["key"].encode(), digest_size=16).hexdigest()

        kinds = {"open_account": "ACCOUNT_OPENED", "deposit": "FUNDS_DEPOSITED", "withdraw": "FUNDS_WITHDRAWN",
                 "transfer": "TRANSFER_SENT", "place_order": "ORDER_PLACED"}
        done = {}
        for event in events:
            if event["event"] in kinds.values() and event.get("command") in kinds:
                done.setdefault(event["key"], []).append(event["event"])
        for entry in history:
            request, answer = entry["request"], entry["answer"]
            if "key" not in request:
                continue
            assert answer["ok"] or answer["reason"] not in ("TIMEOUT", "OUTCOME_UNKNOWN"), entry
            found = done.pop(key_of(request), []).count(kinds[request["op"]])
            if request["op"] == "open_account":  # its deposit has the same key
                assert found == 1, entry
            else:
                assert found == (1 if answer["ok"] else 0), (entry, found)
        assert not done, f"nobody sent these: {done}"

    def _check_balances(self, history, accounts, events):
        balances = {account: Decimal(0) for account in accounts}
        for entry in history:
            request, answer = entry["request"], entry["answer"]
            if not answer["ok"] or "key" not in request:
                continue
            if request["op"] == "open_account":
                balances[answer["account"]] += Decimal(request["deposit"])
            elif request["op"] == "deposit":
                balances[request["account"]] += Decimal(request["amount"])
            elif request["op"] in ("withdraw", "transfer"):
                balances[request["account"]] -= Decimal(request["amount"])
            if request["op"] == "transfer":
                balances[request["to"]] += Decimal(request["amount"])
        for event in events:
            if event["event"] == "FUNDS_PAID":
                balances[event["account"]] -= Decimal(event["amount"])
            elif event["event"] == "FUNDS_RECEIVED":
                balances[event["account"]] += Decimal(event["amount"])
        for account, expected in balances.items():
            assert Decimal(accounts[account]["balance"]) == expected, (account, accounts[account], expected)


def write_history(history, path):
    with open(path, "w", encoding="utf-8") as file:
        for entry in history:
            file.write(json.dumps(entry) + "\n")
