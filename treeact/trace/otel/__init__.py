"""A run as OpenTelemetry spans: read from its events, live or afterwards, and sent over OTLP."""
