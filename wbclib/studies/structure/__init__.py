"""Notebook 02: superpixels, regions, colours."""
