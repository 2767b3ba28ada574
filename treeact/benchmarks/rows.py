"""Rows of a user's data: read one by one, so that a damaged one costs no other."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from treeact.benchmarks.suite import Fault, Sample, first_fault
from treeact.errors import ConfigError

MAX_LINE = 16 * 1024 * 1024
"""Bytes of one line at most: a longer one is no row but a damaged file."""
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_LONGEST_ID = 100
_POINTER = b"version https://git-lfs"


@dataclass(frozen=True)
class Row:
    """One row of a data file."""

    where: str
    values: Mapping[str, Any]


def read_jsonl(path: Path) -> Iterator[Row | Fault]:
    """Yield the rows of a JSON Lines file; blank lines are left out, a byte order mark is ignored.

    Raises:
        ConfigError: the file cannot be read.
    """
    for number, line in enumerate(_lines(path), start=1):
        where = f"{path.name}, line {number}"
        if len(line) > MAX_LINE:
            yield Fault(where=where, problem=f"it has more than {MAX_LINE >> 20} MB")
        elif line.strip():
            yield _row(where, line)


def read_json_list(path: Path) -> Iterator[Row | Fault]:
    """Yield the entries of a file that is one JSON list of objects.

    Raises:
        ConfigError: the file cannot be read, or is no JSON list.
    """
    try:
        entries = json.loads(_read(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is no JSON ({_first_line(error)}); get it again.") from error
    if not isinstance(entries, list):
        raise ConfigError(f"{path} is no list of questions; name the file with the questions.")
    for number, entry in enumerate(entries, start=1):
        yield _as_row(f"{path.name}, entry {number}", entry)


def read_parquet(path: Path, columns: Iterable[str]) -> Iterator[Row | Fault]:
    """Yield the rows of a Parquet file, with some of its columns; nothing else of it is read.

    Raises:
        ConfigError: the file cannot be read or lacks a column, or pyarrow is not installed.
    """
    check_not_pointer(path)
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import read_table
    except ImportError as error:
        raise ConfigError(
            f"{path} is a Parquet file: install pyarrow for it, pip install 'treeact[bench]'."
        ) from error
    wanted = list(columns)
    try:
        table = read_table(path, columns=wanted)
    except (OSError, ArrowException) as error:
        raise ConfigError(f"{path} cannot be read ({_first_line(error)}); get it again.") from error
    if missing := set(wanted) - set(table.column_names):
        raise ConfigError(f"{path} has no column {', '.join(sorted(missing))}; is it the data?")
    for number, values in enumerate(table.to_pylist(), start=1):
        yield Row(f"{path.name}, row {number}", values)


def gather(
    rows: Iterable[Row | Fault], read: Callable[[Row], Sample]
) -> tuple[tuple[Sample, ...], tuple[Fault, ...]]:
    """Return the samples that rows give, and the faults of those that give none.

    A sample whose id is not fit to name a folder gets one that is, and keeps its own as
    `original_id`. The second row with an id is a fault.

    Args:
        rows: what was read.
        read: makes a sample of a row; it raises ConfigError or a ValidationError of pydantic where
            the row is damaged.
    """
    samples: dict[str, Sample] = {}
    faults = []
    for row in rows:
        if isinstance(row, Fault):
            faults.append(row)
            continue
        try:
            sample = _with_fit_id(read(row))
            if sample.task.id in samples:
                raise ConfigError(f"its id {sample.data_id[:100]!r} is that of another row")
            samples[sample.task.id] = sample
        except ValidationError as error:
            faults.append(Fault(where=row.where, problem=first_fault(error)))
        except ConfigError as error:
            faults.append(Fault(where=row.where, problem=str(error)))
    return tuple(samples.values()), tuple(faults)


def fit_id(id: str) -> str:
    """Return `id`, or what can stand in its place as the name of a folder.

    Fit are letters, digits, `_`, `-` and single dots, at most 100 of them. Other ids keep what is
    fit of them and get a hash of the whole.
    """
    if len(id) <= _LONGEST_ID and _SAFE.fullmatch(id):
        return id
    digest = hashlib.sha256(id.encode("utf-8", "surrogatepass")).hexdigest()
    words = "-".join(re.findall("[A-Za-z0-9_]+", id[:_LONGEST_ID]))
    return f"{words[:60]}-{digest[:16]}".lstrip("-_")


def attached_file(folder: Path, name: str) -> Path:
    """Return the file of a row that lies in a folder, or below it.

    Raises:
        ConfigError: the name leads out of the folder, or there is no such file, or only what
            stands for it in a repository.
    """
    parts = re.split(r"[/\\]", name)
    if name.startswith(("/", "\\")) or ".." in parts or "\0" in name:
        raise ConfigError(f"its file {name[:100]!r} is not in the folder of the data")
    path = folder / name
    try:
        is_file = path.is_file()
    except OSError:  # a name too long to be one
        is_file = False
    if not is_file:
        raise ConfigError(f"there is no file {str(path)[:300]!r}: get it from where the data is")
    check_not_pointer(path)
    return path


def check_not_pointer(path: Path) -> None:
    """Check that a file is itself, and not what Git LFS keeps in its place.

    Raises:
        ConfigError: it is a pointer, or cannot be read.
    """
    try:
        with path.open("rb") as content:
            start = content.read(len(_POINTER))
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error
    if start == _POINTER:
        raise ConfigError(f"{path} only stands for a file in Git LFS: run `git lfs pull` there")


def hash_id(prefix: str, question: str) -> str:
    """Return an id for a question that has none, the same wherever it stands."""
    digest = hashlib.sha256(question.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{prefix}-{digest[:12]}"


def _with_fit_id(sample: Sample) -> Sample:
    id = sample.task.id
    fit = fit_id(id)
    if fit == id:
        return sample
    return replace(sample, task=replace(sample.task, id=fit), original_id=id)


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines; of one that is too long no more than shows that."""
    check_not_pointer(path)
    try:
        with path.open("rb") as file:
            if file.read(3) != b"\xef\xbb\xbf":
                file.seek(0)
            while line := file.readline(MAX_LINE + 1):
                yield line
                too_long = len(line) > MAX_LINE
                while too_long and line and not line.endswith(b"\n"):
                    line = file.readline(MAX_LINE)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error


def _read(path: Path) -> bytes:
    check_not_pointer(path)
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror})") from error


def _row(where: str, line: bytes) -> Row | Fault:
    try:
        return _as_row(where, json.loads(line.decode()))
    except UnicodeDecodeError:
        return Fault(where=where, problem="it is not UTF-8; convert the file")
    except (ValueError, RecursionError) as error:
        return Fault(where=where, problem=f"it is no JSON ({_first_line(error)})")


def _as_row(where: str, values: Any) -> Row | Fault:
    if isinstance(values, dict):
        return Row(where, values)
    return Fault(where=where, problem="it is no JSON object")


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0][:200]
