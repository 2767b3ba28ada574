"""Rules that review the newest step of a path, before or instead of a model.

They see the path and nothing else, so that a review costs nothing and comes out the same when a run
is resumed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from treeact.planners.protocols import Path, Step

Kind = Literal["keep", "repair", "drop", "replan"]
"""What is to become of a step: it counts; its code is to be written anew; nobody is to be shown it
any more; it counts, and the plan is to be made anew."""


_UNDEFINED = re.compile(
    r"NameError: name '(?P<name>[^']{1,200})' is not defined"
    r"|(?P<hidden>hidden function) '(?P<tool>[^']{1,200})'"
    r"|There is no tool named '(?P<none>[^']{1,200})'"
)


_STEP = re.compile(r"<step \d+>")
"""How tracebacks name the code of a step: it differs where all else is the same."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a review came to."""

    kind: Kind
    rule: str
    """Which rule decided; `model` for a model."""
    reason: str = ""
    """What whoever goes on is to know of it."""


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """What a review may still ask for."""

    repair: bool = True
    replan: bool = True


def review_newest(path: Path, *, rounds: int, stall: int, allowed: Allowed) -> Verdict | None:
    """Return the verdict on the newest step, or None where the rules have nothing against it.

    In this order: what a user said is kept; a repeat with the same outcome is dropped, unless it
    changed the world; after `stall` rounds without progress the plan is made anew; a call of what
    is not defined, an exception and an empty output are repaired.

    Args:
        path: the steps, the newest last.
        rounds: how many of them were taken since the plan was made.
        stall: rounds without progress after which there is need of another plan.
        allowed: what may still be asked for.
    """
    step = path[-1]
    if _is_a_users(step):
        return Verdict(kind="keep", rule="said")
    if is_repeat(path) and not step.observation.lasting:
        return Verdict(
            kind="drop",
            rule="repeat",
            reason="The last step was the same as an earlier one, and so was what came of it. Do "
            "something else.",
        )
    if allowed.replan and stall <= rounds and not any(map(progressed, _suffixes(path, stall))):
        reason = f"The last {stall} steps brought nothing new: another way is needed."
        return Verdict(kind="replan", rule="no progress", reason=reason)
    return _review_outcome(step, allowed)


def _review_outcome(step: Step, allowed: Allowed) -> Verdict | None:
    observation = step.observation
    if observation.empty and observation.lasting:
        return Verdict(kind="keep", rule="empty")
    if not allowed.repair or (observation.ok and not observation.empty):
        return None
    if not observation.ok and (found := _UNDEFINED.search(observation.text)):
        return Verdict(kind="repair", rule="undefined", reason=_say_undefined(found))
    if not observation.ok:
        reason = "What the last code was to do has failed: mend the cause that is told above."
        return Verdict(kind="repair", rule="exception", reason=reason)
    reason = (
        "The last code showed nothing. What it defined is there: print what the thought is after, "
        "and do not run again what it did."
    )
    return Verdict(kind="repair", rule="empty", reason=reason)


def is_repeat(path: Path) -> bool:
    """Return whether the newest step did what an earlier one did, with the same outcome."""
    *earlier, step = path
    return any(
        not before.dropped and _key(before) == _key(step) and _outcome(before) == _outcome(step)
        for before in earlier
    )


def progressed(path: Path) -> bool:
    """Return whether the newest step succeeded and showed something that was not shown before."""
    *earlier, step = path
    observation = step.observation
    if not observation.ok or observation.empty or step.dropped:
        return False
    return all(before.observation.text != observation.text for before in earlier)


def _suffixes(path: Path, count: int) -> list[Path]:
    """Return the path as it was at each of its last `count` steps."""
    return [path[: len(path) - back] for back in range(count)]


def _is_a_users(step: Step) -> bool:
    if step.proposal is None:
        return True
    return step.proposal.actions[0].kind == "none" and not step.observation.invalid


def _key(step: Step) -> str | None:
    return step.proposal.actions[0].key if step.proposal else None


def _outcome(step: Step) -> str:
    return _STEP.sub("<step>", step.observation.text)


def _say_undefined(found: re.Match[str]) -> str:
    if found["hidden"]:
        return f"{found['tool']} is shown from now on: call it as it is described."
    name = found["name"] or found["none"]
    return f"There is no {name!r}: define it, or use a function that is described."
