"""What kind of file some bytes are, whatever their name or their sender says."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

SIGNATURES = (
    (b"%PDF-", ".pdf"),
    (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"),
    (b"GIF87a", ".gif"),
    (b"GIF89a", ".gif"),
)
MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
}
"""Pictures that models can be shown."""
OFFICE = {"word/": ".docx", "xl/": ".xlsx", "ppt/": ".pptx"}
DECLARED = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "text/markdown": ".txt",
    "application/json": ".json",
    "application/xml": ".xml",
    "text/xml": ".xml",
}
TEXTS = (".txt", ".md", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".log", ".tsv", ".py", ".rtf")
HEAD = 4096
NAMES = 2**20
"""Bytes of the list of names in an archive that is read."""


def kind_of(data: bytes, *, name: str = "", declared: str = "") -> str:
    """Return the extension that stands for the kind of a file, such as `.pdf`, or nothing.

    Args:
        data: the bytes.
        name: its name or the path of its address.
        declared: the media type that its sender gives it.
    """
    for signature, kind in SIGNATURES:
        if data.startswith(signature):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return ".webp"
    if data.startswith(b"PK\x03\x04"):
        return _kind_of_zip(data)
    if _is_binary(data):
        return ""
    return _kind_of_text(data, name, declared)


def _kind_of_zip(data: bytes) -> str:
    end = data.rfind(b"PK\x05\x06")  # the record at the end says how large the list of names is
    if (
        int.from_bytes(data[end + 12 : end + 16], "little") > NAMES
        or b"PK\x06\x07" in data[end - 20 :]
    ):
        return ".zip"  # more than a document has, and too many to read here
    try:
        names: Iterable[str] = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError):
        return ""
    found = {kind for name in names for folder, kind in OFFICE.items() if name.startswith(folder)}
    return found.pop() if len(found) == 1 else ".zip"


def _is_binary(data: bytes) -> bool:
    head = data[:HEAD]
    return b"\x00" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))


def _kind_of_text(data: bytes, name: str, declared: str) -> str:
    head = data[:HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return ".html"
    extension = "." + name.rpartition(".")[2].lower() if "." in name else ""
    if extension in (".html", ".htm"):
        return ".html"
    if extension in (".csv", *TEXTS):
        return extension
    return DECLARED.get(declared, ".txt")
