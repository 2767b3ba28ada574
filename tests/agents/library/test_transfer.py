"""Export and import: what goes out comes in again, and nothing that is claimed is believed."""

import json
from pathlib import Path

import pytest

from tests.agents.library.support import exercised, library_at
from treeact.agents.library import ActionLibrary, Verdict
from treeact.errors import ActionCycle, LibraryError


def test_what_is_exported_can_be_imported_and_has_to_be_verified_again(tmp_path: Path) -> None:
    with library_at(tmp_path / "a") as one, library_at(tmp_path / "b") as other:
        exercised(one, "K = 2\ndef a(x): return K * x\ndef b(x): return a(x)", task="Where?")
        exercised(one, "def off(x): return x")
        one.note_verdict(Verdict(action=one.get("b"), ok=True))
        one.disable("off")
        text = one.export()
        saved = other.import_text(text)
        assert [item.new for item in saved] == [True] * 3
        assert {a.name: a.status for a in other.actions()} == {
            "a": "exercised", "b": "exercised", "off": "disabled",
        }  # fmt: skip
        assert [a.digest for a in other.actions()] == [a.digest for a in one.actions()]
        assert other.get("b").task == "Where?"
        assert not any(item.new for item in other.import_text(text))
        only_b = one.export([one.get("b")])
        assert len(only_b.splitlines()) == 3  # a head, b, and what b uses


@pytest.fixture
def lines(tmp_path: Path) -> list[dict[str, object]]:
    with library_at(tmp_path / "source") as library:
        exercised(library, "def a(x): return x\ndef b(x): return a(x)")
        return [json.loads(line) for line in library.export().splitlines()]


def text(lines: list[dict[str, object]]) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


def test_damage_is_refused_as_a_whole(tmp_path: Path, lines: list[dict[str, object]]) -> None:
    head, a, b = lines
    cases = {
        "no export": ["", "{}", "[1]", "\0", "[" * 9999, "null", text([a, b])],
        "upgrade": [text([{**head, "version": 9}, a])],
        "line 2 of the export is damaged": [
            text([head]) + "{\n",
            text([head]) + "[" * 9999,
            text([head, {**a, "name": "a; b"}]),
            text([head, {**a, "status": "divine"}]),
            text([head, {**a, "source": "x" * 10**6}]),
            text([head, {**a, "digest": "../../etc"}]),
            text([head, {**a, "examples": [{"arguments": 1}]}]),
        ],
        "not a function of that name": [
            text([head, {**a, "source": "def other(x): return x"}]),
            text([head, {**a, "source": "a = 1"}]),
            text([head, {**a, "source": "def a(x): return x\nimport os"}]),
        ],
        "which is not in the export": [text([head, b])],
    }
    with library_at(tmp_path) as library:
        for why, texts in cases.items():
            for damaged in texts:
                with pytest.raises(LibraryError, match=why):
                    library.import_text(damaged)
        assert library.actions() == []
        circle = [{**a, "uses": {"b": b["digest"]}}, b]
        with pytest.raises(ActionCycle, match="a -> b -> a"):
            library.import_text(text([head, *circle]))


def test_a_false_digest_cannot_take_the_place_of_another_action(
    tmp_path: Path, lines: list[dict[str, object]]
) -> None:
    head, a, b = lines
    with library_at(tmp_path) as library:
        exercised(library, "def a(x): return x")
        forged = {**a, "source": "def a(x): return 'forged'"}  # with the digest of the true one
        library.import_text(text([head, forged, b]))
        assert library.get("a", 1).source == "def a(x): return x"
        assert library.get("a", 2).source == forged["source"]
        assert uses(library, "b") == ["a v2"]


def uses(library: ActionLibrary, name: str) -> list[str]:
    return [action.label for action in library.closure([library.get(name)])[:-1]]


def test_arguments_that_are_none_are_dropped(
    tmp_path: Path, lines: list[dict[str, object]]
) -> None:
    head, a, _ = lines
    examples = [
        {"arguments": arguments, "result": "1"}
        for arguments in ("((1,), {})", "__import__('os')", "(1, 2)", "((), {1: 2})", "(" * 1000)
    ]
    with library_at(tmp_path) as library:
        library.import_text(text([head, {**a, "examples": examples}]))
        assert [e.arguments for e in library.get("a").examples] == ["((1,), {})"]
