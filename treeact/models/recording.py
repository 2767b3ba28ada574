"""Recording: any model, with each of its calls written to a file that replay plays."""

from __future__ import annotations

import base64
import errno
import json
import threading
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from treeact.errors import ConfigError
from treeact.models.base import (
    SILENT,
    Completion,
    Image,
    Listener,
    Message,
    Meter,
    Model,
    Request,
)
from treeact.models.cassette import (
    FORMAT,
    AddedMessage,
    Call,
    Digester,
    Header,
    Options,
    StoredImage,
    image_digest,
    tape_name,
)
from treeact.models.wrapped import WrappedModel


class RecordingModel(WrappedModel):
    """A model that passes every call on to another and records the reply.

    Each call is one line, appended and flushed before the reply is returned. The file is created
    at the first reply, readable by its owner only. If `path` is a folder, each task gets a file
    of its own there, named by the first part of the calls' logical paths.

    Raises:
        ConfigError: the file exists, or cannot be created there.
    """

    def __init__(self, model: Model, path: str | Path) -> None:
        super().__init__(model)
        self._path = Path(path)
        self._tapes: dict[Path, _Tape] = {}
        self._lock = threading.Lock()
        if not self._path.is_dir():
            _check_free(self._path)

    def __repr__(self) -> str:
        return f"RecordingModel({self._model!r}, {str(self._path)!r})"

    async def complete(
        self, request: Request, *, meter: Meter | None = None, listener: Listener = SILENT
    ) -> Completion:
        """Answer `request` by the recorded model; a reply that cannot be written has a note."""
        completion = await self._model.complete(request, meter=meter, listener=listener)
        try:
            with self._lock:
                self._tape(request).append(request, completion)
        except OSError as error:
            note = f"this reply was not recorded: {error.strerror or error}"
            return replace(completion, notes=(*completion.notes, note))
        return completion

    def _tape(self, request: Request) -> _Tape:
        path = self._path / tape_name(request.path) if self._path.is_dir() else self._path
        if path not in self._tapes:
            self._tapes[path] = _Tape(path, self._model)
        return self._tapes[path]


class _Tape:
    """One recording being written."""

    def __init__(self, path: Path, model: Model) -> None:
        self._path = path
        self._model = model
        self._started = False
        self._calls = 0
        self._prefixes: dict[str, tuple[int, int]] = {}
        self._images: set[str] = set()
        self._digests = Digester()

    def append(self, request: Request, completion: Completion) -> None:
        """Write one call, after the header if it is the first."""
        if not self._started:
            self._path.open("xb").close()
            self._path.chmod(0o600)
            self._started = True
            self._write(self._header(completion))
        call, prefixes = self._call(request, completion)
        self._write(call)
        self._remember(call, prefixes)

    def _header(self, completion: Completion) -> Header:
        return Header(
            treeact_recording=FORMAT,
            author=completion.author,
            model=completion.model,
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            prices=self._model.prices,
            context_window=self._model.context_window,
        )

    def _call(self, request: Request, completion: Completion) -> tuple[Call, list[str]]:
        prefixes = self._digests.prefixes(request.messages)
        base = self._longest_known(prefixes)
        added = request.messages[base[1] if base else 0 :]
        call = Call(
            path=request.path,
            digest=self._digests.request(request),
            options=Options.of(request),
            base=base,
            added=tuple(_added(message) for message in added),
            images=self._new_images(added),
            completion=completion,
        )
        return call, prefixes

    def _longest_known(self, prefixes: list[str]) -> tuple[int, int] | None:
        known = (self._prefixes.get(prefix) for prefix in reversed(prefixes))
        return next((place for place in known if place is not None), None)

    def _new_images(self, messages: Sequence[Message]) -> dict[str, StoredImage]:
        images = {image_digest(image): image for message in messages for image in message.images}
        return {
            digest: _stored(image) for digest, image in images.items() if digest not in self._images
        }

    def _remember(self, call: Call, prefixes: list[str]) -> None:
        """Note what a written call holds; nothing of a line that could not be written."""
        for count, prefix in enumerate(prefixes, start=1):
            self._prefixes.setdefault(prefix, (self._calls, count))
        self._images.update(call.images)
        self._calls += 1

    def _write(self, line: Header | Call) -> None:
        data = json.dumps(asdict(line)).encode("ascii") + b"\n"
        with self._path.open("ab", buffering=0) as file:
            start = file.tell()
            if file.write(data) != len(data):
                file.truncate(start)
                raise OSError(errno.ENOSPC, "the disk is full")


def _added(message: Message) -> AddedMessage:
    images = tuple(image_digest(image) for image in message.images)
    content = message.content.encode("utf-8", "replace").decode()  # JSON has no lone surrogates
    return AddedMessage(role=message.role, content=content, images=images)


def _stored(image: Image) -> StoredImage:
    return StoredImage(media_type=image.media_type, base64=base64.b64encode(image.data).decode())


def _check_free(path: Path) -> None:
    if path.exists():
        raise ConfigError(f"{path} exists: record to another file, or remove it first")
    if not path.parent.is_dir():
        raise ConfigError(f"cannot record to {path}: the folder {path.parent} does not exist")
