"""Widgets that several screens use, or that are a matter of their own."""
