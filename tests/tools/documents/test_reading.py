"""Documents as agents read them: real files and hostile ones, from the folder of real code."""

import asyncio
import errno
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sandlock import landlock_abi_version, min_landlock_abi

from treeact.errors import ToolError
from treeact.sandbox.local.process import base_interpreter
from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
from treeact.tools.documents import converting
from treeact.tools.documents.converting import convert
from treeact.tools.documents.kinds import kind_of
from treeact.tools.documents.paging import PAGE, show, split
from treeact.tools.documents.reading import look, read_document

PORT_OF_NOBODY = 9
MINI = Path(__file__).parents[3] / "treeact/benchmarks/suites/mini/files"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def zipped(**files: str | bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target.getvalue()


def docx(body: str, relations: str = "", entities: str = "") -> bytes:
    """Return a Word document of the smallest kind."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-'
        'officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    top = (
        f'<Relationships xmlns="{package}"><Relationship Id="r1" Type="{RELATIONS}/officeDocument" '
        'Target="word/document.xml"/></Relationships>'
    )
    document = (
        f'{entities}<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
        f' xmlns:r="{RELATIONS}"><w:body>{body}</w:body></w:document>'
    )
    own = f'<Relationships xmlns="{package}">{relations}</Relationships>'
    return zipped(
        **{
            "[Content_Types].xml": types,
            "_rels/.rels": top,
            "word/document.xml": document,
            "word/_rels/document.xml.rels": own,
        }
    )


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def xlsx() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["city", "rain"])
    book.active.append(["Bergen", 240.5])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def pptx() -> bytes:
    from pptx import Presentation

    slides = Presentation()
    slides.slides.add_slide(slides.slide_layouts[0]).shapes.title.text = "Rain in Bergen"
    target = io.BytesIO()
    slides.save(target)
    return target.getvalue()


async def test_each_kind_of_document_becomes_text() -> None:
    documents = {
        "tariff.pdf": ((MINI / "mini-3-parcels/tariff.pdf").read_bytes(), "NORTHERN PARCEL POST"),
        "letter.docx": (docx(paragraph("Dear Bergen")), "Dear Bergen"),
        "rain.xlsx": (xlsx(), "| Bergen | 240.5 |"),
        "talk.pptx": (pptx(), "Rain in Bergen"),
        "page.html": (b"<html><h1>Rain</h1><p>caf\xc3\xa9</p>", "café"),
        "rain.csv": (b"city,rain\nBergen,240.5\n", "| Bergen | 240.5 |"),
        "notes.txt": ("straße".encode("utf-16"), "straße"),
    }
    texts = await asyncio.gather(
        *(convert(data, kind_of(data, name=name)) for name, (data, _) in documents.items())
    )
    for (name, (_, expected)), text in zip(documents.items(), texts, strict=True):
        assert expected in text, name


async def test_a_charset_is_believed_only_where_it_fits() -> None:
    text = "Bjørn läuft über die Straße".encode("latin-1")
    shown = await asyncio.gather(
        convert(text, ".txt", charset="iso-8859-1"),
        convert("Привет".encode("koi8-r"), ".txt", charset="koi8-r"),
        convert("naïve".encode(), ".txt", charset="ascii"),  # declared wrongly
        convert("naïve".encode(), ".txt", charset="punycode"),  # no charset at all
        convert(b'<html><meta charset="cp1251">' + "Привет".encode("cp1251"), ".html"),
    )
    assert shown[0] == "Bjørn läuft über die Straße"
    assert shown[1] == "Привет"
    assert shown[2] == shown[3] == "naïve"
    assert "Привет" in shown[4]


async def test_a_document_cannot_make_its_reader_open_other_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG\r\n\x1a\n the key to everything")
    linked = (
        '<w:p><w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
        'wordprocessingDrawing"><a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/'
        'main"><a:graphicData><pic:pic xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/'
        'picture"><pic:blipFill><a:blip r:link="x1"/></pic:blipFill></pic:pic></a:graphicData>'
        "</a:graphic></wp:inline></w:drawing></w:r></w:p>"
    )
    relation = (
        f'<Relationship Id="x1" Type="{RELATIONS}/image" TargetMode="External" '
        f'Target="file://{secret}"/>'
    )
    entity = f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{secret}">]>'
    for document in (
        docx(paragraph("Hello") + linked, relations=relation),
        docx(paragraph("&x;"), entities=entity),
    ):
        try:
            text = await convert(document, ".docx")
        except ToolError as error:
            text = str(error)
        assert "key to everything" not in text
        assert "dGhlIGtleSB0by" not in text  # nor in base64


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"%PDF-1.7\nno PDF", ".pdf"),
        (docx("<w:p/>" * 10_000_000), ".docx"),
        (xlsx()[:-40], ".xlsx"),
    ],
    ids=["no PDF", "a bomb", "cut off"],
)
async def test_broken_documents_are_observations(
    data: bytes, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(converting, "SECONDS", 4)
    with pytest.raises(ToolError, match=r"it cannot be read|more than 8 seconds"):
        await convert(data, kind)


async def test_deep_nesting_and_endless_text_end() -> None:
    deep, long = await asyncio.gather(
        convert(b"<html>" + b"<div>" * 200_000 + b"end", "page", url="http://x/"),
        convert(b"x" * (converting.CHARACTERS + 5), ".txt"),
        return_exceptions=True,
    )
    assert isinstance(deep, str | ToolError)
    assert isinstance(long, str)
    assert len(long) == converting.CHARACTERS


async def test_a_reader_that_takes_too_long_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converting, "SECONDS", 1)
    rows = b"<html><table>" + b"<tr><td><b><i>a" * 300_000
    began = time.monotonic()
    with pytest.raises(ToolError):
        await convert(rows, ".html")
    assert time.monotonic() - began < 30


async def test_a_cancelled_conversion_leaves_no_process() -> None:
    before = children()
    task = asyncio.create_task(convert(b"%PDF-" + os.urandom(100), ".pdf"))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() <= before


def children() -> set[str]:
    found: set[str] = set()
    for path in Path("/proc/self/task").glob("*/children"):
        found |= set(path.read_text().split())
    return found


async def test_what_is_missing_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", base_interpreter())  # it has no packages
    with pytest.raises(ToolError, match=r'missing package: markitdown: .*"treeact\[web\]"'):
        await convert(b"%PDF-nothing", ".pdf")


def test_the_child_reaches_neither_files_nor_network(tmp_path: Path) -> None:
    if landlock_abi_version() < min_landlock_abi():
        pytest.skip("this kernel has no Landlock: the child can read files")
    (tmp_path / "secret").write_text("x")
    program = f"""
import runpy, socket
child = runpy.run_path({str(converting.CHILD)!r})
child["limit"](10)
child["confine"]()
for attempt in (
    lambda: open({str(tmp_path / "secret")!r}),
    lambda: open({str(tmp_path / "new")!r}, "w"),
    lambda: socket.create_connection(("127.0.0.1", {PORT_OF_NOBODY}), 1),
):
    try:
        attempt()
    except OSError as error:
        print(error.errno)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False
    )
    seen = [int(line) for line in done.stdout.split()]
    assert len(seen) == 3, done.stderr
    assert set(seen[:2]) <= {errno.EACCES, errno.EPERM}
    namespaces = subprocess.run(["unshare", "-Urn", "true"], capture_output=True, check=False)
    if namespaces.returncode == 0:
        assert seen[2] == errno.ENETUNREACH


