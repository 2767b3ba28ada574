"""Big values beside the log, each in a file named by the hash of its bytes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from treeact.errors import TraceError
from treeact.trace.events import Blob, Text

INLINE_BYTES = 8192
"""Longer texts become blobs: a line of the log stays quick to read and to skip."""

HEAD_CHARACTERS = 400


class BlobStore:
    """A folder of content-addressed files, or, without a folder, a dictionary."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._memory: dict[str, bytes] = {}

    def put(self, data: bytes, *, media_type: str = "text/plain", head: str = "") -> Blob:
        """Keep `data`, once however often it is put, and return its reference.

        Raises:
            OSError: it cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        if self._folder is None:
            self._memory[digest] = data
        elif not (path := self._folder / digest).exists():
            _write_whole(path, data)
        return Blob(blob=digest, size=len(data), media_type=media_type, head=head)

    def text(self, value: str) -> Text:
        """Return `value` itself when it is short, else the reference of its blob."""
        if is_short(value) or len(data := _encode(value)) <= INLINE_BYTES:
            return value
        return self.put(data, head=value[:HEAD_CHARACTERS])

    def get(self, blob: Blob) -> bytes:
        """Return the bytes of `blob`.

        Raises:
            TraceError: they are missing or damaged.
        """
        try:
            data = (
                self._memory[blob.blob]
                if self._folder is None
                else (self._folder / Path(blob.blob).name).read_bytes()
            )
        except (KeyError, OSError) as error:
            raise TraceError(f"blob {blob.blob[:12]} of the trace is missing") from error
        if hashlib.sha256(data).hexdigest() != blob.blob:
            raise TraceError(f"blob {blob.blob[:12]} of the trace is damaged: its hash differs")
        return data

    def read_text(self, value: Text) -> str:
        """Return the whole text behind `value`."""
        if isinstance(value, str):
            return value
        return self.get(value).decode("utf-8", "replace")


def is_short(text: str) -> bool:
    """Tell whether `text` needs no blob whatever its characters are, without encoding it."""
    return len(text) <= INLINE_BYTES // 4


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _write_whole(path: Path, data: bytes) -> None:
    """Write so that the file is there with all its bytes or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
