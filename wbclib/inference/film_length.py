"""How long the streams of a film should be, and whether all of it was there to read."""

from __future__ import annotations

import logging
import re
from fractions import Fraction
from typing import Any

import av

from wbclib.inference.film_error import FilmError

LOG = logging.getLogger(__name__)
JOINED = 1  # second within which a join explains a corrupt packet
MISSING = 0.5  # seconds that may lack at the end of a stream before the film counts as cut short
CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


class Length:
    """What ``film`` promises of the streams that are used, beside what is read of it.

    Streams that are left out do not count: subtitles and second pictures often last longer. Only where the promise is
    of the whole file (Matroska without the tags that most programs write) do they, because it may be theirs.

    Seconds are counted from ``start``, a second of the container's own time.

    Attributes:
        end: seconds that have been read of the streams in use.
    """

    def __init__(self, film: Any, used: list[Any], start: Fraction) -> None:
        self.whole = _from(start, _of_film(film))
        self.promised = {stream.index: _from(start, _of_stream(film, stream)) for stream in used}
        self.ends: dict[int, Fraction] = {}
        self.steps: dict[int, tuple[int, int]] = {}  # of sound whose packets do not say how long they last

    def count(self, packet: Any) -> None:
        """Note a packet of any stream, its times counted from ``start``."""
        if packet.pts is not None:
            index, end = packet.stream.index, (packet.pts + self._lasting(packet)) * Fraction(packet.time_base)
            self.ends[index] = max(end, self.ends.get(index, end))

    def _lasting(self, packet: Any) -> int:
        """Ticks that a packet lasts; of sound that does not say so (WavPack in Matroska), as long as the longest."""
        if packet.duration or packet.stream.type != "audio":
            return int(packet.duration or 0)
        last, longest = self.steps.get(packet.stream.index, (packet.pts, 0))
        longest = max(longest, packet.pts - last)
        self.steps[packet.stream.index] = packet.pts, longest
        return longest

    @property
    def end(self) -> Fraction:
        return max((end for index, end in self.ends.items() if index in self.promised), default=Fraction(0))

    def check(self, name: str) -> None:
        """Raise FilmError where the end of a used stream is missing."""
        for index, promised in self.promised.items():
            end = self.ends.get(index, Fraction(0))
            if promised is None:
                promised, end = self.whole, max(self.ends.values(), default=Fraction(0))
            if promised is not None and promised - end > MISSING:
                raise FilmError(
                    name,
                    f"cut short, it ends after {float(end):.1f} of {float(promised):.1f} s; nothing was "
                    "written, fetch it again or save its good part as a film of its own",
                )


class Damage:
    """Packets that are marked as corrupt: damage, unless the film turns out to be joined there of several.

    The counters of a broadcast break at such a place as well, and FFmpeg marks what it read last before it. That the
    time begins anew is seen only when the next part is.
    """

    def __init__(self, name: str) -> None:
        self.name, self.joins = name, 0
        self.after: Fraction | None = None  # second after which it may be damaged

    def see(self, packet: Any, end: Fraction, joins: int) -> None:
        """A packet of a stream in use, at second ``end``, after so many joins. FilmError where it is damage."""
        if joins > self.joins:
            LOG.warning("%s: parts are joined at %.1f s, and follow each other", self.name, float(end))
            self.joins, self.after = joins, None
        if packet.is_corrupt and self.after is None:
            self.after = end
        if self.after is not None and end - self.after > JOINED:
            self.check()

    def check(self) -> None:
        """Raise FilmError where a packet was corrupt and no join came."""
        if self.after is not None:
            raise FilmError(self.name, f"damaged after {float(self.after):.1f} s; fetch it again or remove it")


def _from(start: Fraction, end: Fraction | None) -> Fraction | None:
    return None if end is None else end - start


def _of_film(film: Any) -> Fraction | None:
    """Second at which the longest stream ends. Some programs write the length, others the end: the smaller counts."""
    if film.duration is None:
        return None
    return Fraction(film.duration + min(0, film.start_time or 0), av.time_base)


def _of_stream(film: Any, stream: Any) -> Fraction | None:
    """Second at which ``stream`` ends, where the film says so of this stream."""
    if "matroska" in film.format.name:  # what FFmpeg gives for a stream is the film's; the stream's own is in its tags
        told = [CLOCK.fullmatch(value) for key, value in stream.metadata.items() if key.upper().startswith("DURATION")]
        # a program that cuts a film may leave an older tag beside its own
        return min((_seconds(*clock.groups()) for clock in told if clock), default=None)
    duration = stream.duration or 0
    if film.format.name == "avi":  # FFmpeg shortens it where the file is shorter than its head says
        duration = max(duration, stream.frames)
    return ((stream.start_time or 0) + duration) * Fraction(stream.time_base) if duration else None


def _seconds(hours: str, minutes: str, seconds: str) -> Fraction:
    return 3600 * int(hours) + 60 * int(minutes) + Fraction(seconds)
