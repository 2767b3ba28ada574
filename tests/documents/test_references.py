"""What documents refer to is there: files, headings, commands, options, targets of make."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tests.documents.reading import DOCUMENTS, ROOT, Document, split_command
from treeact.cli.app import app

EACH_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda it: it.name)
TREEACT = get_command(app)
TARGETS = set(re.findall(r"^([\w-]+):.*?##", (ROOT / "Makefile").read_text(), re.MULTILINE))


@EACH_DOCUMENT
def test_links_lead_somewhere(document: Document) -> None:
    for target in document.targets:
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.path.parent / name if name else document.path
        assert path.exists(), target
        if anchor:
            assert anchor in Document(path.resolve()).anchors, target


@EACH_DOCUMENT
def test_commands_have_the_options_that_are_named(document: Document) -> None:
    commands = [
        words for block in document.blocks if block.language == "sh" for words in block.commands
    ]
    commands += [split_command(span) for span in document.spans if " " in span]
    for words in commands:
        match words:
            case ["treeact", *arguments]:
                check(TREEACT, arguments)
            case ["make", target, *_]:
                assert target in TARGETS, target
            case ["python", file, *_] if file.startswith(("examples/", "perf/")):
                assert Path(ROOT, file).exists(), file


def check(command: Any, arguments: list[str]) -> None:
    """Fail where a command has no such subcommand or option, or takes fewer arguments."""
    subcommands = getattr(command, "commands", None)
    if subcommands and arguments and not arguments[0].startswith("-"):
        assert arguments[0] in subcommands, arguments
        return check(subcommands[arguments[0]], arguments[1:])
    parser = command.make_parser(command.context_class(command))
    _, left, _ = parser.parse_args(args=[*arguments])  # no callbacks, and nothing is looked for
    assert not left, f"{command.name} takes no {left}"
    return None


def options(command: Any) -> set[str]:
    own = {option for parameter in command.params for option in parameter.opts}
    own |= {option for parameter in command.params for option in parameter.secondary_opts}
    below = getattr(command, "commands", {}).values()
    return own.union(*(options(subcommand) for subcommand in below))


ELSEWHERE = {"--area", "--check", "--help"}
"""Options of `python -m treeact.sandbox.conformance`, and of every command."""


@EACH_DOCUMENT
def test_options_that_are_named_alone_exist(document: Document) -> None:
    known = options(TREEACT) | ELSEWHERE
    for span in document.spans:
        if re.match(r"--\w", span):
            assert span.partition(" ")[0].partition("/")[0] in known, span


def test_the_index_leads_to_every_document() -> None:
    folder = ROOT / "docs"
    linked = {(folder / target).resolve() for target in Document(folder / "README.md").targets}
    studies = {path for path in folder.glob("studies/*.md") if path.name != "README.md"}
    wanted = {path for path in folder.glob("**/*.md")} - studies - {folder / "README.md"}
    assert wanted <= linked


def test_the_list_of_examples_is_whole() -> None:
    folder = ROOT / "examples"
    assert {path.name for path in folder.glob("*.py")} == {
        *Document(folder / "README.md").targets
    } - {"../docs/models.md"}


PATH = re.compile(r"[\w./]+/(?:\w+\.(?:py|jinja|txt|md))?")
PLACES = (ROOT, ROOT / "treeact", ROOT / "treeact" / "benchmarks")
DOTTED = re.compile(r"treeact(?:\.\w+)+")


@EACH_DOCUMENT
def test_modules_that_are_named_exist(document: Document) -> None:
    for span in document.spans:
        if PATH.fullmatch(span) and span.partition("/")[0] in MODULES:
            assert any((place / span).exists() for place in PLACES), span
        if DOTTED.fullmatch(span) and span.split(".")[1] in MODULES:
            assert resolves(span), span


MODULES = {path.stem for place in PLACES for path in place.iterdir()} - {"treeact"}


def resolves(name: str) -> bool:
    """Return whether a dotted name is a module, or what a module holds."""
    try:
        import_module(name)
    except ModuleNotFoundError:
        module, _, attribute = name.rpartition(".")
        return bool(module) and hasattr(import_module(module), attribute)
    return True
