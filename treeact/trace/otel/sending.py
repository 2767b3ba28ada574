"""Sending spans to whoever takes OTLP over HTTP, and writing them as OTLP's JSON.

OpenTelemetry's SDK is imported when it is first needed: it is an extra, `treeact[otel]`.
"""

from __future__ import annotations

import base64
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from treeact.errors import ConfigError, TraceError
from treeact.trace.blobs import BlobStore
from treeact.trace.events import Event
from treeact.trace.log import BLOBS_FOLDER, EventLog, read_events
from treeact.trace.otel.content import Content
from treeact.trace.otel.conventions import as_attributes, as_text
from treeact.trace.otel.reader import SpanReader
from treeact.trace.otel.spans import Span

if TYPE_CHECKING:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor

INSTALL = 'spans need OpenTelemetry: pip install "treeact[otel]"'
FROM_ENVIRONMENT = "env"
"""The endpoint that stands for OpenTelemetry's own variables."""
PATH = "/v1/traces"
QUEUE = 4096
"""Spans that wait to be sent; further ones are dropped, since a run never waits for them."""
BATCH = 512
PAUSE_MS = 500
"""Milliseconds between batches of a run that goes on."""
ATTEMPT_SECONDS = 10.0
"""Seconds of one batch, with the attempts after a refusal."""
WAIT = 0.05
PATIENCE = 3.0
"""Seconds that the end of a run waits for the last spans to be taken."""

Warn = Callable[[str], None]


class LiveExport:
    """Sends the spans of runs while they go on, from a thread of its own.

    A receiver that is slow, refuses or is not there costs the run nothing but the spans: there is
    one warning, and what a queue of `QUEUE` spans cannot hold is dropped.

    Args:
        endpoint: see `traces_url`.
        content: whether spans hold what was said and computed.
        warn: called at most once, from any thread, with what went wrong.

    Raises:
        ConfigError: the endpoint is no URL, or OpenTelemetry is not installed.
    """

    def __init__(self, endpoint: str, *, content: bool = False, warn: Warn) -> None:
        self._content = content
        self._warn = warn
        self._warned = threading.Lock()
        self._outbox = _Outbox(traces_url(endpoint), self._complain)
        self._processor = _batching(self._outbox)
        self._emit = emitter(self._processor)
        self._given = 0

    def follow(self, log: EventLog) -> None:
        """Send the spans of a run from its first event on."""
        run = log.directory.name if log.directory else ""
        reader = SpanReader(run, Content(log.blobs) if self._content else None)
        for event in log.events():
            self._take(reader, event)
        log.subscribe(lambda event: self._take(reader, event))

    def send(self, directory: Path) -> None:
        """Send the spans of a run that is over, as a benchmark has them; not from two threads."""
        try:
            self._give([*run_spans(directory, content=self._content)])
        except TraceError as error:
            self._complain(f"spans are left out ({error})")

    def _take(self, reader: SpanReader, event: Event) -> None:
        try:
            self._give(reader.take(event))
        except Exception as error:  # whatever it is, the run is not to fail for it
            self._complain(f"spans are left out ({type(error).__name__}: {error})")

    def _give(self, spans: Sequence[Span]) -> None:
        self._given += len(spans)
        self._emit(spans)

    def _complain(self, text: str) -> None:
        if self._warned.acquire(blocking=False):
            self._warn(f"{text}; `treeact trace export` sends the whole of a run afterwards")

    def close(self, patience: float = PATIENCE) -> None:
        """Wait for the spans to be taken, but no longer than `patience` seconds.

        Where nobody is there to take them, it does not wait.
        """
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
    said: list[str] = []
    outbox = _Outbox(traces_url(endpoint), said.append)
    spans = readable(run_spans(directory, content=content))
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

    Raises:
        ConfigError: OpenTelemetry is not installed.
        TraceError: the trace cannot be read.
    """
    spans = readable(run_spans(directory, content=content))
    with _installed():
        from google.protobuf.json_format import MessageToDict
        from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    request = MessageToDict(encode_spans(spans), use_integers_for_enums=True)
    for resource in request.get("resourceSpans", ()):
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:  # OTLP writes ids in hexadecimal, protobuf's JSON does not
                for name in ("traceId", "spanId", "parentSpanId"):
                    if name in span:
                        span[name] = base64.b64decode(span[name]).hex()
    return json.dumps(request, indent=1)


def run_spans(directory: Path, *, content: bool = False) -> Iterator[Span]:
    """Yield the spans of a run from its trace.

    Raises:
        TraceError: there is none, or it is damaged.
    """
    texts = Content(BlobStore(directory / BLOBS_FOLDER)) if content else None
    reader = SpanReader(directory.resolve().name, texts)
    found = False
    for event in read_events(directory):
        for span in reader.take(event):
            found = True
            yield span
    for span in reader.finish():
        found = True
        yield span
    if not found:
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


class _Outbox:
    """A span exporter of OpenTelemetry that says in plain words what went wrong.

    Args:
        url: where to.
        complain: called with what went wrong, each time.
    """

    def __init__(self, url: str, complain: Warn) -> None:
        self.url = url
        self.taken = 0
        """Spans that the receiver took."""
        self._complain = complain
        self.outcome = ""
        """How the last attempt went."""
        self._sender = self._open()

    def _open(self) -> OTLPSpanExporter:
        with _installed():
            import logging

            import requests
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        outbox = self

        class Session(requests.Session):
            """Remembers how the last attempt went."""

            def request(self, *args: Any, **options: Any) -> requests.Response:
                try:
                    response = super().request(*args, **options)
                except requests.RequestException as error:
                    outbox.outcome = type(error).__name__
                    raise
                outbox.outcome = f"HTTP {response.status_code} {response.reason}".strip()
                return response

        # what goes wrong is said here, once; whoever sets up logging hears of each attempt, too
        logging.getLogger("opentelemetry").addHandler(logging.NullHandler())
        return OTLPSpanExporter(endpoint=self.url, session=Session(), timeout=ATTEMPT_SECONDS)

    def export(self, spans: Sequence[ReadableSpan]) -> Any:
        """Send a batch; see `SpanExporter.export`."""
        result = self._sender.export(spans)
        if result.name == "SUCCESS":
            self.taken += len(spans)
        else:
            self._complain(f"{self.url} does not take spans ({self.outcome or 'no reply'})")
        return result

    @property
    def alone(self) -> bool:
        """Whether nobody answered the last attempt."""
        return self.outcome == "ConnectionError"

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._sender.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Return at once: nothing is kept here."""
        return True


