"""Notebook 01: the guided filter beside others."""
