"""Notebook 09: printed numbers; the comparison itself is in ``studies.common``."""
