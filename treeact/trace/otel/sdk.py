"""Spans in the hands of OpenTelemetry's SDK. Importing this needs the extra, `treeact[otel]`."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from typing import Any

import requests
from google.protobuf.json_format import MessageToDict
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SimpleSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON

from treeact.trace.otel.conventions import as_attributes, as_text
from treeact.trace.otel.spans import Span

PAUSE_MS = 500
"""Milliseconds between batches of a run that goes on."""
ATTEMPT_SECONDS = 10.0
"""Seconds of one batch, with the attempts after a refusal."""

KINDS = {"internal": trace.SpanKind.INTERNAL, "client": trace.SpanKind.CLIENT}

# what goes wrong is said by the outbox, once; whoever sets up logging hears of each attempt, too
logging.getLogger("opentelemetry").addHandler(logging.NullHandler())


class Emitter:
    """Gives spans to a processor, with the ids that they have; not from two threads at a time.

    Args:
        processor: who takes them.
    """

    def __init__(self, processor: SpanProcessor) -> None:
        self._ids = _Ids()
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=_resource(),
            id_generator=self._ids,
            shutdown_on_exit=False,
            span_limits=SpanLimits(max_span_attributes=256, max_events=1024),
        )
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("treeact", version("treeact"))

    def emit(self, spans: Iterable[Span]) -> None:
        """Give spans, each of which is complete."""
        for span in spans:
            self._ids.span = span
            self._emit(span)

    def _emit(self, span: Span) -> None:
        made = self._tracer.start_span(
            as_text(span.name),
            context=_within(span),
            kind=KINDS[span.kind],
            attributes=as_attributes(span.attributes),
            start_time=_nanoseconds(span.start),
        )
        for event in span.events:
            made.add_event(
                as_text(event.name), as_attributes(event.attributes), _nanoseconds(event.time)
            )
        if span.error is not None:
            made.set_status(trace.Status(trace.StatusCode.ERROR, as_text(span.error)))
        made.end(end_time=_nanoseconds(span.end))


class _Ids(IdGenerator):
    """Gives the ids of the span at hand."""

    span: Span

    def generate_span_id(self) -> int:
        return self.span.id

    def generate_trace_id(self) -> int:
        return self.span.trace


def _resource() -> Resource:
    return Resource.create(
        {
            "service.name": os.environ.get("OTEL_SERVICE_NAME") or "treeact",
            "service.version": version("treeact"),
            "service.instance.id": "treeact",  # a random one would tell two exports apart
        }
    )


def _within(span: Span) -> Context:
    """Return the context that makes a span the child of its parent."""
    if span.parent is None:
        return Context()
    parent = trace.SpanContext(
        span.trace, span.parent.id, is_remote=False, trace_flags=trace.TraceFlags(1)
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(parent), Context())


def _nanoseconds(seconds: float) -> int:
    return round(seconds * 1e9)


class Outbox(SpanExporter):
    """Sends spans as OTLP over HTTP, and says in plain words what went wrong.

    Args:
        url: where to.
        complain: called with what went wrong, each time.
    """

    def __init__(self, url: str, complain: Callable[[str], None]) -> None:
        self.url = url
        self.taken = 0
        """Spans that the receiver took."""
        self._complain = complain
        self._session = _Session()
        self._sender = OTLPSpanExporter(
            endpoint=url, session=self._session, timeout=ATTEMPT_SECONDS
        )

    @property
    def outcome(self) -> str:
        """How the last attempt went; empty while there is no reply."""
        return self._session.outcome

    @property
    def alone(self) -> bool:
        """Whether nobody answered the last attempt."""
        return self.outcome == "ConnectionError"

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch; see `SpanExporter.export`."""
        result = self._sender.export(spans)
        if result is SpanExportResult.SUCCESS:
            self.taken += len(spans)
        else:
            self._complain(f"{self.url} does not take spans ({self.outcome or 'no reply'})")
        return result

    def shutdown(self) -> None:
        """Give up what is being sent."""
        self._sender.shutdown()  # type: ignore[no-untyped-call]


class _Session(requests.Session):
    """Remembers how the last attempt went."""

    outcome = ""

    def request(self, *args: Any, **options: Any) -> requests.Response:
        try:
            response = super().request(*args, **options)
        except requests.RequestException as error:
            self.outcome = type(error).__name__
            raise
        self.outcome = f"HTTP {response.status_code} {response.reason}".strip()
        return response


def batching(outbox: Outbox, *, queue: int, batch: int) -> SpanProcessor:
    """Return what sends spans from a thread of its own, and drops those that find the queue full.

    Args:
        outbox: who sends them.
        queue: spans that wait at most.
        batch: spans that are sent at once.
    """
    return BatchSpanProcessor(
        outbox,
        max_queue_size=queue,
        schedule_delay_millis=PAUSE_MS,
        max_export_batch_size=batch,
    )


def readable(spans: Iterable[Span]) -> Sequence[ReadableSpan]:
    """Return spans as the SDK has them."""
    memory = InMemorySpanExporter()
    Emitter(SimpleSpanProcessor(memory)).emit(spans)
    return memory.get_finished_spans()


def as_json(spans: Iterable[Span]) -> str:
    """Return spans as the JSON that OTLP defines for them."""
    request = MessageToDict(encode_spans(readable(spans)), use_integers_for_enums=True)
    for resource in request.get("resourceSpans", ()):
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                _spell_ids(span)
    return json.dumps(request, indent=1)


def _spell_ids(span: dict[str, Any]) -> None:
    """Write ids in hexadecimal, as OTLP does and protobuf's own JSON does not."""
    for name in ("traceId", "spanId", "parentSpanId"):
        if name in span:
            span[name] = base64.b64decode(span[name]).hex()
