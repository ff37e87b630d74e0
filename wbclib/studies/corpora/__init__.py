"""Notebook 00: what drawn and real cartoons have in common."""
