"""Settings of the command: what there is to set, where it is read from, and how it is shown."""
