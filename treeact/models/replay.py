"""Replay: a model that answers from a recording, and says where a run departs from it."""

from __future__ import annotations

import difflib
import itertools
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from treeact.errors import ReplayError
from treeact.models.base import Completion, Listener, Message, Meter, Request
from treeact.models.cassette import (
    Call,
    Cassette,
    Digester,
    Options,
    image_digest,
    tape_name,
    tapes_in,
)
from treeact.models.language_model import LanguageModel

_DIFF_LINES = 12
_DIFF_WIDTH = 160
_DIFF_WINDOW = 40
"""Lines of either text that are compared, from the first difference on."""


class ReplayModel(LanguageModel):
    """Answers each call with the recorded reply of the same logical path.

    Several calls with one path are answered by the recorded call with the same request, else in
    the order of the recording. A call that differs from its recording is still answered, and the
    completion's notes show the difference; with `strict` it is an error. `path` may be a folder:
    then the first part of a call's logical path names the recording in it.

    Raises:
        ReplayError: the recording cannot be used; the message says why, and at which line.
    """

    def __init__(self, path: str | Path, *, strict: bool = False) -> None:
        self._path = Path(path)
        self._strict = strict
        self._tapes: dict[str, _Tape] = {}
        first = self._first_tape()
        header = first.cassette.header
        super().__init__(
            f"replay:{path}", prices=header.prices, context_window=header.context_window
        )

    async def _attempt(self, request: Request, on_text: Callable[[str], None] | None) -> Completion:
        completion, departure = self._tape(request).answer(request)
        if departure:
            if self._strict:
                raise ReplayError(departure)
            completion = replace(completion, notes=(*completion.notes, departure))
        if on_text is not None and completion.texts[0]:
            on_text(completion.texts[0])
        return completion

    async def _top_up(
        self,
        first: Completion,
        request: Request,
        missing: int,
        meter: Meter | None,
        listener: Listener,
    ) -> Completion:
        return first  # a recording has no more samples than it has

    def _first_tape(self) -> _Tape:
        if not self._path.is_dir():
            return self._load("", self._path)
        first = next(tapes_in(self._path), None)
        if first is None:
            raise ReplayError(f"the folder {self._path} holds no recordings (*.jsonl)")
        return self._load(first.name, first)

    def _tape(self, request: Request) -> _Tape:
        name = tape_name(request.path) if self._path.is_dir() else ""
        if name in self._tapes:
            return self._tapes[name]
        file = self._path / name
        if not file.exists():
            known = _some([tape.stem for tape in tapes_in(self._path)])
            raise ReplayError(f"no recording for {request.path!r} in {self._path}; it has: {known}")
        return self._load(name, file)

    def _load(self, name: str, file: Path) -> _Tape:
        return self._tapes.setdefault(name, _Tape(Cassette.load(file)))


class _Tape:
    """One recording being played: which of its calls were used, and which differences told."""

    def __init__(self, cassette: Cassette) -> None:
        self.cassette = cassette
        self._used: defaultdict[str, int] = defaultdict(int)
        self._taken: set[int] = set()
        self._told: dict[tuple[str, ...], str] = {}
        self._digests = Digester()

    def answer(self, request: Request) -> tuple[Completion, str | None]:
        """Return the recorded reply to `request`, and how the request departs from its own."""
        calls = self.cassette.at(request.path)
        if not calls:
            raise ReplayError(
                f"the recording {self.cassette.path} has no call {request.path!r}; "
                f"it has: {_some(self.cassette.paths)}"
            )
        digest = self._digests.request(request)
        call = self._choose(calls, request.path, digest)
        same = call.digest == digest
        return call.completion, None if same else self._departure(call, request)

    def _choose(self, calls: list[Call], path: str, digest: str) -> Call:
        """Prefer the same request, then a call not used yet, then start over."""
        turn = self._used[path]
        self._used[path] += 1
        by_turn = calls[turn % len(calls) :] + calls[: turn % len(calls)]
        fresh = [call for call in calls if id(call) not in self._taken]
        same = [call for call in fresh + by_turn if call.digest == digest]
        chosen = (same or fresh or by_turn)[0]
        self._taken.add(id(chosen))
        return chosen

    def _departure(self, call: Call, request: Request) -> str:
        difference = _options_difference(call.options, Options.of(request))
        recorded, actual = _first_difference(self.cassette.messages(call), _shown(request))
        if recorded != actual:
            seen = (recorded, actual)
            first = self._told.setdefault(seen, request.path)
            if first != request.path:
                return f"{request.path} departs from the recording since {first}"
            difference.append(_diff(recorded, actual))
        text = "\n".join(difference) or "its pictures differ"
        return f"{request.path} departs from the recording: {text}"


def _shown(request: Request) -> tuple[Message, ...]:
    """Return the messages as the recording shows them, pictures by their digest."""
    return tuple(
        Message(
            message.role,
            message.content
            + "".join(f"\n[picture {image_digest(image)[:12]}]" for image in message.images),
        )
        for message in request.messages
    )


def _options_difference(recorded: Options, actual: Options) -> list[str]:
    return [
        f"{name} is {getattr(actual, name)!r}, recorded was {value!r}"
        for name, value in vars(recorded).items()
        if getattr(actual, name) != value
    ]


def _first_difference(
    recorded: tuple[Message, ...], actual: tuple[Message, ...]
) -> tuple[str, str]:
    """Return the first pair of messages that differ, as text; an absent one is empty."""
    pairs = itertools.zip_longest(recorded, actual)
    for number, (old, new) in enumerate(pairs, start=1):
        if old != new:
            return _as_text(number, old), _as_text(number, new)
    return "", ""


def _as_text(number: int, message: Message | None) -> str:
    return "" if message is None else f"message {number} ({message.role}):\n{message.content}"


def _diff(recorded: str, actual: str) -> str:
    """Return a short unified diff, around the first line that differs."""
    old, new = recorded.splitlines(), actual.splitlines()
    pairs = zip(old, new, strict=False)
    start = max(0, sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs)) - 1)
    window = slice(start, start + _DIFF_WINDOW)
    lines = list(
        difflib.unified_diff(old[window], new[window], "recorded", "now", lineterm="", n=1)
    )
    title = f"{(new or old)[0].rstrip(':')} {'differs' if old and new else _one_sided(new)}"
    shown = [line[:_DIFF_WIDTH] for line in lines[:_DIFF_LINES]]
    rest = [f"... {len(lines) - _DIFF_LINES} more lines"] if len(lines) > _DIFF_LINES else []
    return "\n".join([title, *shown, *rest])


def _one_sided(new: list[str]) -> str:
    return "was not recorded" if new else "was recorded and is missing now"


def _some(names: list[str]) -> str:
    """Return a list of names, its middle left out if it is long."""
    if not names:
        return "none"
    if len(names) <= 8:
        return ", ".join(names)
    return ", ".join([*names[:6], f"... ({len(names) - 7} more)", names[-1]])
