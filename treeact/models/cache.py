"""A cache of replies on disk: the same request of the same model is paid once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from treeact.errors import ConfigError
from treeact.models.base import SILENT, Completion, Listener, Message, Meter, Model, Request
from treeact.models.cassette import Options, image_digest
from treeact.models.wrapped import WrappedModel

NOTE = "answered from the cache of replies"
_completions: TypeAdapter[Completion] = TypeAdapter(Completion)
_keys: TypeAdapter[list[object]] = TypeAdapter(list[object])


class CachedModel(WrappedModel):
    """Answers from files where it can, and books what the reply cost when it was given.

    The key is the model's name, its server, the messages with their pictures, the options of the
    request, and `salt`: with another salt, such as the number of an epoch, other replies are had.

    Args:
        model: who answers what is not in the cache.
        folder: where replies are kept, a file each.
        server: URL of the server, where the name of the model does not tell.
        salt: see above.

    Raises:
        ConfigError: the folder cannot be made.
    """

    def __init__(self, model: Model, folder: Path, *, server: str = "", salt: str = "") -> None:
        super().__init__(model)
        self._folder = folder
        self._about = [model.name, server, salt]
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"cannot make the cache {folder}: {error.strerror}") from error

    async def complete(
        self, request: Request, *, meter: Meter | None = None, listener: Listener = SILENT
    ) -> Completion:
        """Answer from the cache, or ask; see `Model.complete`."""
        path = self._path(request)
        known = _read(path)
        if known is None:
            fresh = await self._model.complete(request, meter=meter, listener=listener)
            _write(path, fresh)
            return fresh
        if meter is not None:
            charge = await meter.reserve(request, model=self)
            charge.settle(known.usage, known.cost)
        return known

    def _path(self, request: Request) -> Path:
        key = [*self._about, _messages(request.messages), Options.of(request)]
        digest = hashlib.sha256(_keys.dump_json(key)).hexdigest()
        return self._folder / digest[:2] / f"{digest}.json"


def _messages(messages: Sequence[Message]) -> list[object]:
    return [[it.role, it.content, [*map(image_digest, it.images)]] for it in messages]


def _read(path: Path) -> Completion | None:
    """Return a cached reply; a file that cannot be used is as good as none."""
    try:
        known = _completions.validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
    notes = known.notes if NOTE in known.notes else (*known.notes, NOTE)
    return _completions.validate_python({**vars(known), "notes": notes})


def _write(path: Path, completion: Completion) -> None:
    """Keep a reply, whole or not at all; a full disk costs nothing but the cache."""
    new = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(exist_ok=True)
        new.write_bytes(_completions.dump_json(completion))
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
