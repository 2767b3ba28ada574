"""Suites read from a user's copy: the layouts, what is left out, and damaged and hostile data.

All rows here are invented; those in GAIA's shape are no rows of GAIA.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow.parquet import write_table

from treeact.benchmarks import rows
from treeact.benchmarks.rows import fit_id
from treeact.benchmarks.scorers import GAIA, HOTPOTQA, KEYWORDS, NUMERIC, Keywords
from treeact.benchmarks.suite import Suite
from treeact.benchmarks.suites import load_suite
from treeact.errors import ConfigError

SECRET = "Opened the almanac of tides"


def gaia_row(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "task_id": f"0000000{number}-aaaa-bbbb-cccc-00000000000{number}",
        "Question": f"How many gulls sat on pier {number}?",
        "Level": (number - 1) % 3 + 1,
        "Final answer": str(number * 11),
        "file_name": "",
        "Annotator Metadata": {"Steps": SECRET, "Number of steps": "1", "Tools": "none"},
    } | changes


GAIA_ROWS = [gaia_row(1), gaia_row(2, file_name="gulls.csv"), gaia_row(3)]


def write_lines(path: Path, lines: Iterable[Any], *, end: bytes = b"\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(end.join([*encoded, b""]))
    return path


def gaia_split(folder: Path, lines: Iterable[Any] = GAIA_ROWS, **how: Any) -> Path:
    file = write_lines(folder / "metadata.jsonl", lines, **how)
    (folder / "gulls.csv").write_text("pier,gulls\n2,22\n")
    return file


def as_parquet(file: Path, lines: list[dict[str, Any]]) -> None:
    texts = [{**line, "Level": str(line["Level"]), "file_path": "2023/x"} for line in lines]
    write_table(pyarrow.Table.from_pylist(texts), file)


def seen(suite: Suite) -> list[tuple[Any, ...]]:
    return [
        (s.task.id, s.task.question, s.level, s.truth, len(s.task.files)) for s in suite.samples
    ]


EXPECTED = [
    (row["task_id"], row["Question"], row["Level"], row["Final answer"], bool(row["file_name"]))
    for row in GAIA_ROWS
]


class TestGaia:
    """The user's copy of GAIA."""

    @pytest.mark.parametrize(
        ("place", "named"),
        [
            ("2023/validation", ""),
            ("2023/validation", "2023"),
            ("2023/validation", "2023/validation"),
            ("2023/validation", "2023/validation/metadata.jsonl"),
            ("copied", "copied"),
        ],
    )
    def test_it_is_found_wherever_the_user_points(
        self, tmp_path: Path, place: str, named: str
    ) -> None:
        gaia_split(tmp_path / place)
        suite = load_suite("gaia", data=tmp_path / named)
        assert seen(suite) == EXPECTED
        assert (suite.scorer, suite.scored, suite.faults) == (GAIA, True, ())
        assert suite.samples[1].task.files == (tmp_path / place / "gulls.csv",)
        assert "separators of thousands" in suite.instructions
        assert suite.bare_answer("Well.\nFINAL ANSWER: 22") == "22"

    @pytest.mark.parametrize("by_level", [False, True])
    def test_parquet_is_the_same_suite(self, tmp_path: Path, by_level: bool) -> None:
        lines, columns = tmp_path / "a" / "validation", tmp_path / "b" / "validation"
        gaia_split(lines)
        gaia_split(columns).unlink()
        for level in (1, 2, 3) if by_level else ("",):
            chosen = [row for row in GAIA_ROWS if level in ("", row["Level"])]
            as_parquet(columns / f"metadata{f'.level{level}' if level else ''}.parquet", chosen)
        old, new = load_suite("gaia", data=lines), load_suite("gaia", data=columns)
        assert seen(new) == seen(old) == EXPECTED
        assert new.fingerprint == old.fingerprint

    def test_what_annotators_did_is_nowhere(self, tmp_path: Path) -> None:
        gaia_split(tmp_path)
        as_parquet(tmp_path / "metadata.parquet", GAIA_ROWS)
        for file in ("metadata.jsonl", "metadata.parquet"):
            suite = load_suite("gaia", data=tmp_path / file)
            assert SECRET not in repr(suite)
            assert all(
                row["Final answer"] not in repr(s.task)
                for s, row in zip(suite.samples, GAIA_ROWS, strict=True)
            )

    def test_placeholders_are_never_scored(self, tmp_path: Path) -> None:
        blind = [{**row, "Final answer": "?", "Annotator Metadata": None} for row in GAIA_ROWS]
        gaia_split(tmp_path / "2023" / "test", blind)
        suite = load_suite("gaia", data=tmp_path, split="test")
        assert not suite.scored
        assert len(suite.samples) == 3
        with pytest.raises(ConfigError, match="no metadata of the validation split"):
            load_suite("gaia", data=tmp_path)
        assert not load_suite("gaia", data=tmp_path / "2023" / "test").scored
        with pytest.raises(ConfigError, match="no metadata of the validation split"):
            load_suite("gaia", data=tmp_path / "2023" / "test", split="validation")

    @pytest.mark.parametrize("placeholder", ["?", "", "--", " ", None])
    def test_one_placeholder_among_truths_is_a_fault(
        self, tmp_path: Path, placeholder: str | None
    ) -> None:
        gaia_split(tmp_path, [gaia_row(1), gaia_row(2, **{"Final answer": placeholder})])
        suite = load_suite("gaia", data=tmp_path)
        assert suite.scored
        assert [sample.truth for sample in suite.samples] == ["11"]
        assert "no answer, or one without a letter" in str(suite.faults[0])

    def test_who_has_no_copy_is_told_where_to_get_one(self, tmp_path: Path) -> None:
        for data in (None, tmp_path, tmp_path / "nowhere"):
            with pytest.raises(ConfigError) as caught:
                load_suite("gaia", data=data)
            assert "huggingface.co/datasets/gaia-benchmark/GAIA" in str(caught.value)
            assert "terms forbid" in str(caught.value)
            assert "--data" in str(caught.value)

    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            (b'{"task_id": "x", "Ques', "no JSON"),
            (b'{"task_id": "\xff\xfe"}', "not UTF-8"),
            (b"[1]", "no JSON object"),
            (b"null", "no JSON object"),
            (b"\x00\x00", "no JSON"),
            (b"[" * 100_000, "no JSON"),
            (b'{"Level": ' + b"1" * 5000 + b"}", "no JSON"),
            (gaia_row(9, Level=4), "Level"),
            (gaia_row(9, Level="one"), "Level"),
            (gaia_row(9, Question=" "), "Question"),
            (gaia_row(9, Question="\ud800"), "Question"),
            (gaia_row(9, task_id=""), "task_id"),
            (gaia_row(9, task_id=7), "task_id"),
            (gaia_row(9, **{"Final answer": ["a"]}), "Final answer"),
            (gaia_row(9, file_name="lost.csv"), "lost.csv"),
            (gaia_row(9, file_name="../gulls.csv"), "not in the folder"),
            (gaia_row(9, file_name="/etc/passwd"), "not in the folder"),
            (gaia_row(9, file_name="..\\gulls.csv"), "not in the folder"),
            (gaia_row(9, file_name="a\0"), "not in the folder"),
            (gaia_row(9, file_name="."), "no file"),
            (gaia_row(9, file_name="a" * 5000), "no file"),
            (gaia_row(9, file_name="pointer.pdf"), "git lfs pull"),
            (gaia_row(1), "that of another row"),
            ({"task_id": "x"}, "Question"),
        ],
    )
    def test_a_damaged_row_is_named_and_costs_no_other(
        self, tmp_path: Path, bad: Any, said: str
    ) -> None:
        gaia_split(tmp_path, [gaia_row(1), b"", bad, gaia_row(2)])
        (tmp_path / "pointer.pdf").write_text("version https://git-lfs.github.com/spec/v1\noid")
        suite = load_suite("gaia", data=tmp_path)
        assert [sample.level for sample in suite.samples] == [1, 2]
        (fault,) = suite.faults
        assert fault.where == "metadata.jsonl, line 3"
        assert said in fault.problem
        assert "\n" not in str(fault)
        assert len(str(fault)) < 600

    def test_nothing_but_damage_is_an_error(self, tmp_path: Path) -> None:
        gaia_split(tmp_path, [b"{", b"["])
        with pytest.raises(ConfigError, match=r"no task that can be used.*line 1"):
            load_suite("gaia", data=tmp_path)
        gaia_split(tmp_path, [])
        with pytest.raises(ConfigError, match="no task that can be used"):
            load_suite("gaia", data=tmp_path)

    def test_marks_and_ends_of_lines_do_not_matter(self, tmp_path: Path) -> None:
        first, *others = [json.dumps(row).encode() for row in GAIA_ROWS]
        gaia_split(tmp_path, [b"\xef\xbb\xbf" + first, *others], end=b"\r\n")
        suite = load_suite("gaia", data=tmp_path)
        assert (seen(suite), suite.faults) == (EXPECTED, ())

    def test_a_huge_line_is_passed_over(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rows, "MAX_LINE", 1000)
        for size in (999, 1000, 1001, 2000, 2001, 5000):
            huge = json.dumps(gaia_row(2)).encode()
            huge += b" " * (size - len(huge))
            gaia_split(tmp_path, [gaia_row(1), huge, gaia_row(3)])
            suite = load_suite("gaia", data=tmp_path)
            assert len(suite.samples) + len(suite.faults) == 3
            assert [sample.level for sample in suite.samples][:: len(suite.samples) - 1] == [1, 3]
            assert bool(suite.faults) == (size >= 1000)

    @pytest.mark.parametrize("damage", ["text", "columns", "pointer"])
    def test_damaged_parquet_is_named(self, tmp_path: Path, damage: str) -> None:
        file = tmp_path / "metadata.parquet"
        match damage:
            case "text":
                file.write_text("PAR1 or not")
            case "columns":
                write_table(pyarrow.table({"task_id": ["x"], "Level": [1]}), file)
            case "pointer":
                file.write_text("version https://git-lfs.github.com/spec/v1\n")
        with pytest.raises(ConfigError, match=r"metadata\.parquet"):
            load_suite("gaia", data=tmp_path)


