"""Environments with tasks of their own, for planners to be tried on."""
