"""Deployments on real servers, for tests that let things fail.

    servers = Servers(nodes=1, brokers=1)
    with Deployment(servers, partitions=4, processes=3) as deployment:
        with deployment.load(clients=4) as load:    # concurrent clients; all that they ask and are answered is kept
            load.await_more(50)
            deployment.processes[0].kill()          # or .pause(), .resume(), .stop(), .start(), .forget_state()
            load.await_more(50)
        deployment.prove(load.history)              # the invariants, from the journal alone

A history is a list of dictionaries in the order of their ends: client, start, end (nanoseconds of one monotonic clock), request, answer, which is None
where the client ended before it saw one. judge() has the history of such a load as ALONE makes judged by tests/serve/linearizability.

In the environment: TRADING_PROGRAM, TRADING_TOP, TRADING_PLUGIN_PATH, TRADING_CARRIER (serve-carrier), TRADING_LINEARIZABILITY (the program that
judges); and what tests/servers/*/server take.
"""
import contextlib
import hashlib
import itertools
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
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

PROGRAM = os.environ["TRADING_PROGRAM"]
TOP = pathlib.Path(os.environ["TRADING_TOP"])
SECONDS = 180  # a wait that takes longer has failed
SERVERS_SECONDS = 3600  # so long servers may take to start, one after another on a busy machine, and a client waits for them

# So that a process that is dead, or stands still, is soon taken for dead.
BUS_OPTIONS = "session.timeout.ms=6000&heartbeat.interval.ms=1000"

# A load on few accounts, each by itself, so that there is a model of what they answer. Money is short, and clients die.
ALONE = {"seed": 2, "clients": 4, "accounts": 2, "deposit": "3.00", "dying": 0.1, "ops": ("deposit", "withdraw", "withdraw", "view_account")}


def await_that(condition, what):
    """Waits until the condition holds."""
    end = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < end, what()
        time.sleep(0.1)


class Servers:
    """Cassandra and Kafka on loopback, brought up if they are not."""

    def __init__(self, nodes=1, brokers=1):
        self.nodes, self.brokers = nodes, brokers
        self.start()
        self.cassandra_hosts = self.cassandra("hosts").strip()
        self.kafka_hosts = self.kafka("hosts").strip()

    def _run(self, name, *arguments):
        return subprocess.run([TOP / "tests/servers" / name / "server", *arguments], check=True, text=True, timeout=SERVERS_SECONDS,
                              stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout

    def cassandra(self, *arguments):
        return self._run("cassandra", *arguments)

    def kafka(self, *arguments):
        return self._run("kafka", *arguments)

    def start(self):
        """Those that do not run."""
        with ThreadPoolExecutor() as pool:
            up = [pool.submit(self.cassandra, "up", str(self.nodes)), pool.submit(self.kafka, "up", str(self.brokers))]
        for one in up:
            one.result()

    def each(self):
        """Every node and broker, as (which of the two, number)."""
        return [(self.cassandra, number + 1) for number in range(self.nodes)] + \
               [(self.kafka, number + 1) for number in range(self.brokers)]

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

    def start(self, *more):
        deployment = self.deployment
        self.said_before = len(self.said())
        self.log = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--partitions", str(deployment.partitions), "--store", deployment.store, "--bus", deployment.bus,
             "--prefix", deployment.prefix, "--state", self.folder / "state", *deployment.options, *more],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.log.close()

    def said(self):
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def lines(self):
        """Since it was started, without one that it is in the middle of."""
        return self.said()[self.said_before:].rpartition("\n")[0].splitlines()

    def partitions(self):
        """Which it runs, by what it said since it was started."""
        partitions = set()
        for line in self.lines():
            words = line.split()
            if words[2:3] == ["partition"]:
                partitions.add(int(words[3])) if "open," in words else partitions.discard(int(words[3]))
        return partitions

    def runs(self):
        """A process that ends by itself has failed."""
        if self.process and self.process.poll() is not None:
            raise AssertionError(f"process {self.number} ended by itself, with {self.process.returncode}: {self.said()[-2000:]}")
        return self.process is not None

    def kill(self):
        self.process.kill()
        self.process.wait(SECONDS)
        self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        """In good order; it must end well."""
        if not self.runs():
            return
        self.process.terminate()
        try:
            code = self.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"process {self.number} did not end: {self.said()[-2000:]}") from None
        self.process = None
        if code:
            raise AssertionError(f"process {self.number} ended with {code}: {self.said()[-2000:]}")

    def forget_state(self):
        shutil.rmtree(self.folder / "state")


