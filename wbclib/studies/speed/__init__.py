"""Notebook 13: figures of what a step costs; the measuring is in ``bench``."""
