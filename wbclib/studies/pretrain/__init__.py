"""Notebook 05: how well a generator gives the photograph back."""