class Lines:
    """A program that answers each line with a line. What it says beside goes to the file `log`, if there is one."""

    def __init__(self, *arguments, program=PROGRAM, log=None):
        self.log = log
        with open(log, "wb") if log else contextlib.nullcontext() as errors:
            self.process = subprocess.Popen([program, *arguments], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors)

    def said(self):
        return self.log.read_text(errors="replace") if self.log else "what is on standard error"

    def _ended(self, what):
        """Tells why it did, which a test is not the one to guess."""
        return AssertionError(f"{what}: {self.log or 'it'} ended by itself, with {self.process.wait(SECONDS)}, and said: {self.said()[-2000:]}")

    def _tell(self, request):
        with contextlib.suppress(BrokenPipeError):  # then there will be no answer
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()

    def ask(self, request):
        self._tell(request)
        line = self.process.stdout.readline()
        if not line:
            raise self._ended(f"no answer to {request}")
        return json.loads(line)

    def ask_and_die(self, request, seconds):
        """Whether it came to be asked, or done, nobody knows."""
        self._tell(request)
        time.sleep(seconds)
        if self.process.poll() is not None:
            raise self._ended(f"while it did {request}")
        self.kill()

    def done(self, request):
        answer = self.ask(request)
        if not answer["ok"]:
            raise AssertionError(f"{request}: {answer}")
        return answer

    def finish(self):
        """It must end well."""
        if self.close():
            raise self._ended("at its end")

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(SECONDS)
        self.process.stdout.close()
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()


