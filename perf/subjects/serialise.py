"""Seconds that a serialiser takes to dump a state and load it again, on this host."""

from __future__ import annotations

import importlib
import sys
from time import perf_counter

import state
from serve import serve

LIBRARY, STATE = sys.argv[1:]
library = importlib.import_module(LIBRARY)
namespace: dict = {}
exec(getattr(state, STATE), namespace)


def measure() -> float:
    began = perf_counter()
    copy = library.loads(library.dumps(namespace["data"], protocol=5))
    took = perf_counter() - began
    if len(copy) != len(namespace["data"]):
        raise RuntimeError("the copy differs")
    return took


serve(measure)
