"""How far and how sure: distances, what is kept of a photograph, resampling, intervals, verdicts. Knows no run."""
