"""Worlds that planners act in, with tasks whose outcome can be checked."""
