"""What a film says about itself in words, and which of it goes over to its cartoon."""

from __future__ import annotations

from typing import Any

# An allowed list, not a forbidden one: cameras write where and when a film was made, and with which serial number,
# under names of their own. Pictures drop their EXIF for the same reason.
OF_FILMS = frozenset(
    "title artist album album_artist composer genre date copyright description synopsis comment show episode_id "
    "season_number episode_sort network".split()
)
OF_STREAMS = frozenset({"title", "language", "handler_name"})  # handler_name: the title in many MP4 films


def copy_film_tags(film: Any, out: Any) -> None:
    """Carry the words that a person gave a film; never where it was filmed, when, or with what."""
    out.metadata.update(_chosen(film.metadata, OF_FILMS))


def copy_stream_tags(stream: Any, new: Any) -> None:
    """Carry a stream's language, title and marks (default, forced, commentary, for the deaf ...)."""
    tags = dict(stream.metadata)
    tags.setdefault("title", tags.get("name", ""))  # MP4's title, as FFmpeg calls it when it reads
    new.metadata.update(_chosen(tags, OF_STREAMS))
    new.disposition = stream.disposition


def _chosen(tags: dict[str, str], names: frozenset[str]) -> dict[str, str]:
    """Tags of these names, whatever their case: Matroska's are in capitals."""
    return {key.lower(): value for key, value in tags.items() if key.lower() in names and value}
