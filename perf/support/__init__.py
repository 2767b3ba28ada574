"""What the measurements share: interleaved timing, the table and its JSON, peers' environments."""
