"""Training: one loop for every method, run folders that resume, records that say enough to doubt them."""

from wbclib.train.loop import run, trained

__all__ = ["run", "trained"]
