"""`--otlp` and `treeact trace export`: runs as OpenTelemetry spans."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from treeact.cli.config.secrets import keep_keys
from treeact.cli.lines import write_out
from treeact.errors import ConfigError
from treeact.trace.events import Event, TaskEnded
from treeact.trace.log import EventLog
from treeact.trace.redact import Redactor, keep_secret
from treeact.trace.runs import find_run

if TYPE_CHECKING:
    from treeact.trace.otel.sending import LiveExport

Follow = Callable[[EventLog], None]


@asynccontextmanager
async def exporting(
    endpoint: str | None, *, content: bool, on_screen: bool = False
) -> AsyncIterator[Follow]:
    """Yield what sends the spans of a run while it goes on; at the end wait a little for the last.

    Args:
        endpoint: where to; None sends nothing.
        content: whether spans hold what was said and computed.
        on_screen: keep a warning until the block is over, as it would disturb the screen.

    Raises:
        ConfigError: the endpoint is no URL, or OpenTelemetry is not installed.
    """
    if endpoint is None:
        yield lambda log: None
        return
    async with _export(endpoint, content=content, on_screen=on_screen) as export:
        yield export.follow


@asynccontextmanager
async def exporting_tasks(
    endpoint: str | None, directory: Path, *, content: bool, on_screen: bool = False
) -> AsyncIterator[Callable[[Event], None]]:
    """Yield what sends the spans of each task of a benchmark when it has ended.

    Args:
        endpoint: where to; None sends nothing.
        directory: of the benchmark.
        content: whether spans hold what was said and computed.
        on_screen: keep a warning until the block is over, as it would disturb the screen.

    Raises:
        ConfigError: the endpoint is no URL, or OpenTelemetry is not installed.
    """
    if endpoint is None:
        yield lambda event: None
        return
    from treeact.benchmarks.runner.directory import BenchDirectory, Job

    home = BenchDirectory(directory)
    async with _export(endpoint, content=content, on_screen=on_screen) as export:
        with ThreadPoolExecutor(max_workers=1) as reading:

            def listen(event: Event) -> None:
                if isinstance(event, TaskEnded):
                    reading.submit(export.send, home.trace(Job(task=event.task, epoch=event.epoch)))

            yield listen


@asynccontextmanager
async def _export(endpoint: str, *, content: bool, on_screen: bool) -> AsyncIterator[LiveExport]:
    """Yield what sends spans; at the end wait a little for the last, and say what was kept."""
    from treeact.trace.otel.sending import LiveExport

    _keep_keys(endpoint)
    kept: list[str] = []
    export = LiveExport(endpoint, content=content, warn=kept.append if on_screen else _say)
    try:
        yield export
    finally:
        await asyncio.to_thread(export.close)
        for text in kept:
            _say(text)


def _say(text: str) -> None:
    sys.stderr.write(f"treeact: {Redactor().clean(text)}\n")


def _keep_keys(endpoint: str) -> None:
    """Have the keys redacted that a receiver is given, in its URL and in headers."""
    variable = "OTEL_EXPORTER_OTLP"
    for name in ("", "_TRACES"):
        keep_keys("otlp", [endpoint, os.environ.get(f"{variable}{name}_ENDPOINT", "")])
        for header in os.environ.get(f"{variable}{name}_HEADERS", "").split(","):
            value = header.partition("=")[2].strip()
            for key in (value, unquote(value), unquote(value).rpartition(" ")[2]):
                keep_secret(f"{variable}{name}_HEADERS", key)


def export_trace(
    name: str,
    *,
    otlp: str | None,
    content: bool,
    format: str | None,
    out: Path | None,
    runs: Path | None,
) -> None:
    """Send the spans of the run called `name`, or write them.

    Raises:
        ConfigError: there is no such run, nothing says where its spans are to go, `out` cannot be
            written, or OpenTelemetry is not installed.
        TraceError: the trace is damaged, or nobody took the spans.
    """
    if otlp is None and format is None:
        raise ConfigError("say where to: --otlp ENDPOINT, or --format otlp-json with --out FILE")
    from treeact.trace.otel.sending import export_run, otlp_json, traces_url

    directory = find_run(name, folder=runs)
    if format is not None:
        write_out(otlp_json(directory, content=content) + "\n", out)
    if otlp is not None:
        _keep_keys(otlp)
        count = export_run(directory, otlp, content=content)
        _say(f"sent {count} spans of {directory.name} to {traces_url(otlp)}")
