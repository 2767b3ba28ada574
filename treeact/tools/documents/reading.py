"""Tools that read files of the working folder: documents as text, pictures through the model."""

from __future__ import annotations

from treeact.calling import eyes, working_folder
from treeact.errors import ToolError
from treeact.tools.documents.converting import convert
from treeact.tools.documents.kinds import MEDIA_TYPES, kind_of
from treeact.tools.documents.paging import show
from treeact.tools.function import tool

MAX_PICTURE = 5 * 1024**2
"""Bytes of a picture that models take."""
TIMEOUT = 90.0


@tool(effects="read", timeout=TIMEOUT)
async def read_document(file: str, page: int = 1, find: str = "") -> str:
    """Return the text of a document: PDF, DOCX, XLSX, PPTX, HTML, CSV or plain text.

    Args:
        file: its name in the working folder.
        page: which page of the text, in pages of about 10000 characters; the first line says how
            many there are.
        find: words to find; then the passages that hold them are returned instead of a page.
    """
    data = await working_folder().get(file)
    return show(await document_text(data, file), name=file, page=page, find=find)


async def document_text(data: bytes, name: str, *, declared: str = "", charset: str = "") -> str:
    """Return the text of a document.

    Raises:
        ToolError: it is none, or cannot be read.
    """
    kind = kind_of(data, name=name, declared=declared)
    if kind in MEDIA_TYPES:
        raise ToolError(f"{name} is a picture: ask look(file, question) about it")
    if kind == ".zip":
        raise ToolError(f"{name} is a ZIP archive: unpack it with zipfile and read its files")
    if not kind:
        raise ToolError(f"{name} is no document that can be read as text: open it in your code")
    try:
        return await convert(data, kind, charset=charset)
    except ToolError as error:
        raise ToolError(f"{name}: {error}") from error


@tool(effects="read", timeout=TIMEOUT)
async def look(file: str, question: str) -> str:
    """Have a picture looked at, and return the answer to a question about it.

    Args:
        file: the picture's name in the working folder: PNG, JPEG, GIF or WEBP.
        question: what to look for; ask for one thing, and for exact wording where that matters.
    """
    data = await working_folder().get(file)
    kind = kind_of(data, name=file)
    if kind not in MEDIA_TYPES:
        raise ToolError(f"{file} is no picture of a kind that can be looked at: save it as PNG")
    if len(data) > MAX_PICTURE:
        raise ToolError(
            f"{file} has {len(data) / 1024**2:.1f} MB, and {MAX_PICTURE // 1024**2} can be looked "
            "at: crop it, or make it smaller, with PIL"
        )
    return await eyes()(question, data, MEDIA_TYPES[kind])
