"""What documents say of the package is so: its libraries, its version, its licence, its formats."""

import hashlib
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml

from tests.documents.reading import ROOT
from treeact.agents.library.database import APPLICATION_ID, SCHEMA_VERSION
from treeact.models.cassette import FORMAT
from treeact.trace.events import Event, Unknown

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
APACHE_2 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of the licence as the Apache Software Foundation has it."""


def read(name: str) -> str:
    return (ROOT / name).read_text()


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required() -> set[str]:
    """Return what the package and its extras depend on."""
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in extra)]
    return {canonical(re.split(r"[\[<>=; ]", line)[0]) for line in lines}


def told() -> set[str]:
    """Return the libraries of the table in libraries.md."""
    table = read("docs/libraries.md").partition("## What is written here")[0]
    return {canonical(name) for name in re.findall(r"^\| `([\w-]+)` \|", table, re.MULTILINE)}


def test_the_table_of_libraries_is_the_list_of_dependencies() -> None:
    assert told() == required()


def test_every_library_that_is_imported_is_in_the_table() -> None:
    homes = packages_distributions()
    known = told() | BROUGHT
    unknown = set()
    for path in (ROOT / "treeact").rglob("*.py"):
        if "suites/mini/files" not in str(path):
            for name in imported(path) - {"treeact", "__main__"} - sys.stdlib_module_names:
                if not {canonical(home) for home in homes.get(name, [name])} & known:
                    unknown.add(name)
    assert not unknown


BROUGHT = {
    "anyio",
    "charset-normalizer",
    "googleapis-common-protos",  # the module `google`, with protobuf
    "lxml",
    "mcp-types",
    "pandas",
    "protobuf",
    "referencing",
}
"""What libraries of the table bring along, and what only code in sandboxes imports."""
IMPORT = re.compile(r"^\s*(?:import (\w+)|from (\w+)[\w.]* import )", re.MULTILINE)


def imported(path: Path) -> set[str]:
    return {a or b for a, b in IMPORT.findall(path.read_text())}


def test_version_and_date_are_the_same_everywhere() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    newest, date = re.findall(r"^## \[(\d[\d.]*)\] - (\S+)$", read("CHANGELOG.md"), re.MULTILINE)[0]
    assert PROJECT["version"] == newest == citation["version"]
    assert citation["date-released"] == date
    assert [author["name"] for author in citation["authors"]] == ["The TreeAct developers"]
    assert citation["license"] == PROJECT["license"] == "Apache-2.0"


def test_the_licence_is_whole() -> None:
    assert hashlib.sha256((ROOT / "LICENSE").read_bytes()).hexdigest() == APACHE_2


def test_every_kind_of_event_is_told_of() -> None:
    text = read("docs/trace.md") + read("docs/formats.md")
    for event in {*Event.__subclasses__()} - {Unknown}:
        assert f"`{event.model_fields['type'].default}`" in text, event


def test_versions_of_formats_are_those_of_the_code() -> None:
    text = read("docs/formats.md")
    assert f"`treeact_recording`, {FORMAT} |" in text
    assert f"`application_id` `0x{APPLICATION_ID:X}`, `user_version` {SCHEMA_VERSION} |" in text
