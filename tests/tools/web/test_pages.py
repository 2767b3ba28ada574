"""Visiting and downloading, from code in a sandbox that meets a real server."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.web_server import WebServer, redirect, response
from treeact.sandbox.base import Branch
from treeact.sandbox.local.unsafe import UnsafeLocalSandbox
from treeact.tools.gaia import gaia_tools
from treeact.tools.web.fetch import Fetched, FetchLimits
from treeact.tools.web.pages import choose_name

ARTICLE = "".join(f"<p>Paragraph {n} tells of the harbour of Bergen.</p>" for n in range(400))
PAGE = (
    "<html><head><title>Harbours &amp; rain</title></head><body><nav><a href='/x'>Menu</a></nav>"
    "<article><h1>Harbours</h1><p>See <a href='/tides'>the tides</a>.</p>"
    f"{ARTICLE}</article></body></html>"
).encode()
PNG = b"\x89PNG\r\n\x1a\nrest"
UNTRUE = "<html><meta charset='utf-8'><title>Größe</title><p>Größe der Häfen</p>".encode("latin-1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    book = openpyxl.Workbook()
    book.active.append(["tonnes", 9859])
    path = tmp_path_factory.mktemp("books") / "book.xlsx"
    book.save(path)
    answers = {
        "/page": response(PAGE),
        "/untrue": response(UNTRUE, content_type="text/html; charset=utf-8"),
        "/book": response(path.read_bytes(), content_type="text/html"),
        "/raw": response(b"<!doctype html><p>words", content_type="application/octet-stream"),
        "/picture": response(PNG, content_type="text/html"),
        "/named": response(
            b"a,b", 'Content-Disposition: attachment; filename="../../etc/cron d.csv"'
        ),
        "/moved": redirect("/data/table.csv?x=1"),
        "/data/table.csv": response(b"a,b\n1,2\n", content_type="text/csv"),
    }
    with WebServer(answers) as server:
        yield server


@pytest.fixture
async def branch() -> AsyncIterator[Branch]:
    limits = FetchLimits(allow_private=True, seconds=10)
    async with UnsafeLocalSandbox() as sandbox:
        yield await sandbox.branch(tools=list(gaia_tools(limits=limits)))


async def test_pages_are_read_a_page_at_a_time_and_searched(
    server: WebServer, branch: Branch
) -> None:
    first = await branch.run(f"text = visit_page('{server.url}/page')\nprint(text)")
    assert first.stdout.startswith(f"[{server.url}/page Harbours & rain, page 1 of ")
    assert f"[the tides]({server.url}/tides)" in first.stdout
    assert "Menu" not in first.stdout
    second = await branch.run(f"print(visit_page('{server.url}/page', 2)[:200])")
    assert "page 2 of" in second.stdout
    assert "harbour of Bergen" in second.stdout
    found = await branch.run(f"print(visit_page('{server.url}/page', find='paragraph 399'))")
    assert "is there 1 times" in found.stdout


async def test_what_a_page_is_shows_in_its_bytes_and_not_in_what_is_said_of_it(
    server: WebServer, branch: Branch
) -> None:
    code = "\n".join(
        f"print(visit_page('{server.url}/{path}'))" for path in ("book", "raw", "untrue")
    )
    shown = (await branch.run(code)).stdout
    assert "9859" in shown
    assert "words" in shown
    assert "Größe der Häfen" in shown
    execution = await branch.run(f"visit_page('{server.url}/picture')")
    assert execution.error is not None
    assert "not a page: download(url) it" in execution.error.message


async def test_downloads_are_files_under_names_of_our_own(
    server: WebServer, branch: Branch
) -> None:
    code = f"""
for path in ("moved", "moved", "named", "picture"):
    name = download("{server.url}/" + path)
    print(name, len(open(name, "rb").read()))
