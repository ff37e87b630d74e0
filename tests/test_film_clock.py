"""When pictures are shown: films begin at 0 whatever their own clock says, and streams without times are even."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from toy_films import RATE, SOUND_RATE, add_tone, join, make, number, numbered, pictures, same, wave

from wbclib.inference.film import cartoonize_film
from wbclib.inference.film_clock import Clock

FRAMES = 18


def starts(path: Path) -> dict[str, float]:
    """Second of the first picture, and of the first sample of the tone that can be heard."""
    found: dict[str, float] = {}
    with av.open(str(path)) as film:
        for frame in film.decode():
            if isinstance(frame, VideoFrame):
                found.setdefault("video", float(frame.time or 0))
                continue
            loud = np.flatnonzero(np.abs(levels(frame)) > 0.1)
            if len(loud):
                found.setdefault("audio", float(frame.time or 0) + float(loud[0]) / frame.sample_rate)
    return found


def levels(frame: AudioFrame) -> np.ndarray:
    """Samples of one channel in [-1, 1]."""
    samples = frame.to_ndarray()[0]
    return samples / 32768 if samples.dtype == np.int16 else samples


@pytest.mark.parametrize("target", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("shift", [0, 1.4, 100])
@pytest.mark.parametrize("suffix", [".ts", ".mkv", ".mp4"])
def test_a_film_begins_at_zero(tmp_path: Path, suffix: str, shift: float, target: str) -> None:
    whole = make(tmp_path / "whole.mkv", [numbered(i) for i in range(FRAMES)], sound="ac3")
    source = join(tmp_path / f"film{suffix}", (whole, ""), shift=shift)
    assert shift == 0 or min(starts(source).values()) == pytest.approx(shift, abs=1.5)
    told = cartoonize_film(source, tmp_path / f"out{target}", same)
    before, after = starts(source), starts(tmp_path / f"out{target}")
    assert min(after.values()) == pytest.approx(0, abs=0.006)  # AC-3 begins with 256 samples of its own
    assert after["video"] - after["audio"] == pytest.approx(before["video"] - before["audio"], abs=0.002)
    frames, times = pictures(tmp_path / f"out{target}")
    assert [number(image) for image in frames] == list(range(FRAMES))
    assert times == pytest.approx([after["video"] + i / RATE for i in range(FRAMES)], abs=0.002)
    assert told["seconds"] == pytest.approx(FRAMES / RATE, abs=0.002)
    with av.open(str(tmp_path / f"out{target}")) as film:
        assert film.duration / av.time_base == pytest.approx(FRAMES / RATE, abs=0.1)


@pytest.mark.parametrize("target", [".mp4", ".mkv"])
@pytest.mark.parametrize(("sound", "shift"), [(-0.3, 0), (0.7, 5), (-0.7, 5), (0.7, 0)])
def test_sound_and_pictures_stay_together(tmp_path: Path, sound: float, shift: float, target: str) -> None:
    """``sound``: how many seconds after the pictures it begins; nothing of either is lost."""
    frames = [numbered(i) for i in range(FRAMES)]
    with av.open(str(tmp_path / "film.mkv"), "w", options={"avoid_negative_ts": "disabled"}) as out:
        video = out.add_stream("libx264", rate=RATE, options={"crf": "12", "bf": "0", "preset": "ultrafast"})
        video.height, video.width = frames[0].shape[:2]
        audio = out.add_stream("pcm_s16le", rate=SOUND_RATE, layout="mono")
        with av.open(str(tmp_path / "tone.wav"), "w") as tone:
            add_tone(tone, tone.add_stream("pcm_s16le", rate=SOUND_RATE, layout="mono"), 1)
        packets = []
        for index, image in enumerate(frames):
            frame = VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(shift * RATE) + index, Fraction(1, RATE)
            packets += video.encode(frame)
        packets += video.encode(None)
        with av.open(str(tmp_path / "tone.wav")) as tone:
            for packet in tone.demux():
                if packet.dts is not None:
                    packet.pts = packet.dts = packet.pts + round((shift + sound) * SOUND_RATE)
                    packet.stream = audio
                    packets.append(packet)
        for packet in sorted(packets, key=lambda each: each.dts * each.time_base):
            out.mux(packet)
    cartoonize_film(tmp_path / "film.mkv", tmp_path / f"out{target}", same)
    assert starts(tmp_path / f"out{target}") == pytest.approx(
        {"video": max(0, -sound), "audio": max(0, sound)}, abs=0.005
    )
    assert len(wave(tmp_path / f"out{target}")) == pytest.approx(SOUND_RATE, abs=2 * 1024)
    assert len(pictures(tmp_path / f"out{target}")[0]) == FRAMES


@pytest.mark.parametrize("rate", [Fraction(12), Fraction(50), Fraction(30_000, 1001), Fraction(25)])
@pytest.mark.parametrize(
    ("codec", "suffix", "between"),
    [("libx264", ".264", 0), ("libx264", ".h264", 3), ("libx265", ".hevc", 2), ("mpeg2video", ".m2v", 2)],
)
def test_raw_streams_play_at_the_rate_that_they_tell(
    tmp_path: Path, codec: str, suffix: str, between: int, rate: Fraction
) -> None:
    if codec == "mpeg2video" and rate == 12:
        rate = Fraction(24)  # MPEG-2 has a list of rates
    quality = {"x265-params": f"log-level=none:pools=none:bframes={between}"} if codec == "libx265" else {}
    with av.open(str(tmp_path / f"film{suffix}"), "w") as out:
        video = out.add_stream(codec, rate=rate, options=quality)
        video.height, video.width, video.pix_fmt = *numbered(0).shape[:2], "yuv420p"
        if codec != "libx265":
            video.codec_context.max_b_frames = between
        for index in range(FRAMES):
            out.mux(video.encode(VideoFrame.from_ndarray(numbered(index), format="rgb24")))
        out.mux(video.encode(None))
    told = cartoonize_film(tmp_path / f"film{suffix}", tmp_path / "out.mp4", same)
    frames, times = pictures(tmp_path / "out.mp4")
    assert [number(image) for image in frames] == list(range(FRAMES))
    assert times == pytest.approx([float(index / rate) for index in range(FRAMES)], abs=1e-4)
    assert told["seconds"] == pytest.approx(float(FRAMES / rate), abs=1e-4)
    with av.open(str(tmp_path / "out.mp4")) as film:
        stream = film.streams.video[0]
        assert float(stream.average_rate) == pytest.approx(float(rate), abs=0.01)
        assert float(stream.duration * stream.time_base) == pytest.approx(float(FRAMES / rate), abs=1e-3)


@pytest.mark.parametrize("codec", ["libx264", "mpeg4", "mjpeg"])
def test_pictures_of_an_avi_are_even(tmp_path: Path, codec: str) -> None:
    """AVI numbers its packets in the order of decoding, and numbers are all that it has."""
    with av.open(str(tmp_path / "film.avi"), "w") as out:
        video = out.add_stream(codec, rate=12, options={"b-pyramid": "normal"} if codec == "libx264" else {})
        video.height, video.width = numbered(0).shape[:2]
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if codec != "mjpeg":
            video.codec_context.max_b_frames = 3 if codec == "libx264" else 2
        for index in range(FRAMES):
            frame = VideoFrame.from_ndarray(np.roll(numbered(index), index, 1), format="rgb24")
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    told = cartoonize_film(tmp_path / "film.avi", tmp_path / "out.mp4", same)
    frames, times = pictures(tmp_path / "out.mp4")
    assert [number(np.roll(image, -i, 1)) for i, image in enumerate(frames)] == list(range(FRAMES))
    assert times == pytest.approx([index / 12 for index in range(FRAMES)], abs=1e-3)
    assert told["seconds"] == pytest.approx(FRAMES / 12, abs=1e-3)


def stamps(container: str, packets: list[tuple[int | None, int]], frames: list[int | None]) -> list[int]:
    """What a clock says of ``frames`` (their pts) after ``packets`` (pts, dts) of one tick each."""
    video: Any = SimpleNamespace(start_time=packets[0][1], time_base=Fraction(1, 12), average_rate=12, index=0)
    clock = Clock(SimpleNamespace(format=SimpleNamespace(name=container, flags=0)), video, [video])
    for pts, dts in packets:
        clock.shift(SimpleNamespace(pts=pts, dts=dts, size=1, time_base=video.time_base, stream=video))
    found: list[Any] = [SimpleNamespace(pts=pts, duration=1) for pts in frames]
    return [clock.stamp(frame)[0] for frame in found]


def test_pictures_without_times_take_those_of_the_packets_in_order() -> None:
    """As of Matroska's tracks in Microsoft's style, which store the times of decoding alone."""
    assert stamps("matroska,webm", [(None, at) for at in (5, 6, 9, 10)], [None] * 4) == [0, 1, 4, 5]


def test_pictures_that_an_avi_leaves_out_stay_out() -> None:
    assert stamps("avi", [(at + 1, at) for at in (0, 1, 4, 5)], [1, 5, 2, 6]) == [0, 1, 4, 5]


def test_what_cannot_be_decoded_at_the_beginning_of_an_avi_moves_nothing() -> None:
    """The first two packets need a picture that was cut off; sound has its own times and would be late."""
    assert stamps("avi", [(at + 1, at) for at in range(6)], [3, 5, 4, 6]) == [2, 3, 4, 5]


def test_times_that_are_missing_or_do_not_grow_are_mended() -> None:
    assert stamps("mpegts", [(7, 7)], [0, None, 2, 2, 1, None]) == [0, 1, 2, 3, 4, 5]