@given(st.lists(st.text(max_size=130), unique=True, max_size=8))
def test_ids_become_distinct_names_of_folders(ids: list[str]) -> None:
    names = [fit_id(id) for id in ids]
    assert len(set(names)) == len(ids)
    for id, name in zip(ids, names, strict=True):
        assert fit_id(name) == name
        assert len(name) <= 100
        assert Path("x", f"{name}.1").parent == Path("x")
        assert name not in (".", "..")
        assert name == id or name[-16:].isalnum()


@pytest.mark.parametrize(
    "id", ["../../etc", "a/b", "a\\b", "a b", "..", ".", "é", "a\nb", "a" * 101]
)
def test_an_odd_id_is_kept_for_handing_in(tmp_path: Path, id: str) -> None:
    file = write_lines(tmp_path / "t.jsonl", [{"id": id, "question": "?", "answer": "x"}])
    (sample,) = load_suite("jsonl", data=file).samples
    assert sample.data_id == id
    assert sample.task.id != id
    assert fit_id(sample.task.id) == sample.task.id


def test_an_id_made_to_collide_is_a_fault_and_overwrites_nothing(tmp_path: Path) -> None:
    tasks = [{"id": id, "question": id, "answer": "x"} for id in ("a/b", fit_id("a/b"))]
    suite = load_suite("jsonl", data=write_lines(tmp_path / "t.jsonl", tasks))
    assert [sample.task.question for sample in suite.samples] == ["a/b"]
    assert "line 2" in str(suite.faults[0])


