"""What screens show, as plain data that grows with the events of a run. No Textual here."""
