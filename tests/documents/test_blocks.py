"""Every block of code in the documents runs as it stands, or says in its first line why not."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.documents.reading import DOCUMENTS, ROOT, Document
from tests.documents.running import Session
from treeact.planners.codified.parser import parse_plan

RUN = {"python", "sh"}
LANGUAGES = {*RUN, "json", "jsonl", "toml", "text", "plan"}

EACH_DOCUMENT = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda it: it.name)
WITH_CODE = [it for it in DOCUMENTS if any(block.language in RUN for block in it.blocks)]


@pytest.mark.jail
@pytest.mark.parametrize("document", WITH_CODE, ids=lambda it: it.name)
def test_blocks_run_in_order(
    document: Document, reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(reader, capsys)
    pictures = {path.name: path for path in (ROOT / "docs" / "pictures").iterdir()}
    for block in document.blocks:
        if block.language in RUN and block.needs is None:
            try:
                session.run(block)
            except BaseException as error:
                error.add_note(f"in {document.name}, line {block.line}")
                raise
    for drawn in reader.glob("*.svg"):
        if drawn.name in pictures:
            assert drawn.read_text() == pictures[drawn.name].read_text(), "draw it anew"


@EACH_DOCUMENT
def test_blocks_name_their_language_and_commands_stand_in_them(document: Document) -> None:
    for block in document.blocks:
        assert block.language in LANGUAGES, f"line {block.line}: {block.language!r}"
    for block in document.indented:
        programs = {words[0] for words in block.commands}
        assert not programs & {"treeact", "pip", "make", "python"}, (
            f"line {block.line}: commands stand between ```sh and ```, where they are run; a block "
            "that cannot run begins with `# needs a model` or the like (see CONTRIBUTING.md)"
        )


@EACH_DOCUMENT
def test_data_in_the_documents_is_well_formed(document: Document) -> None:
    for block in document.blocks:
        match block.language:
            case "json":
                json.loads(block.text)
            case "jsonl":
                [json.loads(line) for line in block.text.splitlines()]
            case "toml":
                tomllib.loads(block.text)
            case "plan":
                assert parse_plan(block.text)[1] == ()


def test_the_first_example_answers_with_its_tool() -> None:
    first = next(it for it in Document(ROOT / "README.md").blocks if it.language == "python")
    assert "CodeAct(" in first.text
    assert len([line for line in first.text.splitlines() if line.strip()]) <= 7
