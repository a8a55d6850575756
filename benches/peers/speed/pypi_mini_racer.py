"""PyPI's mini-racer."""

import importlib.metadata

import py_mini_racer

import contender


class Context:
    def __init__(self):
        self.context = py_mini_racer.MiniRacer()

    def number(self, source):
        return self.context.eval(source, timeout_sec=contender.DEADLINE)

    def members(self, source):
        # By way of JSON.
        return len(self.context.execute(source, timeout_sec=contender.DEADLINE))

    def host(self):
        raise contender.Cannot("its functions of the host are async only")

    def close(self):
        self.context.close()


contender.serve(f"{importlib.metadata.version('mini-racer')}; with a timeout; objects as JSON", Context)