class TestJsonl:
    """Any user's tasks."""

    def load(self, folder: Path, *lines: Any) -> Suite:
        (folder / "data").mkdir(exist_ok=True)
        (folder / "data" / "a.csv").write_text("1")
        return load_suite("jsonl", data=write_lines(folder / "t.jsonl", lines))

    def test_plain_tasks(self, tmp_path: Path) -> None:
        task = {"task_id": "a", "question": "?", "answer": 7, "files": ["data/a.csv"], "level": 2}
        suite = self.load(
            tmp_path, {**task, "tags": ["x"]}, {"id": "b", "question": "!", "answer": 0.5}
        )
        first, second = suite.samples
        assert (first.task.files, first.truth) == ((tmp_path / "data" / "a.csv",), "7")
        assert (first.level, first.tags, second.level) == (2, ("x",), None)
        assert (suite.scorer, suite.extract, suite.faults) == (GAIA, None, ())

    def test_a_header_chooses(self, tmp_path: Path) -> None:
        header = {"scorer": "numeric", "instructions": "A number.", "marker": True}
        suite = self.load(tmp_path, header, {"id": "a", "question": "?", "answer": "7"})
        assert (suite.scorer, suite.instructions) == (NUMERIC, "A number.")
        assert suite.bare_answer("FINAL ANSWER: 7") == "7"
        keyed = {"id": "a", "question": "?", "answer": ["x"], "steps": ["y"]}
        suite = self.load(tmp_path, {"scorer": "keywords"}, keyed)
        assert (suite.scorer, suite.samples[0].truth) == (KEYWORDS, Keywords(("x",), ("y",)))

    def test_tasks_without_answers_are_not_scored(self, tmp_path: Path) -> None:
        assert not self.load(tmp_path, {"id": "a", "question": "?"}).scored

    @pytest.mark.parametrize(
        ("bad", "said"),
        [
            ({"answers": "7"}, "answers"),
            ({"answer": True}, "answer"),
            ({"answer": ["x"]}, "keywords"),
            ({"steps": ["x"]}, "keywords"),
            ({"answer": None}, "no answer"),
            ({"files": ["../t.jsonl"]}, "not in the folder"),
            ({"files": ["data"]}, "no file"),
            ({"files": ["data/a.csv", "./data/a.csv"]}, "same name"),
            ({"level": 0}, "level"),
        ],
    )
    def test_damaged_tasks(self, tmp_path: Path, bad: dict, said: str) -> None:
        good = {"id": "a", "question": "?", "answer": "7"}
        suite = self.load(tmp_path, good, {**good, "id": "b", **bad})
        assert len(suite.samples) == 1
        assert said in str(suite.faults[0])

    def test_a_wrong_header_or_no_file_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="line 1: scorer"):
            self.load(tmp_path, {"scorer": "best"}, {"id": "a", "question": "?", "answer": "7"})
        for data in (None, tmp_path):
            with pytest.raises(ConfigError, match="one task a line"):
                load_suite("jsonl", data=data)
        keyed = [{"id": "a", "question": "?", "answer": answer} for answer in ([], "x")]
        with pytest.raises(ConfigError, match="no list of keywords"):
            self.load(tmp_path, {"scorer": "keywords"}, *keyed)


