"""Notebook 06: what the discriminators see, and the authors' released outputs."""