"""
    execution = await branch.run(code)
    assert execution.stdout == "table.csv 8\ntable-2.csv 8\ncron_d.csv 3\npicture.png 12\n"
    assert [file.name for file in execution.files] == [
        "cron_d.csv",
        "picture.png",
        "table-2.csv",
        "table.csv",
    ]
    assert await branch.get("table.csv") == b"a,b\n1,2\n"


async def test_a_branch_that_is_rebuilt_has_its_downloads_again(server: WebServer) -> None:
    limits = FetchLimits(allow_private=True)
    async with UnsafeLocalSandbox() as sandbox:
        branch = await sandbox.branch(tools=list(gaia_tools(limits=limits)))
        await branch.run(f"name = download('{server.url}/moved')\nrows = open(name).read()")
        asked = len(server.requests)
        fork = await branch.fork()
        assert await branch.evict()  # type: ignore[attr-defined]
        shown = await branch.run("print(name, rows == open(name).read())")
        assert (shown.stdout, shown.rebuilt) == ("table.csv True\n", True)
        assert (await fork.run("print(open(name).read())")).stdout == "a,b\n1,2\n\n"
        assert len(server.requests) == asked, "nothing is downloaded twice"


async def test_an_interrupted_download_leaves_the_branch_usable(branch: Branch) -> None:
    def silent(send: object, ended: object) -> None:
        ended.wait(20)  # type: ignore[attr-defined]

    with WebServer({"/silent": silent}) as server:
        running = asyncio.create_task(branch.run(f"download('{server.url}/silent')"))
        await asyncio.to_thread(server.asked.wait, 20)
        await branch.interrupt()
        assert (await running).outcome == "interrupted"
    await branch.put("after.txt", b"x")
    assert await branch.get("after.txt") == b"x"


async def test_private_addresses_are_refused_by_default(server: WebServer) -> None:
    async with UnsafeLocalSandbox() as sandbox:
        branch = await sandbox.branch(tools=list(gaia_tools()))
        for call in ("visit_page", "download"):
            execution = await branch.run(f"{call}('{server.url}/page')")
            assert execution.error is not None
            assert "is not on the public internet" in execution.error.message


@pytest.mark.parametrize(
    ("url", "disposition", "data", "name"),
    [
        ("http://x/", "", b"<html>", "download.html"),
        ("http://x/a/b.tar.gz?y", "", b"\x1f\x8b", "b.tar.gz"),
        ("http://x/..%2f..%2fetc%2fpasswd", "", b"x", "passwd.txt"),
        ("http://x/.bashrc", "", b"x", "bashrc.txt"),
        ("http://x/" + "a" * 300 + ".pdf", "", b"%PDF-", "a" * 60 + ".pdf"),
        ("http://x/%00%0a%e2%82%ac.csv", "", b"x", "csv.txt"),
        ("http://x/y", "attachment; filename=C:\\temp\\z.csv", b"x", "z.csv"),
        ("http://x/taken.csv", "", b"x", "taken-2.csv"),
        ("http://x/y", "attachment; filename*=UTF-8''r%C3%A9sum%C3%A9.pdf", b"x", "résumé.pdf"),
        ("http://x/y", "attachment; filename*=nonsense''%ff%fe.pdf", b"x", "ÿþ.pdf"),
        ("http://x/y", 'attachment; filename="a\\"b;c.pdf"', b"x", "a_b_c.pdf"),
        ("http://x/" + "%F0%90%90%80" * 99 + ".csv", "", b"x", "\U00010400" * 15 + ".csv"),
    ],
)
def test_names_are_plain(url: str, disposition: str, data: bytes, name: str) -> None:
    fetched = Fetched(url=url, content_type="", charset="", disposition=disposition, data=data)
    assert choose_name(fetched, taken=["taken.csv"]) == name


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_name_is_one_in_the_folder_itself(said: str, path: str) -> None:
    fetched = Fetched(
        url=f"http://x/{path}",
        content_type="",
        charset="",
        disposition=f"attachment; filename{said}",
        data=b"x",
    )
    name = choose_name(fetched, taken=[])
    assert not set("/\\\0\n") & set(name)
    assert not name.startswith((".", "-"))
    assert 0 < len(name.encode()) <= 80
