"""Where spans go: to a receiver of OTLP while a run goes on or afterwards, or into a file.

OpenTelemetry's SDK is imported when it is first needed: it is an extra, `treeact[otel]`.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from treeact.errors import ConfigError, TraceError
from treeact.trace.blobs import BlobStore
from treeact.trace.log import BLOBS_FOLDER, EventLog, read_events
from treeact.trace.otel.content import Content
from treeact.trace.otel.reader import SpanReader
from treeact.trace.otel.spans import Span

FROM_ENVIRONMENT = "env"
"""The endpoint that stands for OpenTelemetry's own variables."""
PATH = "/v1/traces"
QUEUE = 4096
"""Spans that wait to be sent; further ones are dropped, since a run never waits for them."""
BATCH = 512
PATIENCE = 3.0
"""Seconds that the end of a run waits for the last spans to be taken."""
WAIT = 0.05

Warn = Callable[[str], None]


class LiveExport:
    """Sends the spans of runs while they go on, from a thread of its own.

    A receiver that is slow, refuses or is not there costs a run nothing but the spans: there is one
    warning, and what a queue of `QUEUE` spans cannot hold is dropped.

    Args:
        endpoint: see `traces_url`.
        content: whether spans hold what was said and computed.
        warn: called at most once, from any thread, with what went wrong.

    Raises:
        ConfigError: the endpoint is no URL, or OpenTelemetry is not installed.
    """

    def __init__(self, endpoint: str, *, content: bool = False, warn: Warn) -> None:
        url, sdk = traces_url(endpoint), _sdk()
        self._content = content
        self._warn = warn
        self._warned = threading.Lock()
        self._outbox = sdk.Outbox(url, self._complain)
        self._processor = sdk.batching(self._outbox, queue=QUEUE, batch=BATCH)
        self._emitter = sdk.Emitter(self._processor)
        self._readers: list[SpanReader] = []
        self._given = 0

    def follow(self, log: EventLog) -> None:
        """Send the spans of a run from its first event on."""
        run = log.directory.name if log.directory else ""
        reader = SpanReader(run, Content(log.blobs) if self._content else None)
        self._readers.append(reader)
        for event in log.events():
            self._take(partial(reader.take, event))
        log.subscribe(lambda event: self._take(partial(reader.take, event)))

    def send(self, directory: Path) -> None:
        """Send the spans of a run that is over, as a benchmark has them; not from two threads."""
        try:
            self._give([*run_spans(directory, content=self._content)])
        except TraceError as error:
            self._complain(f"spans are left out ({error})")

    def _take(self, read: Callable[[], list[Span]]) -> None:
        try:
            self._give(read())
        except Exception as error:  # whatever it is, the run is not to fail for it
            self._complain(f"spans are left out ({type(error).__name__}: {error})")

    def _give(self, spans: Sequence[Span]) -> None:
        self._given += len(spans)
        self._emitter.emit(spans)

    def _complain(self, text: str) -> None:
        if self._warned.acquire(blocking=False):
            self._warn(f"{text}; `treeact trace export` sends the whole of a run afterwards")

    def close(self, patience: float = PATIENCE) -> None:
        """Wait for the spans to be taken, but no longer than `patience` seconds.

        Where nobody is there to take them, it does not wait.
        """
        for reader in self._readers:
            self._take(reader.finish)
        ending = threading.Thread(target=self._processor.shutdown, daemon=True)
        ending.start()
        deadline = time.monotonic() + patience
        while ending.is_alive() and time.monotonic() < deadline and not self._outbox.alone:
            ending.join(WAIT)
        if ending.is_alive():
            self._outbox.shutdown()
        missing = self._given - self._outbox.taken
        if missing > 0:
            self._complain(
                f"{self._outbox.url} did not take {missing} of {self._given} spans "
                f"({self._outbox.outcome or 'no reply yet'})"
            )


def export_run(directory: Path, endpoint: str, *, content: bool = False) -> int:
    """Send the spans of a run that is over, or was cut off, and return how many there are.

    Args:
        directory: the run directory.
        endpoint: see `traces_url`.
        content: whether spans hold what was said and computed.

    Raises:
        ConfigError: the endpoint is no URL, or OpenTelemetry is not installed.
        TraceError: the trace cannot be read, or nobody took the spans.
    """
    url, sdk = traces_url(endpoint), _sdk()
    spans = sdk.readable(run_spans(directory, content=content))
    said: list[str] = []
    outbox = sdk.Outbox(url, said.append)
    try:
        for first in range(0, len(spans), BATCH):
            outbox.export(spans[first : first + BATCH])
            if said:
                raise TraceError(said[0])
    finally:
        outbox.shutdown()
    return len(spans)


def otlp_json(directory: Path, *, content: bool = False) -> str:
    """Return the spans of a run as the JSON that OTLP defines for them.

    Args:
        directory: the run directory.
        content: whether spans hold what was said and computed.

    Raises:
        ConfigError: OpenTelemetry is not installed.
        TraceError: the trace cannot be read.
    """
    text: str = _sdk().as_json(run_spans(directory, content=content))
    return text


def run_spans(directory: Path, *, content: bool = False) -> Iterator[Span]:
    """Yield the spans of a run from its trace.

    Raises:
        TraceError: there is none, or it is damaged.
    """
    texts = Content(BlobStore(directory / BLOBS_FOLDER)) if content else None
    reader = SpanReader(directory.resolve().name, texts)
    for event in read_events(directory):
        yield from reader.take(event)
    yield from reader.finish()
    if not reader.began:
        raise TraceError(f"{directory} holds no beginning of a run: there is nothing to export")


def traces_url(endpoint: str) -> str:
    """Return the URL that traces are sent to.

    Args:
        endpoint: the base URL of a receiver, such as `http://localhost:4318`, or the whole URL of
            its traces; `env` takes it from `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, the whole one, or
            `OTEL_EXPORTER_OTLP_ENDPOINT`, the base.

    Raises:
        ConfigError: it is none.
    """
    if endpoint == FROM_ENVIRONMENT:
        if whole := os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
            return _checked(whole)
        endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
        if not endpoint:
            raise ConfigError(
                "OTEL_EXPORTER_OTLP_ENDPOINT is not set: set it, or name an endpoint such as "
                "http://localhost:4318"
            )
    url = _checked(endpoint).rstrip("/")
    return url if url.endswith(PATH) else url + PATH


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(f"{url!r} is no endpoint for spans: give one like http://localhost:4318")
    return url


def _sdk() -> ModuleType:
    """Return the module that needs OpenTelemetry."""
    try:
        from treeact.trace.otel import sdk
    except ImportError as error:
        raise ConfigError(
            f'spans need OpenTelemetry ({error.name} is missing): pip install "treeact[otel]"'
        ) from error
    return sdk
