"""Rules that review a path without a model."""

from dataclasses import replace

import pytest

from treeact.planners.path_review import Allowed, Verdict, progressed, review_newest
from treeact.planners.protocols import Code, NoAction, Observation, Path, Proposal, Step

GOOD = ("look()", Observation(text="Output:\n7"))


def path(*steps: tuple[str, Observation]) -> Path:
    return tuple(
        Step(id=f"run/step-{n}", proposal=Proposal(actions=(Code(code),)), observation=observation)
        for n, (code, observation) in enumerate(steps, 1)
    )


def failed(text: str) -> Observation:
    return Observation(text=text, ok=False)


def review(steps: Path, rounds: int | None = None, **allowed: bool) -> Verdict | None:
    rounds = len(steps) if rounds is None else rounds
    return review_newest(steps, rounds=rounds, stall=3, allowed=Allowed(**allowed))


@pytest.mark.parametrize(
    ("observation", "kind", "rule", "told"),
    [
        (failed("ZeroDivisionError: division by zero"), "repair", "exception", "mend the cause"),
        (failed("NameError: name 'rows' is not defined"), "repair", "undefined", "'rows'"),
        (
            failed("ToolError: hidden function 'weigh': it was not among"),
            "repair",
            "undefined",
            "weigh is shown from now on",
        ),
        (failed("There is no tool named 'wiegh'. Did you"), "repair", "undefined", "'wiegh'"),
        (Observation(text="nothing was printed", empty=True), "repair", "empty", "print what"),
    ],
)
def test_what_went_wrong_is_repaired_while_that_is_allowed(
    observation: Observation, kind: str, rule: str, told: str
) -> None:
    steps = path(GOOD, ("next()", observation))
    verdict = review(steps)
    assert verdict is not None
    assert (verdict.kind, verdict.rule) == (kind, rule)
    assert told in verdict.reason
    assert review(steps, repair=False) is None


def test_a_step_that_brings_something_new_is_left_to_others() -> None:
    assert review(path(GOOD, ("next()", Observation(text="Output:\n8")))) is None


@pytest.mark.parametrize(
    "outcome", [GOOD[1], failed("TypeError: no"), Observation(text="", empty=True)]
)
def test_an_identical_repeat_is_dropped(outcome: Observation) -> None:
    steps = path(
        ("look()", outcome), ("other()", Observation(text="x")), ("look( )  # again", outcome)
    )
    verdict = review(steps)
    assert verdict is not None
    assert (verdict.kind, verdict.rule) == ("drop", "repeat")
    assert "look" not in verdict.reason


def test_the_number_of_a_step_in_a_traceback_is_no_difference() -> None:
    told = 'File "<step {}>", line 1\nValueError: no'
    verdict = review(path(("look()", failed(told.format(1))), ("look()", failed(told.format(2)))))
    assert verdict is not None
    assert verdict.rule == "repeat"


def test_a_repeat_with_another_outcome_or_of_a_dropped_step_is_none() -> None:
    polled = path(("poll()", Observation(text="5 left")), ("poll()", Observation(text="4 left")))
    assert review(polled) is None
    first, second = path(GOOD, GOOD)
    assert review((replace(first, dropped="it misled"), second)) is None


def test_what_changed_the_world_is_not_dropped() -> None:
    sent = ("send('a')", Observation(text="sent", lasting=True))
    assert review(path(sent, sent)) is None
    silent = ("send('a')", Observation(text="nothing", empty=True, lasting=True))
    assert review(path(silent)) == Verdict(kind="keep", rule="empty")  # never sent once more


def test_what_a_user_said_is_kept() -> None:
    heard = Step(
        id="run/step-1",
        proposal=Proposal(actions=(NoAction("The user interrupted you."),)),
        observation=Observation(text="The user interrupted you.", ok=False),
    )
    spoke = Step(id="run/step-2", proposal=None, observation=Observation(text="and now?"))
    assert review((heard,)) == review((heard, spoke)) == Verdict(kind="keep", rule="said")


def test_rounds_without_progress_ask_for_another_plan() -> None:
    stuck = path(GOOD, *[(f"step{n}()", failed(f"KeyError: {n}")) for n in range(3)])
    verdict = review(stuck)
    assert verdict is not None
    assert (verdict.kind, verdict.rule) == ("replan", "no progress")
    assert "last 3 steps" in verdict.reason
    assert review(stuck[:-1]).kind == "repair"  # type: ignore[union-attr]
    assert review(stuck, rounds=2).kind == "repair"  # type: ignore[union-attr]
    assert review(stuck, replan=False).kind == "repair"  # type: ignore[union-attr]


def test_progress_is_something_new() -> None:
    assert progressed(path(GOOD))
    assert not progressed(path(GOOD, ("other()", GOOD[1])))
    assert not progressed(path(("x = 1", Observation(text="nothing", empty=True))))
    assert not progressed(path(("x", failed("NameError"))))
