"""The later steps that replies imagine."""

import pytest

from treeact.agents.replies.sketches import END, MAX_SKETCHES, split_sketches

CODE = "I look.\n```python\nx = 1\n```"


@pytest.mark.parametrize(
    ("behind", "texts"),
    [
        ("<later>\nread it\n2. multiply\n- print\n</later>", ["read it", "multiply", "print"]),
        ("<later>none</later>", []),
        ("<LATER>\n`none`.\n", []),
        ("<later>\n\n</later>", []),
        ("<later>\n" + "again\n" * 1000 + "</later>", ["again"] * MAX_SKETCHES),
    ],
)
def test_a_list_ends_in_the_answer(behind: str, texts: list[str]) -> None:
    rest, later = split_sketches(f"{CODE}\n{behind}", ())
    assert rest == CODE
    assert [sketch.text for sketch in later] == [*texts, END.text]


def test_without_a_list_nothing_is_known_of_what_is_left() -> None:
    assert split_sketches(CODE, ()) == (CODE, ())


def test_the_tools_that_a_line_names_are_its_calls() -> None:
    _, later = split_sketches("<later>weather, then map_of(weather)</later>", ["weather"])
    assert later[0].calls == ("weather", "weather")
