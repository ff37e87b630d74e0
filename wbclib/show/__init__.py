"""The one figure style, small multiples, tables, sliders: arrays and frames in, no run."""
