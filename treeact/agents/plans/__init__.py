"""An agent whose actions are the steps of plans over a world."""
