"""Functions that an agent may call."""