class Load:
    """Clients that ask at the same time, each for one thing after another."""

    def __init__(self, deployment, clients, accounts, seed, ops, deposit, dying):
        self.deployment, self.ops, self.dying = deployment, ops, dying
        self.history = []
        self.changed = threading.Condition()
        self.stopping = False
        self.failures = []
        self.lines = {}  # of each client, the one that it has now
        self.accounts = []
        self._open_accounts(accounts, deposit)
        self.threads = [threading.Thread(target=self._client, args=(number, random.Random(f"{seed}/{number}")))
                        for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def _keep(self, client, start, request, answer):
        with self.changed:
            self.history.append({"client": client, "start": start, "end": time.monotonic_ns(), "request": request,
                                 "answer": answer})
            self.changed.notify_all()

    def _open_accounts(self, count, deposit):
        lines = self.deployment.client()
        lines.done({"op": "quote", "symbol": "IBM", "bid": "9.90", "ask": "10.00"})
        for _ in range(count):
            start = time.monotonic_ns()
            request = {"op": "open_account", "key": uuid.uuid4().hex, "name": "Ann", "deposit": deposit}
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
        lines = self.lines[number] = self.deployment.client()
        try:
            while not self.stopping:
                request = self._draw(draw)
                start = time.monotonic_ns()
                if draw.random() < self.dying:
                    lines.ask_and_die(request, draw.uniform(0, 0.3))
                    self._keep(number, start, request, None)
                    lines = self.lines[number] = self.deployment.client()
                else:
                    self._keep(number, start, request, lines.ask(request))
            lines.finish()
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

    def abandon(self):
        """After a failure nobody waits for answers."""
        self.stopping = True
        for lines in self.lines.values():
            lines.process.kill()

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join(SECONDS)
        if self.failures:
            raise self.failures[0]
        if any(thread.is_alive() for thread in self.threads):
            self.abandon()
            raise AssertionError(f"a client was not answered at the end:\n{self.deployment.said()}")


class Deployment:
    """Processes over one store and one bus, which nobody else uses."""

    def __init__(self, servers, partitions=4, processes=3, options=(), start=None):
        self.servers, self.partitions, self.options = servers, partitions, options
        self.name = uuid.uuid4().hex[:12]
        self.prefix = f"t{self.name}"
        self.store, self.bus = servers.store(self.name), servers.bus()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trading-serve-"))
        self.clients, self.client_numbers = self.folder / "clients", itertools.count()
        self.clients.mkdir()
        self.processes = [Process(self, number) for number in range(processes)]
        self.first = processes if start is None else start

    def __enter__(self):
        # Nodes that have just started may not know of each other yet.
        subprocess.run([PROGRAM, "store", "create", "--store", f"{self.store}&resolve_timeout={1000 * SECONDS}"], check=True,
                       stdout=subprocess.DEVNULL)
        for process in self.processes[:self.first]:
            process.start()
        self._await_topics()
        return self

    def __exit__(self, *failure):
        try:
            for process in self.processes:
                if process.process:
                    process.resume()
                    process.stop() if failure[0] is None else process.kill()
        finally:
            if failure[0] is None:
                shutil.rmtree(self.folder)

    def _await_topics(self):
        """A client waits for them."""
        client = subprocess.run([PROGRAM, "send", "--bus", self.bus, "--prefix", self.prefix, "--timeout", str(SECONDS), "/dev/null"],
                                stderr=subprocess.PIPE, text=True)
        assert not client.returncode, f"nobody made the topics:\n{client.stderr}\n{self.said()}"

    def await_successors(self, process):
        """Waits until others have what it had, while it stands still."""
        def opened_by_others(partition):
            return sum(other.said().count(f"partition {partition} is open,") for other in self.processes if other is not process)

        before = {partition: opened_by_others(partition) for partition in process.partitions()}
        await_that(lambda: all(opened_by_others(partition) > count for partition, count in before.items()),
                   lambda: f"nobody took the partitions of process {process.number}:\n{self.said()}")

    def info(self):
        """What one who watches is told."""
        told = subprocess.run([PROGRAM, "info", "--store", self.store, "--bus", self.bus, "--prefix", self.prefix, "--json"], check=True,
                              stdout=subprocess.PIPE, timeout=SECONDS)
        return json.loads(told.stdout)

    def fenced(self):
        """How often a process had to give up a partition because another wrote to it."""
        return sum(process.said().count("another writer") for process in self.processes)

    def said(self):
        return "\n".join(f"process {process.number}: {process.said()[-3000:]}" for process in self.processes)

    def client(self):
        return Lines("send", "--bus", self.bus, "--prefix", self.prefix, "--again", "3", "--timeout", str(SERVERS_SECONDS),
                     log=self.clients / str(next(self.client_numbers)))

    @contextlib.contextmanager
    def carrier(self):
        """Delivers everything again, in another order."""
        lines = Lines(self.bus, self.prefix, str(self.partitions), program=os.environ["TRADING_CARRIER"])
        try:
            assert lines.process.stdout.readline() == "ready\n"
            yield
        except BaseException:
            lines.kill()
            raise
        lines.process.stdin.close()
        copied = json.loads(lines.process.stdout.readline())
        assert lines.close() == 0 and all(copied.values()), copied

    @contextlib.contextmanager
    def load(self, clients=4, accounts=12, seed=1, deposit="1000.00", dying=0,
             ops=("deposit", "deposit", "withdraw", "transfer", "transfer", "place_order", "view_account")):
        load = Load(self, clients, accounts, seed, ops, deposit, dying)
        try:
            yield load
        except BaseException:
            load.abandon()
            for process in self.processes:
                if process.process:
                    process.resume()
            raise
        load.stop()

    # ---- what must hold ----

    def prove(self, history):
        """Ends all processes, and proves from the journal: it is sound, nothing is on its way for ever, every acknowledged command is in it
        once, and none that nobody sent; and every account has what its commands come to."""
        for process in self.processes:
            process.stop()
        lines = Lines("run", "--store", self.store)
        try:
            accounts, events = self._settle(lines)
            verification = lines.done({"op": "verify"})
            lines.close()
        except BaseException:
            lines.kill()
            raise
        assert verification["sound"], verification
        done = self._check_once(history, events)
        self._check_balances(done, accounts, events)

    def events(self):
        """All events of all partitions."""
        events = []
        for partition in range(self.partitions):
            feed = subprocess.run([PROGRAM, "feed", "--store", self.store, "--json", "--partition", str(partition)], check=True,
                                  stdout=subprocess.PIPE, timeout=SECONDS)
            events += [json.loads(line) for line in feed.stdout.splitlines()]
        return events

    def _settle(self, lines):
        """Until all money has arrived, and the homes of orders and their books agree on each: none is lost, nor filled more than it was there or
        twice here."""
        found = {}

        def is_settled():
            found["events"] = self.events()
            found["accounts"] = {account["account"]: account for account in lines.done({"op": "accounts"})["accounts"]}
            found["pending"] = [account for account in found["accounts"].values() if "pending" in account]
            found["orders"] = self._orders_that_differ(found["events"])
            return not found["pending"] and not found["orders"]

        await_that(is_settled, lambda: f"on its way for ever: {found['pending']} {found['orders']}")
        return found["accounts"], found["events"]

    def _orders_that_differ(self, events):
        kinds = ("ORDER_PLACED", "ORDER_SENT", "GUEST_PLACED", "ORDER_EXECUTED", "GUEST_EXECUTED")
        orders = {}
        for event in events:
            if event["event"] in kinds:
                orders.setdefault(event["order"], dict.fromkeys(kinds, Decimal(0)))[event["event"]] += Decimal(event["quantity"])
        return {order: sums for order, sums in orders.items()
                if sums["ORDER_EXECUTED"] > sums["ORDER_PLACED"] or sums["ORDER_SENT"] != sums["GUEST_PLACED"] or
                (sums["ORDER_SENT"] and (sums["GUEST_EXECUTED"] != sums["ORDER_EXECUTED"] or sums["ORDER_SENT"] != sums["ORDER_PLACED"]))}

    def _check_once(self, history, events):
        """By the keys, which are the first 16 bytes of BLAKE2b-128 of their text. Returns the entries of the commands that were done, and notes in
        each command's whether it came to be decided."""
        def key_of(request):
            return hashlib.blake2b(request["key"].encode(), digest_size=16).hexdigest()

        kinds = {"open_account": "ACCOUNT_OPENED", "deposit": "FUNDS_DEPOSITED", "withdraw": "FUNDS_WITHDRAWN",
                 "transfer": "TRANSFER_SENT", "place_order": "ORDER_PLACED"}
        found = {}
        for event in events:
            if event["event"] in kinds.values() and event.get("command") in kinds:
                found.setdefault(event["key"], []).append(event["event"])
        decided = {event.get("key") for event in events}
        done = []
        for entry in history:
            request, answer = entry["request"], entry["answer"]
            if "key" not in request:
                continue
            entry["decided"] = key_of(request) in decided
            times = found.pop(key_of(request), []).count(kinds[request["op"]])  # an opening's deposit has the same key
            if answer:
                assert answer["ok"] or answer["reason"] not in ("TIMEOUT", "OUTCOME_UNKNOWN"), entry
                assert times == (1 if answer["ok"] else 0), (entry, times)
            assert times <= 1, (entry, times)
            done += [entry] * times
        assert not found, f"nobody sent these: {found}"
        return done

    def _check_balances(self, done, accounts, events):
        balances = {account: Decimal(0) for account in accounts}
        for entry in done:
            request = entry["request"]
            if request["op"] == "open_account":
                balances[entry["answer"]["account"]] += Decimal(request["deposit"])
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


def had_a_part(entry):
    """Of what was not answered, that is what was decided all the same."""
    return entry["answer"] is not None or ("key" in entry["request"] and entry["decided"])


def judge(history):
    """That each account answered as if its operations had been done one at a time, each between its start and its end. After prove(): what never came to be
    decided, as its client died too soon, is left out. Who searches for the order would take it at every step for what may still be done."""
    with tempfile.NamedTemporaryFile("w", prefix="history-", suffix=".jsonl", delete=False) as file:
        for entry in filter(had_a_part, history):
            file.write(json.dumps(entry) + "\n")
    verdict = subprocess.run([os.environ["TRADING_LINEARIZABILITY"], "-picture", f"{file.name}.html", file.name], text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert verdict.returncode == 0, f"{verdict.stdout} (the history is {file.name}; {file.name}.html draws it)"
    os.unlink(file.name)
