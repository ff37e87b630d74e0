"""The error of a film that cannot be drawn."""

from __future__ import annotations

from wbclib.images import ImageError


class FilmError(ImageError):
    """A file that is no usable film; ``reason`` is the message without the film's name.

    A program that handles many files names each of them itself, and asks for the reason alone.
    """