def _batching(outbox: _Outbox) -> SpanProcessor:
    with _installed():
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    return BatchSpanProcessor(
        outbox,  # type: ignore[arg-type]  # what it asks of an exporter
        max_queue_size=QUEUE,
        schedule_delay_millis=PAUSE_MS,
        max_export_batch_size=BATCH,
    )


def readable(spans: Iterable[Span]) -> Sequence[ReadableSpan]:
    """Return spans as OpenTelemetry's SDK has them."""
    with _installed():
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    memory = InMemorySpanExporter()
    emitter(SimpleSpanProcessor(memory))([*spans])
    return memory.get_finished_spans()


def emitter(processor: SpanProcessor) -> Callable[[Sequence[Span]], None]:
    """Return what gives spans to a processor of OpenTelemetry, with the ids that they have."""
    with _installed():
        from opentelemetry import trace
        from opentelemetry.context import Context
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanLimits, TracerProvider
        from opentelemetry.sdk.trace.id_generator import IdGenerator
        from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    class Ids(IdGenerator):
        """Gives the ids of the span at hand."""

        span: Span

        def generate_span_id(self) -> int:
            return self.span.id

        def generate_trace_id(self) -> int:
            return self.span.trace

    ids = Ids()
    provider = TracerProvider(
        sampler=ALWAYS_ON,
        resource=Resource.create(
            {
                "service.name": os.environ.get("OTEL_SERVICE_NAME") or "treeact",
                "service.version": version("treeact"),
                "service.instance.id": "treeact",  # a random one would tell exports apart
            }
        ),
        id_generator=ids,
        shutdown_on_exit=False,
        span_limits=SpanLimits(max_span_attributes=256, max_events=1024),
    )
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("treeact", version("treeact"))
    kinds = {"internal": trace.SpanKind.INTERNAL, "client": trace.SpanKind.CLIENT}

    def within(span: Span) -> Any:
        if span.parent is None:
            return Context()
        above = trace.SpanContext(span.trace, span.parent.id, False, trace.TraceFlags(1))
        return trace.set_span_in_context(trace.NonRecordingSpan(above))

    def emit(spans: Sequence[Span]) -> None:
        for span in spans:
            ids.span = span
            made = tracer.start_span(
                as_text(span.name),
                context=within(span),
                kind=kinds[span.kind],
                attributes=as_attributes(span.attributes),
                start_time=_nanoseconds(span.start),
            )
            for event in span.events:
                attributes = as_attributes(event.attributes)
                made.add_event(event.name, attributes, timestamp=_nanoseconds(event.time))
            if span.error is not None:
                made.set_status(trace.Status(trace.StatusCode.ERROR, as_text(span.error)))
            made.end(end_time=_nanoseconds(span.end))

    return emit


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


@contextmanager
def _installed() -> Iterator[None]:
    """Say how to install what the block imports."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(f"{INSTALL} ({error.name} is missing)") from error
