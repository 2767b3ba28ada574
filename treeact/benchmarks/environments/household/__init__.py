"""A household simulator: VirtualHome's graphs, actions, preconditions and metrics, in plain Python."""
