"""The web: fetching within limits, reading pages, searching."""
