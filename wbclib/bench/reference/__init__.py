"""Representations written down from their equations, slow and easy to check: the oracle of tests and bench."""
