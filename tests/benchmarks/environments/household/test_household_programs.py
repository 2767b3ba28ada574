"""Programs: both forms, read and written, and refused where they are neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeact.benchmarks.environments.household.actions import ACTIONS
from treeact.benchmarks.environments.household.programs import (
    action,
    parse_line,
    parse_program,
    write_line,
    write_program,
)
from treeact.errors import ConfigError
from treeact.planners.protocols import Call

PUT = Call("putin", {"object": "apple_3", "target": "kitchen_table_5"})


@pytest.mark.parametrize(
    "line",
    [
        "[putin] <apple> (3) <kitchen_table> (5)",
        "[PutIn] <Apple> (3)  <kitchen table> (5)",
        "  [PUTIN]<apple>(3)<kitchen_table>(5) [7]",
        "[PutIn] <apple> (1.3) <kitchen_table> (2.5) [1]",
        "putin('apple_3', 'kitchen_table_5')",
        "PUTIN(object='apple_3', target='kitchen_table_5')",
        "putin('apple_3', target='kitchen_table_5')",
        "putin(target='kitchen_table_5', object='apple_3')",
    ],
)
def test_both_forms_are_one_action(line: str) -> None:
    assert parse_line(line) == PUT and parse_line(line).key == PUT.key


def test_other_shapes() -> None:
    assert parse_line("[standup]") == parse_line("standup()") == Call("standup")
    assert parse_line("[walk] <fridge>") == Call("walk", {"object": "fridge"})
    assert parse_line("[LookAt_Short] <tv> (1)").tool == "lookat"
    assert write_line(Call("walk", {"object": "fridge"})) == "[walk] <fridge>"
    assert write_line(PUT) == "[putin] <apple> (3) <kitchen_table> (5)"


@pytest.mark.parametrize(
    "line",
    [
        "go home", "[]", "[walk", "walk", "[walk] fridge (1)", "[walk] <> (1)", "[walk] <a> (x)",
        "[walk] <a> (1) then stop", "[putin] <a> (1) <b> (2) <c> (3)", "walk(1)", "walk(fridge)",
        "walk('a', 'b', 'c')", "walk('a', object='b')", "walk(colour='red')", "walk(**{'a': 1})",
        "a.walk('x')", "walk('a'); walk('b')", "walk('a') or walk('b')", "walk(target='b')",
        "(" * 3000, "__import__('os').system('true')", "walk(__import__('os'))", "\x00", "1" * 9999,
    ],
    ids=lambda line: repr(line[:20]),
)  # fmt: skip
def test_what_is_no_action_is_refused_with_its_line(line: str) -> None:
    with pytest.raises(ConfigError, match="line 3 is no action"):
        parse_program(f"[walk] <fridge> (1)\n\n{line}")


@given(st.text(max_size=60))
def test_any_text_is_an_action_or_a_refusal(line: str) -> None:
    try:
        call = parse_line(line)
    except ConfigError:
        return
    assert set(call.arguments) <= {"object", "target"}


NAMES = st.from_regex(r"[a-z][a-z_]{0,9}_[1-9][0-9]{0,2}", fullmatch=True)


@given(st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.lists(NAMES, max_size=2))))
def test_programs_survive_writing_in_both_forms(lines: list[tuple[str, list[str]]]) -> None:
    calls = [action(name, *objects) for name, objects in lines]
    assert parse_program(write_program(calls)) == calls
    assert parse_program("\n".join(call.text for call in calls)) == calls
