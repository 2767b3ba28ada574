"""A run as OpenTelemetry spans: read from its events, live or afterwards, and sent over OTLP."""

from treeact.trace.otel.sending import LiveExport as LiveExport
from treeact.trace.otel.sending import export_run as export_run
from treeact.trace.otel.sending import otlp_json as otlp_json
