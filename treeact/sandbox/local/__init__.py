"""Sandboxes that are processes of this machine: the embedded jail, and none at all."""
