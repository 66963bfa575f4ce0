"""What bench/compare runs: `trading bench`, and the peers, which are built under build-bench/ on the way."""
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parents[2]
WORK = TOP / "build-bench"

PEERS = {
    "sqlite": "an event table in SQLite (needs libsqlite3-dev when libtrading is built)",
    "lobster": "the order book of the lobster crate (needs cargo)",
    "exchange-core": "exchange-core from Maven Central (needs a JDK and Maven)",
}

# exchange-core's libraries look into the virtual machine, which newer ones allow only when told to.
JAVA_OPENS = ["java.lang", "java.lang.reflect", "java.io", "java.util", "java.nio", "sun.nio.ch", "jdk.internal.misc", "jdk.internal.ref"]


class Failure(Exception):
    """A program that was needed is not there, or failed."""


def run(command, **options):
    """Runs a program to its end. Returns what it printed. Where a person looks on, what it says of its progress is shown."""
    shown = None if sys.stderr.isatty() else subprocess.PIPE
    try:
        done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=shown, text=True, check=False, **options)
    except FileNotFoundError as missing:
        raise Failure(f"{command[0]} is not there: scripts/install-dependencies --bench installs it") from missing
    if done.returncode:
        raise Failure(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout[-2000:]}{(done.stderr or '')[-2000:]}")
    return done.stdout


class Spread:
    """The values of several repetitions."""

    def __init__(self, values):
        self.values = sorted(values)
        self.median = statistics.median(self.values)
        self.least, self.most = self.values[0], self.values[-1]

    def as_json(self):
        return {"median": self.median, "least": self.least, "most": self.most}


class Tools:
    """Runs what is measured. `scale` says how much of it. What that writes is removed at the end, but for stores in a folder that is given."""

    def __init__(self, build, scale, tigerbeetle=None, stores=None, say=print):
        self.build, self.scale, self.tigerbeetle, self.say = build, scale, tigerbeetle, say
        self.built = {}
        self.folder = tempfile.TemporaryDirectory(prefix="trading-compare-")
        self.stores = stores or pathlib.Path(self.folder.name)
        if not (self.build / "examples/cli/trading").exists():
            raise Failure(f"there is no build in {self.build}: meson setup {self.build} --buildtype=release && ninja -C {self.build}")

    def bench(self, work, **options):
        """`trading bench WORK`; accounts=5 is --accounts 5. Returns its figures."""
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        command = [self.build / "examples/cli/trading", "bench", work, "--json", *arguments]
        self.say(" ".join(["trading", *map(str, command[1:])]))
        return json.loads(run(command, env={**os.environ, "TMPDIR": self.folder.name}))

    def grown(self, accounts, events):
        """A store with so many accounts and events, or more where it was used: its URI. Who asks for it first makes it."""
        store = f"lmdb:{self.stores}/{accounts}-accounts-{events}-events"

        def make():
            self.bench("deposits", accounts=accounts, events=events, store=store, seconds=0.1)
            return store
        return self.once(f"a store of {accounts:,} accounts and {events:,} events", make)

    def repeat(self, *measures):
        """Runs the measures one after another, again and again, so that each has the same moods of the machine. A list of results each."""
        rounds = [[measure() for measure in measures] for _ in range(self.scale.repeat)]
        return [list(results) for results in zip(*rounds)]

    def once(self, name, make):
        if name not in self.built:
            self.say(f"making {name}")
            self.built[name] = make()
        return self.built[name]

    # The peers.

    def sqlite(self, batch):
        program = self.build / "bench/sqlite-events"
        if not program.exists():
            raise Failure("bench/sqlite-events was not built: libsqlite3-dev is missing, or the build has -Dbench=false")
        with tempfile.TemporaryDirectory() as folder:
            self.say(f"sqlite-events --batch {batch}")
            return json.loads(run([program, "--batch", batch, "--seconds", self.scale.seconds, folder]))

    def lobster(self, orders):
        def make():
            target = WORK / "lobster"
            run(["cargo", "build", "--release", "--locked", "--manifest-path", TOP / "bench/peers/lobster/Cargo.toml", "--target-dir", target])
            return target / "release/lobster-flow"
        program = self.once("lobster", make)
        self.say(f"lobster-flow {orders}")
        return json.loads(run([program, orders]))

    def exchange_core(self, orders, journal):
        def make():
            target = WORK / "exchange-core"
            run(["mvn", "-q", "-B", "-f", TOP / "bench/peers/exchange-core/pom.xml", f"-Dflow.build={target}", "package"])
            return target
        target = self.once("exchange-core", make)
        opens = [f"--{how}=java.base/{name}=ALL-UNNAMED" for name in JAVA_OPENS for how in ("add-opens", "add-exports")]
        command = ["java", *opens, "-cp", f"{target}/classes:{target}/lib/*", "ExchangeCoreFlow", orders, self.scale.rounds, "YIELDING"]
        with tempfile.TemporaryDirectory() as folder:
            self.say(f"exchange-core: {orders} orders, {'with' if journal else 'without'} its journal")
            return json.loads(run(command + ([folder] if journal else [])))

    def tigerbeetle_transfers(self):
        """Transfers a second by TigerBeetle's own benchmark."""
        self.say("tigerbeetle benchmark")
        with tempfile.TemporaryDirectory() as folder:
            shown = run([self.tigerbeetle, "benchmark", "--transfer-count=1000000", "--account-count=10000"], cwd=folder)
        found = re.search(r"load accepted = (\d+) tx/s", shown)
        if not found:
            raise Failure(f"{self.tigerbeetle} benchmark printed no \"load accepted\":\n{shown[-2000:]}")
        return int(found[1])

    def instructions(self):
        self.say("instructions")
        return int(run([TOP / "bench/instructions", self.build]))


def draw_png(svg, png):
    """Draws the SVG with whichever tool is there."""
    if not shutil.which("rsvg-convert"):
        raise Failure("rsvg-convert is not there: scripts/install-dependencies --bench installs it")
    run(["rsvg-convert", "--output", png, svg])
