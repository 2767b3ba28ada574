"""What selects the next step."""
