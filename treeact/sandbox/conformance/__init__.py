"""A suite that every sandbox has to pass; authors of sandboxes of their own run it on them.

    report = await check(MySandbox)
    print(report.table())
    assert report.passed

or, from a shell, `python -m treeact.sandbox.conformance docker`, or `package.module:MySandbox`.
The suite sees a sandbox through `treeact.sandbox.base` alone, and asks this of it:

    state      names, output, errors, pictures, files and tools of one branch
    forks      what only a fork can copy; effects that happen once; hundreds of branches
    limits     greedy code is stopped and harms nobody else
    timeouts   state is kept or rolled back, and it is said which; nothing goes on running
    clean-up   nothing is left of what was closed
    isolation  the host's files, keys, network and processes are out of reach
    latency    forks against new sandboxes, as ratios
"""

from treeact.sandbox.conformance import (
    cleanup,
    forks,
    isolation,
    latency,
    limits,
    state,
    timeouts,
)
from treeact.sandbox.conformance.suite import (
    AREAS,
    CHECKS,
    Area,
    Bench,
    Check,
    Factory,
    Report,
    Row,
    check,
)

__all__ = [
    "AREAS",
    "CHECKS",
    "Area",
    "Bench",
    "Check",
    "Factory",
    "Report",
    "Row",
    "check",
    "cleanup",
    "forks",
    "isolation",
    "latency",
    "limits",
    "state",
    "timeouts",
]
