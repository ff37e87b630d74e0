"""Notebook 10: what follows a weight, and knobs that need no training."""
