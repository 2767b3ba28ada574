"""The stream of frames between the host and the driver, whatever carries it."""
