"""The runner of PyPI's quickjs, which takes its time limit as processor time."""

import time

import quickjs

import runner


def run(task):
    context = quickjs.Context()
    context.set_memory_limit(runner.MEMORY)
    context.set_time_limit(runner.DEADLINE)
    context.set_max_stack_size(runner.STACK)
    context.eval(runner.KEEP)

    def evaluate():
        until = time.perf_counter() + runner.DEADLINE
        result = (context.module if task["module"] else context.eval)(task["source"])
        if isinstance(result, quickjs.Object):
            result.json()
        # Its limit does not hold for jobs, so that this loop is as much as a host can do.
        while context.execute_pending_job():
            if time.perf_counter() >= until:
                raise quickjs.JSException("InternalError: interrupted")

    def ending_of(error):
        return "timeout" if "InternalError: interrupted" in str(error) else f"threw {error}"[:100]

    return runner.measure(evaluate, ending_of, lambda: context.eval(runner.IS_KEPT))


runner.serve(run)