# In the working folder --------------------------------------------------------------------------


async def test_code_reads_the_documents_of_its_working_folder() -> None:
    async with UnsafeLocalSandbox() as sandbox:
        branch = await sandbox.branch(tools=[read_document, look])
        await branch.put("tariff.pdf", (MINI / "mini-3-parcels/tariff.pdf").read_bytes())
        await branch.put("sub/data.bin", bytes(range(256)))
        await branch.put("counters.png", (MINI / "mini-1-discs/counters.png").read_bytes())
        shown = await branch.run("print(read_document('tariff.pdf'))")
        assert shown.stdout.startswith("[tariff.pdf, page 1 of 1]\nNORTHERN PARCEL POST")
        found = await branch.run("print(read_document('tariff.pdf', find='30  KG'))")
        assert "page 1 of 1: ..." in found.stdout
        written = "open('own.csv', 'w').write('a,b\\n1,2\\n')\nprint(read_document('own.csv'))"
        assert "| 1 | 2 |" in (await branch.run(written)).stdout
        fork = await branch.fork()
        await fork.run("open('own.csv', 'w').write('c\\n3\\n')")
        assert "| 3 |" in (await fork.run("print(read_document('own.csv'))")).stdout
        assert "| 1 | 2 |" in (await branch.run("print(read_document('own.csv'))")).stdout
        for code, says in {
            "read_document('missing.pdf')": "file 'missing.pdf' cannot be read",
            "read_document('../secret')": "is no file of the working folder",
            "read_document('/etc/passwd')": "is no file of the working folder",
            "import os; os.symlink('/etc/passwd', 'link'); read_document('link')": "cannot be read",
            "read_document('tariff.pdf', page=2)": "has no page 2: its pages are 1 to 1",
            "read_document('tariff.pdf', find='submarine')": "does not hold 'submarine'",
            "read_document('sub/data.bin')": "is no document",
            "read_document('counters.png')": "is a picture: ask look",
            "look('tariff.pdf', '?')": "is no picture",
            "look('counters.png', '?')": "there is no model to look with",
        }.items():
            execution = await branch.run(code)
            assert execution.error is not None, code
            assert execution.error.type == "ToolError"
            assert says in execution.error.message, execution.error.message


