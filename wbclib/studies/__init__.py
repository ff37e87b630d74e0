"""One room a notebook, named like it: what that one alone computes, and its figures; ``common``: what several need."""
