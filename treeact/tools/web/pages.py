"""Tools that visit web pages and download files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from email.message import Message
from urllib.parse import unquote, urlsplit

from treeact.calling import working_folder
from treeact.errors import ToolError
from treeact.tools.documents.converting import convert
from treeact.tools.documents.kinds import MEDIA_TYPES, kind_of
from treeact.tools.documents.paging import show
from treeact.tools.documents.reading import TIMEOUT, document_text
from treeact.tools.function import Tool, make_tool
from treeact.tools.web.fetch import Fetched, FetchLimits, fetch

LONGEST = 60
"""Bytes of a file's name, without its extension."""


def make_visit_page(limits: FetchLimits) -> Tool:
    """Return the tool that reads a web page, within `limits`."""

    async def visit_page(url: str, page: int = 1, find: str = "") -> str:
        """Return the text of a web page, with its links; of a PDF or other document, too.

        Args:
            url: the whole address, with https:// or http://.
            page: which page of the text, in pages of about 10000 characters; the first line says
                how many there are.
            find: words to find; then the passages that hold them are returned instead of a page.
        """
        fetched = await fetch(url, limits)
        title, text = await _page_text(fetched)
        name = f"{fetched.url} {title}".strip()
        return show(text, name=name, page=page, find=find)

    return make_tool(visit_page, effects="read", timeout=limits.seconds + TIMEOUT)


async def _page_text(fetched: Fetched) -> tuple[str, str]:
    """Return title and text of what was fetched."""
    path = urlsplit(fetched.url).path
    kind = kind_of(fetched.data, name=path, declared=fetched.content_type)
    if kind == ".html":
        text = await convert(fetched.data, "page", charset=fetched.charset, url=fetched.url)
        title, _, body = text.partition("\n")
        return title, body
    if not kind or kind in MEDIA_TYPES or kind == ".zip":
        what = fetched.content_type or "a file"
        raise ToolError(f"{fetched.url} is {what}, not a page: download(url) it, and work with it")
    return "", await document_text(
        fetched.data, path, declared=fetched.content_type, charset=fetched.charset
    )


def make_download(limits: FetchLimits) -> Tool:
    """Return the tool that puts a file of the web into the working folder, within `limits`."""
    limits = replace(limits, max_bytes=5 * limits.max_bytes, seconds=2 * limits.seconds)

    async def download(url: str) -> str:
        """Download a file into the working folder and return the name it has there.

        Args:
            url: the whole address, with https:// or http://.
        """
        fetched = await fetch(url, limits)
        folder = working_folder()
        name = choose_name(fetched, taken=await folder.names())
        await folder.put(name, fetched.data)
        return name

    return make_tool(download, effects="read", timeout=limits.seconds + TIMEOUT)


def choose_name(fetched: Fetched, *, taken: Iterable[str]) -> str:
    """Return a plain, new name for what was fetched, from what its sender calls it.

    It is chosen here, since what a server says may be any path.
    """
    path = _said_name(fetched.disposition) or unquote(urlsplit(fetched.url).path)
    plain = re.sub(r"[^\w.-]+", "_", path.replace("\\", "/").rstrip("/").rpartition("/")[2])
    stem, dot, ending = plain.strip("._-").rpartition(".")
    if not dot:
        stem, ending = ending, ""
    extension = (
        f".{_cut(ending, 10)}" if ending else kind_of(fetched.data, declared=fetched.content_type)
    )
    stem = _cut(stem, LONGEST) or "download"
    names = set(taken)
    name, number = f"{stem}{extension}", 1
    while name in names:
        number += 1
        name = f"{stem}-{number}{extension}"
    return name


def _said_name(disposition: str) -> str:
    """Return the file name in a Content-Disposition header, in either of its forms, or nothing."""
    message = Message()
    message["Content-Disposition"] = disposition
    try:
        return message.get_filename("")
    except (LookupError, ValueError):  # such as a charset that there is not
        return ""


def _cut(text: str, size: int) -> str:
    """Return the beginning of a text that takes at most `size` bytes."""
    return text.encode("utf-8", "ignore")[:size].decode("utf-8", "ignore")
