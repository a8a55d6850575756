"""PyPI's pyduktape2."""

import importlib.metadata
import json

import pyduktape2

import contender


class Context:
    def __init__(self):
        self.context = pyduktape2.DuktapeContext()

    def number(self, source):
        return self.context.eval_js(source)

    def members(self, source):
        return len(json.loads(self.context.eval_js(f"JSON.stringify({source})")))

    def host(self):
        self.context.set_globals(add=lambda a, b: a + b)

    def close(self):
        del self.context


contender.serve(f"{importlib.metadata.version('pyduktape2')}; without a deadline, as it has none; objects as JSON", Context)
