"""Notebook 03: random colour shifts and what they leave to be seen."""
