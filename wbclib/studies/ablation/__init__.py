"""Notebook 07: starts of a run; the ablation itself is in ``studies.common.grid``."""
