"""Suites, scorers and the runner."""
