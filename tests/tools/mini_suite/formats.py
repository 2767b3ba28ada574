"""Writers of the file formats that the suite's tasks attach; the same input gives the same file."""

import csv
import gzip
import io
import json
import re
import sqlite3
import tarfile
import wave
import zipfile
from array import array
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook

STAMP = (2024, 1, 1, 0, 0, 0)
_LINES_PER_PAGE = 46


def write_text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())


def write_csv(path: Path, rows: Iterable[Sequence[object]], delimiter: str = ",") -> None:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter, lineterminator="\n").writerows(rows)
    write_text(path, buffer.getvalue())


def json_lines(records: Iterable[dict]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def pretty_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def write_zip(path: Path, members: dict[str, bytes]) -> None:
    path.write_bytes(zip_bytes(members, zipfile.ZIP_DEFLATED))


def zip_bytes(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, STAMP)
            info.compress_type = compression
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return buffer.getvalue()


def write_tar_gz(path: Path, members: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(buffer.getvalue(), mtime=0))


def write_wav(path: Path, samples: Iterable[float], rate: int) -> None:
    """Writes one channel of 8 bits; samples are from -1 to 1."""
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 1, rate, 0, "NONE", "not compressed"))
        sound.writeframes(array("B", (round(128 + 127 * sample) for sample in samples)).tobytes())


def write_sqlite(path: Path, tables: dict[str, tuple[str, Sequence[Sequence[object]]]]) -> None:
    """Writes tables, each with the text of its columns and its rows."""
    with sqlite3.connect(path) as base:
        for name, (columns, rows) in tables.items():
            base.execute(f"create table {name} ({columns})")
            marks = ", ".join("?" * len(rows[0]))
            base.executemany(f"insert into {name} values ({marks})", rows)
    base.close()


def write_xlsx(path: Path, sheets: dict[str, Iterable[Sequence[object]]]) -> None:
    book = Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    save_office(path, book)


def save_office(path: Path, document: Any) -> None:
    """Saves a workbook or a deck of slides, with a fixed time in it."""
    buffer = io.BytesIO()
    document.save(buffer)
    write_zip(path, _without_clock(buffer.getvalue()))


def _without_clock(office: bytes) -> dict[str, bytes]:
    """The parts of an office file, with the time of saving replaced by a fixed one."""
    with zipfile.ZipFile(io.BytesIO(office)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    core = parts["docProps/core.xml"]
    parts["docProps/core.xml"] = re.sub(
        rb">\d{4}-\d\d-\d\dT[\d:]+Z<", b">2024-01-01T00:00:00Z<", core
    )
    return parts


def write_pdf(path: Path, lines: Sequence[str]) -> None:
    """Writes lines of text in a fixed-width face, broken into pages."""
    pages = [lines[at : at + _LINES_PER_PAGE] for at in range(0, len(lines), _LINES_PER_PAGE)]
    kids = " ".join(f"{4 + 2 * index} 0 R" for index in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for index, page in enumerate(pages):
        stream = _page_stream(page)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * index)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    path.write_bytes(_pdf_file(objects))


def _page_stream(lines: Sequence[str]) -> bytes:
    shown = [b"BT /F1 9.5 Tf 16 TL 50 790 Td"]
    for line in lines:
        escaped = re.sub(rb"([\\()])", rb"\\\1", line.encode("cp1252"))
        shown.append(b"(%s) Tj T*" % escaped)
    return b"\n".join([*shown, b"ET"])


def _pdf_file(objects: Sequence[bytes]) -> bytes:
    content = bytearray(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(content)
    content += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    content += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    content += b"trailer\n<< /Size %d /Root 1 0 R >>\n" % (len(objects) + 1)
    return bytes(content + b"startxref\n%d\n%%%%EOF\n" % start)
