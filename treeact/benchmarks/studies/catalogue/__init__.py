"""One study a file; each holds a `STUDY`."""
