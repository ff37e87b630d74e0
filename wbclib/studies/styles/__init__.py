"""Notebook 12: several styles in one network."""
