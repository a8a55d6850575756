"""The runner of PyPI's mini-racer."""

from py_mini_racer import JSTimeoutException, MiniRacer

import runner


def run(task):
    with MiniRacer() as context:
        context.eval(runner.KEEP)

        def evaluate():
            context.eval(task["source"], timeout_sec=runner.DEADLINE, max_memory=runner.MEMORY)

        def ending_of(error):
            stopped = isinstance(error, JSTimeoutException)
            return "timeout" if stopped else f"{type(error).__name__} {error}"[:100]

        def is_kept():
            return context.eval(runner.IS_KEPT, timeout_sec=runner.DEADLINE)

        return runner.measure(evaluate, ending_of, is_kept)


runner.serve(run)
