"""Notebook 11: cartoons of damaged photographs."""
