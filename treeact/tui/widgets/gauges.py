"""The run's figures: one line for the head, and a bar for each limit."""

from __future__ import annotations

from collections.abc import Iterable

from treeact.printable import clock
from treeact.tui.views.run import Gauge, RunView

BAR = 10
_UNITS = {"usd": "cost", "seconds": "time"}


def gauge_line(gauge: Gauge) -> str:
    """Return a gauge as a line, such as `cost ▓▓▓▓▓░░░░░ 47 % $4.70 of $10`."""
    name = _UNITS.get(gauge.limit, gauge.limit)
    spent = amount(gauge.limit, gauge.spent, at_least=gauge.at_least)
    if gauge.share is None:
        return f"{name} {spent}"
    full = min(BAR, int(gauge.share * BAR))
    allowed = amount(gauge.limit, gauge.allowed or 0.0)
    alarm = f" {gauge.alarm}" if gauge.alarm else ""
    return f"{name} {'▓' * full}{'░' * (BAR - full)} {gauge.share:.0%} {spent} of {allowed}{alarm}"


def amount(limit: str, value: float, *, at_least: bool = False) -> str:
    """Return an amount of a limit with its unit."""
    match limit:
        case "usd" if at_least and not value:
            return "n/a"
        case "usd":
            text = f"${value:.2f}" if value >= 1 else f"${value:.4f}"
        case "seconds":
            text = clock(value)
        case _:
            text = f"{value:,.0f}"
    return f">= {text}" if at_least else text


def status_line(view: RunView, now: float, *, width: int) -> str:
    """Return the head of a run, as long as `width` lets it be."""
    state = f"ended: {view.reason}" if view.state == "ended" else view.state
    time, steps, tokens = (
        next(amount(g.limit, g.spent) for g in view.gauges(now) if g.limit == name)
        for name in ("seconds", "steps", "tokens")
    )
    parts = [state, f"step {steps}", view.cost, f"{tokens} tok", time, view.model, view.agent]
    return fitting(parts, width)


def fitting(parts: Iterable[str], width: int) -> str:
    """Return as many of the parts in a line as `width` lets there be, the first ones first."""
    line = ""
    for part in filter(None, parts):
        longer = f"{line} · {part}" if line else part
        if len(longer) > width:
            break
        line = longer
    return line