OFFICIAL = {
    "_id": "5a8b57f25542995d1e6f1371",
    "question": "Which pier is longer?",
    "answer": "North Pier",
    "type": "comparison",
    "level": "hard",
    "supporting_facts": [["North Pier", 0]],
    "context": [["North Pier", ["It has 900 planks.", " It is old."]], ["South Pier", ["9."]]],
}
SIMPLE = {"question": "Which pier is longer?", "answer": "North Pier", "type": "comparison"}


class TestHotpotQA:
    """Both forms."""

    def load(self, folder: Path, entries: Any, split: str | None = None) -> Suite:
        file = folder / "hotpot.json"
        file.write_text(entries if isinstance(entries, str) else json.dumps(entries))
        return load_suite("hotpotqa", data=file, split=split)

    def test_the_official_form(self, tmp_path: Path) -> None:
        suite = self.load(tmp_path, [OFFICIAL])
        (sample,) = suite.samples
        assert (suite.scorer, sample.level, sample.tags) == (HOTPOTQA, 3, ("comparison",))
        assert sample.task.question == (
            "Which pier is longer?\n\nNorth Pier: It has 900 planks. It is old.\n\nSouth Pier: 9."
        )
        (bare,) = self.load(tmp_path, [OFFICIAL], "questions").samples
        assert bare.task.question == "Which pier is longer?"

    def test_the_short_form_gets_ids_that_do_not_hang_on_the_place(self, tmp_path: Path) -> None:
        other = {**SIMPLE, "question": "Which is older?"}
        ids = [s.task.id for s in self.load(tmp_path, [SIMPLE, other]).samples]
        assert ids[::-1] == [s.task.id for s in self.load(tmp_path, [other, SIMPLE]).samples]
        assert self.load(tmp_path, [SIMPLE]).samples[0].level is None

    def test_damage(self, tmp_path: Path) -> None:
        suite = self.load(tmp_path, [OFFICIAL, 7, {"question": "x", "context": 3}, SIMPLE])
        assert len(suite.samples) == 2
        assert [fault.where for fault in suite.faults] == [
            "hotpot.json, entry 2",
            "hotpot.json, entry 3",
        ]
        for text in ("[{", "{}", "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"), ""):
            with pytest.raises(ConfigError, match=r"hotpot\.json"):
                self.load(tmp_path, text)
        for data in (None, tmp_path):
            with pytest.raises(ConfigError, match=r"hotpotqa\.github\.io"):
                load_suite("hotpotqa", data=data)


def test_gsm8k(tmp_path: Path) -> None:
    good = {"question": "Two piers of 9 gulls?", "answer": "2*9=<<2*9=18>>18\n#### 1,018"}
    write_lines(tmp_path / "test.jsonl", [good, {"question": "x", "answer": "18"}, good])
    suite = load_suite("gsm8k", data=tmp_path)
    (sample,) = suite.samples
    assert (sample.truth, suite.scorer) == ("1,018", NUMERIC)
    assert NUMERIC.judge("that makes 1018 gulls", sample.truth).right
    assert [fault.where for fault in suite.faults] == ["test.jsonl, line 2", "test.jsonl, line 3"]
    assert load_suite("gsm8k", data=tmp_path / "test.jsonl").fingerprint == suite.fingerprint
    for data, split in ((None, None), (tmp_path, "train")):
        with pytest.raises(ConfigError, match="grade-school-math"):
            load_suite("gsm8k", data=data, split=split)


def test_parquet_without_its_reader_names_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_parquet(tmp_path / "metadata.parquet", GAIA_ROWS)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"treeact\[bench\]"):
        load_suite("gaia", data=tmp_path)
