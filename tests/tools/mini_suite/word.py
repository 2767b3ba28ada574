"""Writes Word documents part by part, with runs and tracked changes as an editor leaves them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import formats

_SPACE = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_TRACKED = 'w:id="1" w:author="R. Ames" w:date="2024-02-01T09:00:00Z"'


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def inserted(text: str) -> str:
    return f"<w:ins {_TRACKED}>{run(text)}</w:ins>"


def deleted(text: str) -> str:
    shown = f'<w:r><w:delText xml:space="preserve">{escape(text)}</w:delText></w:r>'
    return f"<w:del {_TRACKED}>{shown}</w:del>"


def paragraph(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def table(rows: Iterable[Sequence[str]]) -> str:
    """Return a table of cells, each given as the runs of its one paragraph."""
    lines = [
        f"<w:tr>{''.join(f'<w:tc>{paragraph(cell)}</w:tc>' for cell in cells)}</w:tr>"
        for cells in rows
    ]
    return f"<w:tbl>{''.join(lines)}</w:tbl>"


def write_docx(path: Path, blocks: Iterable[str]) -> None:
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{_KIND}"/></Types>'
    )
    relations = (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" '
        f'Type="{_OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    body = f'<w:document xmlns:w="{_SPACE}"><w:body>{"".join(blocks)}</w:body></w:document>'
    parts = {
        "[Content_Types].xml": types,
        "_rels/.rels": relations,
        "word/document.xml": body,
    }
    formats.write_zip(path, {name: (head + text).encode() for name, text in parts.items()})
