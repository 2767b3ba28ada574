"""The states that are forked and serialised, as code."""

SMALL_OBJECTS = "data = [f'{n:045d}' for n in range(1_050_000)]"
"""About 100 MB: a million str objects of 94 bytes each, and the list."""

BIG_ARRAY = "import numpy; data = numpy.ones(1 << 27)"
"""1 GB."""
