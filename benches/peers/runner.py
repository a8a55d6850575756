"""What drive.py asks of a runner, and what it is told: JSON, one line each."""

import json
import os
import sys
import time

DEADLINE = 0.05
MEMORY = 32 << 20
STACK = 256 << 10
KEEP = "globalThis.kept = 41"
IS_KEPT = "globalThis.kept + 1 === 42"

# What engines print themselves is no answer.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(answer):
    print(json.dumps(answer), file=answers, flush=True)


def serve(run):
    """Runs what comes, until nothing more does."""
    say(True)
    for line in sys.stdin:
        say(run(json.loads(line)))


def measure(evaluate, ending_of, is_kept):
    """Times `evaluate`. `ending_of` an exception is `timeout`, or any other word; `is_kept` is asked after that was said."""
    started = time.perf_counter()
    try:
        evaluate()
        ended = "value"
    except Exception as error:
        ended = ending_of(error)
    ms = (time.perf_counter() - started) * 1000
    say({"ms": ms, "ended": ended})
    kept = None
    if ended == "timeout":
        try:
            kept = is_kept() is True
        except Exception:
            kept = False
    return {"kept": kept}
