"""The sound of a film: copied as it is where the new container takes it, encoded anew where it does not."""

from __future__ import annotations

from typing import Any

from av.audio.resampler import AudioResampler

# Codecs that FFmpeg would put into these containers, and most players would not play from them.
UNWELCOME = {"mp4": frozenset({"vorbis", "pcm_s16le", "pcm_s24le", "pcm_f32le", "flac", "opus"})}
LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}  # by the number of channels
RATES = frozenset({96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000})


class Sound:
    """Audio streams of ``film`` on their way into ``out``.

    Attributes:
        streams: those that are read.
        kind: ``none``, ``copied`` (not one sample differs) or ``aac`` (at least one stream is encoded anew).
    """

    def __init__(self, film: Any, out: Any) -> None:
        self.out = out
        self.streams = [stream for stream in film.streams.audio if stream.codec_context is not None]
        self.pairs: dict[int, Any] = {}
        self.resamplers: dict[int, AudioResampler] = {}
        for stream in self.streams:
            if self._takes(stream):
                self.pairs[stream.index] = out.add_stream_from_template(stream)
            else:
                self._encode(stream)
        self.kind = "none" if not self.streams else "aac" if self.resamplers else "copied"

    def _takes(self, stream: Any) -> bool:
        name = stream.codec_context.codec.canonical_name
        return name in self.out.supported_codecs and name not in UNWELCOME.get(self.out.format.name, ())

    def _encode(self, stream: Any) -> None:
        """Add an AAC stream for ``stream``; what AAC has no place for becomes stereo or 48 kHz."""
        given = stream.codec_context
        layout = LAYOUTS.get(given.channels, "stereo")
        rate = given.sample_rate if given.sample_rate in RATES else 48_000
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
            packet.stream = self.pairs[index]
            self.out.mux(packet)

    def finish(self) -> None:
        """Empty resamplers and encoders."""
        for index, resampler in self.resamplers.items():
            self._write(index, resampler.resample(None))
            self.out.mux(self.pairs[index].encode(None))

    def _write(self, index: int, frames: list[Any]) -> None:
        for frame in frames:
            self.out.mux(self.pairs[index].encode(frame))