async def test_outside_of_a_run_there_is_no_working_folder() -> None:
    with pytest.raises(ToolError, match="only in an agent's run"):
        await read_document.call(["a.txt"], {})


# Kinds and pages --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "declared", "kind"),
    [
        (b"%PDF-1.7", "page.html", "text/html", ".pdf"),
        (b"<!DOCTYPE html><p>", "x.bin", "application/octet-stream", ".html"),
        (b"\xef\xbb\xbf\n <HTML>", "", "", ".html"),
        (b"a,b", "t.csv", "text/plain", ".csv"),
        (b"a,b", "t", "text/csv", ".csv"),
        (b"{}", "x", "application/json", ".json"),
        (b"\x00\x01", "x.txt", "text/plain", ""),
        (b"", "x", "", ".txt"),
        (b"RIFF1234WEBPVP8", "x", "", ".webp"),
        (zipped(a="b"), "x.docx", "", ".zip"),
        (docx(""), "x.zip", "", ".docx"),
    ],
)
def test_bytes_say_more_than_names(data: bytes, name: str, declared: str, kind: str) -> None:
    assert kind_of(data, name=name, declared=declared) == kind


def test_the_kind_of_an_archive_with_very_many_names_is_not_searched_for() -> None:
    many = {f"word/{number}": b"" for number in range(20_000)}
    few = dict(list(many.items())[:10])
    assert (kind_of(zipped(**many)), kind_of(zipped(**few))) == (".zip", ".docx")


@settings(max_examples=50)
@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
def test_any_bytes_have_a_kind(data: bytes, name: str, declared: str) -> None:
    for start in (b"", b"PK\x03\x04", b"%PDF-", b"RIFF"):
        assert isinstance(kind_of(start + data, name=name, declared=declared), str)


@given(st.lists(st.text(st.characters(codec="utf-8"), max_size=4000), max_size=12))
def test_pages_hold_the_whole_text(parts: list[str]) -> None:
    text = "\n".join(parts)
    pages = split(text)
    assert all(len(page) <= PAGE for page in pages)
    assert "".join(pages).replace("\n", "") == text.replace("\n", "")


def test_what_is_found_is_counted_and_close_finds_are_shown_once() -> None:
    text = "nothing\n" * 3000 + "the red\n fox and the RED fox\n" + "nothing\n" * 3000
    shown = show(text, name="tale", find="red fox")
    assert shown.startswith("[tale: 'red fox' is there 2 times]\npage 3 of 5: ...")
    assert shown.count("page 3") == 1
    many = show("fox " + "x" * 500 + "\n" * 50, name="x", find="fox")
    assert many.count("...") == 2
    apart = "x" * (PAGE - 7) + " the red\nfox\n" + "x" * 50
    assert len(split(apart)) == 2
    assert "page 1 of 2: ..." in show(apart, name="x", find="red fox"), "it goes over the edge"
    with pytest.raises(ToolError, match="no word"):
        show("x", name="x", find=" \n")
