"""Notebook 04: the flow-based abstraction, and how its settings were chosen."""
