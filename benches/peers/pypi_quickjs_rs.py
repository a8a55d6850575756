"""The runner of PyPI's quickjs-rs."""

import asyncio

import quickjs_rs

import runner


def run(task):
    with quickjs_rs.Runtime(memory_limit=runner.MEMORY, stack_limit=runner.STACK) as runtime:
        with runtime.new_context(timeout=runner.DEADLINE) as context:
            context.eval(runner.KEEP)

            @context.function(name="now")
            def now(*arguments):
                return len(arguments)

            @context.function(name="soon")
            async def soon():
                await asyncio.sleep(0)

            @context.function(name="never")
            async def never():
                await asyncio.get_running_loop().create_future()

            context.eval("globalThis.host = { now, soon, never }; null")

            # Its own limit leaves out the waiting for functions of the host.
            async def evaluate():
                async with asyncio.timeout(runner.DEADLINE):
                    await context.eval_async(task["source"], module=task["module"])

            def ending_of(error):
                stopped = isinstance(error, (TimeoutError, quickjs_rs.TimeoutError))
                return "timeout" if stopped else f"{type(error).__name__} {error}"[:100]

            return runner.measure(lambda: asyncio.run(evaluate()), ending_of, lambda: context.eval(runner.IS_KEPT))


runner.serve(run)
