"""What the scoreboard asks of a contender in Python, and what it is told: JSON, one line each (../../scoreboard/task.rs)."""

import json
import os
import sys
import time

# What engines print themselves is no answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

# Seconds, as a call of aiointernal may take.
DEADLINE = 5


class Cannot(Exception):
    """What an engine does not do, and why."""


def say(answer):
    print(json.dumps(answer), file=answers, flush=True)


def serve(version, Context):
    """Does what it is asked, with contexts that have `number`, `members` (of an object, as values of Python), `host` and `close`."""
    kept = []

    def run(kind, setup, source, times):
        started = time.perf_counter_ns()
        if kind == "fresh":
            for _ in range(times):
                context = Context()
                value = context.number(source)
                context.close()
        elif kind == "memory":
            for _ in range(times):
                kept.append(Context())
                value = kept[-1].number(source)
        elif kind == "pooled":
            raise Cannot("it has no pool")
        else:
            context = Context()
            if kind == "host":
                context.host()
            context.number(setup)
            evaluate = context.members if kind == "object" else context.number
            started = time.perf_counter_ns()
            for _ in range(times):
                value = evaluate(source)
            nanos = time.perf_counter_ns() - started
            context.close()
            return {"nanos": nanos, "value": value}
        return {"nanos": time.perf_counter_ns() - started, "value": value}

    say(version)
    for line in sys.stdin:
        try:
            say({"Ok": run(**json.loads(line))})
        except Exception as error:
            lines = str(error).strip().split("\n")
            say({"Err": lines[0] if isinstance(error, Cannot) else f"{type(error).__name__}: {lines[0]}"})
