"""The sound of a film: copied as it is where the new container takes it, encoded anew where it does not."""

from __future__ import annotations

import logging
from typing import Any

from av.audio.resampler import AudioResampler

from wbclib.inference.film_tags import copy_stream_tags
from wbclib.inference.inputs import shown

LOG = logging.getLogger(__name__)
# Codecs that FFmpeg would put into these containers, and most players would not play from them.
UNWELCOME = {"mp4": ("vorbis", "pcm_", "flac", "opus", "truehd"), "mov": ("flac", "opus", "truehd")}  # names begin so
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}  # by the number of channels
RATES = frozenset({96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000})


def takes(out: Any, codec: str) -> bool:
    """Whether sound in ``codec`` goes into the container ``out`` as it is."""
    return codec in out.supported_codecs and not codec.startswith(UNWELCOME.get(out.format.name, ()))


class Sound:
    """Audio ``streams`` of a film on their way into ``out``; ``name`` is what the log calls the film.

    Attributes:
        kind: ``none``, ``copied`` (not one sample differs) or ``aac`` (at least one stream is encoded anew).
    """

    def __init__(self, streams: list[Any], out: Any, name: str) -> None:
        self.out, self.name = out, name
        self.pairs: dict[int, Any] = {}
        self.resamplers: dict[int, AudioResampler] = {}
        self.last: dict[int, int] = {}  # time stamp of the last packet copied
        self.hidden: dict[int, Any] = {}  # last packet from before the point at which a stream begins to be heard
        for stream in streams:
            if takes(out, stream.codec_context.codec.canonical_name):
                self.pairs[stream.index] = out.add_stream_from_template(stream)
            else:
                self._encode(stream)
            copy_stream_tags(stream, self.pairs[stream.index])
        self.kind = "none" if not streams else "aac" if self.resamplers else "copied"

    def _encode(self, stream: Any) -> None:
        """Add an AAC stream for ``stream``; what AAC has no place for becomes stereo or 48 kHz."""
        given = stream.codec_context
        layout = LAYOUTS.get(given.channels, "stereo")
        rate = given.sample_rate if given.sample_rate in RATES else 48_000
        if given.channels not in LAYOUTS or rate != given.sample_rate:
            before = f"{given.channels} channel{'s' * (given.channels > 1)} at {given.sample_rate} Hz"
            track, after = _called(stream), f"{layout} at {rate} Hz"
            LOG.warning("%s: sound track %s: AAC, %s; it was %s", self.name, track, after, before)
        new = self.out.add_stream("aac", rate=rate, layout=layout)
        new.codec_context.open()  # only then it knows how many samples it wants at a time
        self.pairs[stream.index] = new
        self.resamplers[stream.index] = AudioResampler("fltp", layout, rate, frame_size=new.codec_context.frame_size)

    def take(self, packet: Any) -> None:
        """Copy a packet, or decode and encode it."""
        index = packet.stream.index
        if index in self.resamplers:
            for frame in packet.decode():
                self._write(index, self.resamplers[index].resample(frame))
        elif packet.dts is not None:  # without: the mark of the stream's end
            self._copy(index, packet)

    def _copy(self, index: int, packet: Any) -> None:
        """Write a packet, without those that an edit list hides: elsewhere than in MP4 they would be heard.

        The last one before the sound begins stays, a decoder needs it to get the next one right.
        """
        if packet.is_discard:
            self.hidden[index] = packet
            return
        first = [self.hidden.pop(index)] if index in self.hidden and index not in self.last else []
        for each in (*first, packet):
            if each.duration and each.dts <= self.last.get(index, each.dts - 1):
                continue  # of films that were joined the sound of one may begin a little before that of the other ends
            # Matroska may not say how long a packet lasts, and MP4 would end the sound before the last one then
            each.duration = each.duration or each.dts - self.last.get(index, each.dts)
            self.last[index] = each.dts
            each.stream = self.pairs[index]
            self.out.mux(each)

    def finish(self) -> None:
        """Empty resamplers and encoders."""
        for index, resampler in self.resamplers.items():
            self._write(index, resampler.resample(None))
            self.out.mux(self.pairs[index].encode(None))

    def _write(self, index: int, frames: list[Any]) -> None:
        for frame in frames:
            self.out.mux(self.pairs[index].encode(frame))


def known(film: Any, name: str) -> list[Any]:
    """Audio streams that FFmpeg has a decoder for; the log tells of the others."""
    found = []
    for stream in film.streams.audio:
        if stream.codec_context is not None:
            found.append(stream)
        else:
            LOG.warning("%s: sound track %s left out: its codec is unknown to FFmpeg", name, _called(stream))
    return found


def _called(stream: Any) -> str:
    """A sound track's number in its film, its language and its title."""
    number = [each.index for each in stream.container.streams.audio].index(stream.index) + 1
    words = [stream.metadata[key] for key in ("language", "title") if stream.metadata.get(key)]
    return shown(" ".join([str(number), *(f"({word})" for word in words)]))
