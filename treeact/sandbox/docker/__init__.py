"""The Docker sandbox: one hardened container for each task."""
