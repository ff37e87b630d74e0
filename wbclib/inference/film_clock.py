"""When the pictures of a film are shown, counted from its beginning."""

from __future__ import annotations

from collections import deque
from fractions import Fraction
from typing import Any

from av.format import Flags
from av.video.frame import VideoFrame

LEAP, BACK = 10, Fraction(1, 10)  # seconds; FFmpeg's -dts_delta_threshold, and what it takes for going back


class Clock:
    """Time stamps of a film whose streams ``used`` are read, ``video`` among them.

    All times are moved together so that the first of these streams begins at 0, as the program ``ffmpeg`` does unless
    it is told ``-copyts``: transport streams, DVDs and recordings count from anywhere.

    Parts of broadcasts and discs, joined one behind the other, each count anew. There a time that goes back, or leaps
    by more than :data:`LEAP`, goes on where its stream had ended, as the program ``ffmpeg`` has it.

    AVI, and a few films in Matroska, store pictures in the order of decoding without the times at which they are shown.
    There the first picture shown gets the time of the first packet, and so on.

    Attributes:
        start: second of the container's own time that is 0 here.
        rate: pictures per second, nominal.
        frames: how many have got a time stamp.
        joins: how often a time began anew.
        first, end: the first time stamp, and where the last picture ends; in units of ``base`` seconds.
    """

    def __init__(self, film: Any, video: Any, used: list[Any]) -> None:
        begins = [stream.start_time * Fraction(stream.time_base) for stream in used if stream.start_time is not None]
        self.known = bool(begins)
        self.start = min(begins, default=Fraction(0))
        self.video, self.base, self.rate = video, Fraction(video.time_base), _rate(video)
        self.ordered = film.format.name == "avi"
        self.anew = bool(film.format.flags & Flags.ts_discont.value)  # whether parts of such a film may count anew
        self.joins = 0
        self.used = {stream.index for stream in used}
        self.ends: dict[int, Fraction] = {}  # where the last packet of each stream ended
        self.packets: deque[tuple[int | None, int]] = deque()  # (pts, dts) of those whose pictures are to come
        self.frames, self.first, self.last, self.end = 0, 0, 0, 0

    def shift(self, packet: Any) -> None:
        """Count the times of a packet of any stream from the beginning of the film."""
        if not self.known and packet.stream is self.video and packet.pts is not None:  # a raw stream of pictures
            self.known, self.start = True, packet.pts * Fraction(packet.time_base)
        if self.anew and packet.dts is not None and packet.stream.index in self.used:
            self._join(packet)
        ticks = round(self.start / packet.time_base)
        if packet.pts is not None:
            packet.pts -= ticks
        if packet.dts is not None:
            packet.dts -= ticks
        if packet.stream is self.video and packet.dts is not None and packet.size:
            self.ordered |= packet.pts is None and not self.frames and not self.packets
            if self.ordered:
                self.packets.append((packet.pts, packet.dts))

    def _join(self, packet: Any) -> None:
        """Move the beginning where a stream counts anew, for all streams: they were joined together."""
        begin, lasts = (Fraction(value or 0) * packet.time_base for value in (packet.dts, packet.duration))
        begin -= self.start
        due = self.ends.get(packet.stream.index, begin)
        if begin < due - BACK - lasts or begin > due + LEAP:
            self.start += begin - due
            begin, self.joins = due, self.joins + 1
        self.ends[packet.stream.index] = begin + lasts

    def stamp(self, frame: VideoFrame) -> tuple[int, int]:
        """Time stamp and duration of the next picture in units of ``base`` seconds.

        A stamp that is missing comes at the end of the picture before, one that does not grow right after its own.
        """
        found = self._in_order(frame.pts) if self.ordered else frame.pts
        stamp = self.end if found is None else found
        if self.frames:
            stamp = max(stamp, self.last + 1)
        else:
            self.first = stamp
        duration = frame.duration or max(1, round(1 / self.rate / self.base))
        self.frames, self.last, self.end = self.frames + 1, stamp, stamp + duration
        return stamp, duration

    def _in_order(self, pts: int | None) -> int | None:
        if not self.frames and any(each == pts for each, _ in self.packets):
            while self.packets[0][0] != pts:  # nothing could be made of what came before the first picture
                self.packets.popleft()
        return self.packets.popleft()[1] if self.packets else None


def _rate(video: Any) -> Fraction:
    """Pictures per second; where there are no time stamps FFmpeg's average is a default, and the bitstream knows."""
    coded = video.codec_context.framerate if video.start_time is None else None
    return Fraction(coded or video.average_rate or video.guessed_rate or 25)
