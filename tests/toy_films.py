"""Films that tests make: frames that tell their numbers, a tone, and how to read both back."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.packet import Packet
from av.video.frame import VideoFrame

RATE, SOUND_RATE, TONE = 24, 48_000, 440
SIZE = (64, 96)  # height, width
BITS = 10
TICK = Fraction(1, 1200)  # of the films of these tests: a frame lasts 50 at an even pace


def numbered(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A frame that tells its number: BITS black or white blocks in two rows of five, on grey."""
    image = np.full((*size, 3), 128, np.uint8)
    for bit in range(BITS):
        row, column = divmod(bit, 5)
        image[2 + 28 * row : 26 + 28 * row, 2 + 18 * column : 18 + 18 * column] = 255 * (number >> bit & 1)
    return image


def number(image: np.ndarray) -> int:
    """The number that a frame tells."""
    centres = [(14 + 28 * (bit // 5), 10 + 18 * (bit % 5)) for bit in range(BITS)]
    return sum(int(image[y - 3 : y + 3, x - 3 : x + 3].mean() > 128) << bit for bit, (y, x) in enumerate(centres))


def invert(image: np.ndarray) -> np.ndarray:
    return 255 - image


def same(image: np.ndarray) -> np.ndarray:
    return image


def make(
    path: Path,
    frames: list[np.ndarray],
    stamps: list[int] | None = None,
    sound: str = "",
    turned: int = 0,
    codec: str = "libx264",
) -> Path:
    """Write a film; ``stamps`` in ticks, ``sound`` names a codec, ``turned`` is stored as its display matrix."""
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=RATE, options={"crf": "12", "preset": "ultrafast"})
        video.height, video.width, video.pix_fmt = *frames[0].shape[:2], "yuv420p"
        if any(side % 2 for side in frames[0].shape[:2]):
            video.pix_fmt = "yuv444p"
        video.codec_context.time_base = TICK
        audio = out.add_stream(sound, rate=SOUND_RATE, layout="mono") if sound else None
        if turned:
            video.set_display_rotation(turned)
        for index, image in enumerate(frames):
            frame = VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = (stamps[index] if stamps else index * 50), TICK
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None:
            add_tone(out, audio, len(frames) / RATE)
    return path


def join(target: Path, *parts: tuple[Path, str], shift: float = 0, **options: str) -> Path:
    """Copy streams into one file without coding them anew.

    ``parts``: (film, type of its streams to take, or all). ``shift`` in seconds; ``options`` of the muxer.
    """
    with av.open(str(target), "w", options=options) as out, contextlib.ExitStack() as opened:
        films = [(opened.enter_context(av.open(str(path))), kind) for path, kind in parts]
        wanted = [[stream for stream in film.streams if kind in (stream.type, "")] for film, kind in films]
        new = [{stream.index: out.add_stream_from_template(stream) for stream in streams} for streams in wanted]
        packets = [
            (packet, copies[packet.stream.index])
            for (film, _), streams, copies in zip(films, wanted, new, strict=True)
            for packet in film.demux(*streams)
            if packet.dts is not None
        ]
        for packet, copy in sorted(packets, key=lambda pair: pair[0].dts * pair[0].time_base):
            packet.pts += round(shift / packet.time_base)
            packet.dts += round(shift / packet.time_base)
            packet.stream = copy
            out.mux(packet)
    return target


def motion_jpeg(path: Path, pictures: list[bytes], size: tuple[int, int] = SIZE) -> Path:
    """A film of JPEG files as they are."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("mjpeg", rate=RATE)
        stream.height, stream.width, stream.pix_fmt = *size, "yuvj420p"
        for index, data in enumerate(pictures):
            packet = Packet(data)
            packet.pts = packet.dts = index
            packet.duration, packet.time_base, packet.stream = 1, Fraction(1, RATE), stream
            packet.is_keyframe = True
            out.mux(packet)
    return path


def cut(path: Path, share: float) -> Path:
    """The first part of a file."""
    data, short = path.read_bytes(), path.with_name("cut " + path.name)
    short.write_bytes(data[: int(len(data) * share)])
    return short


def add_tone(
    out: av.container.OutputContainer, audio: av.AudioStream, seconds: float, begins: float = 0, step: int = 1024
) -> None:
    times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
    wave = (0.5 * np.sin(2 * np.pi * TONE * times) * (times >= begins)).astype(np.float32)
    for start in range(0, len(wave), step):
        part = wave[None, start : start + step]
        kind = audio.codec_context.format.name
        if kind[0] == "u":
            part = (part * 127 + 128).astype(np.uint8)
        if kind[0] == "s":
            part = (part * 32767).astype(np.int16) if kind[:3] == "s16" else (part * 0x7FFFFF00).astype(np.int32)
        frame = AudioFrame.from_ndarray(part, format=audio.codec_context.format.name, layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
        out.mux(audio.encode(frame))
    out.mux(audio.encode(None))


def pictures(path: Path) -> tuple[list[np.ndarray], list[float]]:
    """Frames and their times in seconds."""
    with av.open(str(path)) as film:
        frames = [(frame.to_ndarray(format="rgb24"), float(frame.time)) for frame in film.decode(video=0)]
    return [image for image, _ in frames], [at for _, at in frames]


def wave(path: Path) -> np.ndarray:
    with av.open(str(path)) as film:
        return np.concatenate([frame.to_ndarray().astype(np.float64)[0] for frame in film.decode(audio=0)])


def pitch(samples: np.ndarray) -> float:
    """Frequency of the strongest line of the spectrum, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(spectrum.argmax() * SOUND_RATE / len(samples))


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".part-")]
