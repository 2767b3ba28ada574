"""A household simulator: VirtualHome's graphs, actions and metrics, and tasks of our own."""
