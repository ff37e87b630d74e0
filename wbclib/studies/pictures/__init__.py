"""Notebook 15: whole pictures at the size people look at."""
