"""PyPI's quickjs-rs."""

import importlib.metadata

import quickjs_rs

import contender


class Context:
    def __init__(self):
        self.runtime = quickjs_rs.Runtime()
        self.context = self.runtime.new_context(timeout=contender.DEADLINE)

    def number(self, source):
        return self.context.eval(source)

    def members(self, source):
        return len(self.context.eval(source))

    def host(self):
        self.context.function(name="add")(lambda a, b: a + b)

    def close(self):
        self.context.close()
        self.runtime.close()


contender.serve(f"{importlib.metadata.version('quickjs-rs')}; a runtime for each context, with a timeout", Context)
