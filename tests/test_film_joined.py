"""Films that were joined one behind the other, sound that does not say how long it lasts, a still before the film."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from toy_films import RATE, SIZE, SOUND_RATE, add_tone, number, numbered, pictures, same, wave

from wbclib.files import UserError
from wbclib.inference.film import cartoonize_film

SECONDS = 2


def one(path: Path, video: str, sound: str, first: int = 0, size: tuple[int, int] = SIZE) -> Path:
    """Two seconds of numbered frames with a tone."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream(video, rate=RATE, options={"bf": "0"})
        stream.height, stream.width, stream.pix_fmt = *size, "yuv420p"
        tone = out.add_stream(sound, rate=SOUND_RATE, layout="mono")
        for i in range(SECONDS * RATE):
            frame = av.VideoFrame.from_ndarray(numbered(first + i, size), format="rgb24").reformat(format="yuv420p")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
        add_tone(out, tone, SECONDS)
    return path


@pytest.mark.parametrize("end", ["mpg", "ts"])
def test_parts_that_each_count_anew_follow_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    parts = [one(tmp_path / f"{first}.{end}", "mpeg2video", "mp2", first) for first in (0, 100, 200)]
    source, target = tmp_path / f"whole.{end}", tmp_path / "out.mp4"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    told = cartoonize_film(source, target, same)
    frames, times = pictures(target)
    wanted = [first + i for first in (0, 100, 200) for i in range(SECONDS * RATE)]
    seen = [number(frame) for frame in frames]
    assert told["frames"] == len(seen) and seen == sorted(set(seen)) and set(seen) <= set(wanted)
    assert len(wanted) - len(seen) <= 3, "a decoder may lose one where a counter breaks"
    gaps = np.diff(times)
    assert gaps.min() > 0 and gaps.max() <= 0.2 and times[-1] == pytest.approx(3 * SECONDS, abs=0.3)
    assert len(wave(target)) / SOUND_RATE == pytest.approx(3 * SECONDS, abs=0.3)
    assert times[seen.index(next(n for n in seen if n >= 200))] == pytest.approx(2 * SECONDS, abs=0.2)
    assert [line.rpartition(" at ")[0] for line in caplog.messages] == [f"whole.{end}: parts are joined"] * 2


def test_a_size_that_changes_where_parts_were_joined_is_told(tmp_path: Path) -> None:
    parts = [one(tmp_path / f"{size[0]}.ts", "mpeg2video", "mp2", size=size) for size in (SIZE, (96, 128))]
    source = tmp_path / "whole.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(UserError, match=r"the picture's size changes at (1\.9|2\.0) s"):
        cartoonize_film(source, tmp_path / "out.mp4", same)
    assert not (tmp_path / "out.mp4").exists()


def test_sound_that_does_not_say_how_long_it_lasts_is_whole(tmp_path: Path) -> None:
    """WavPack in Matroska: its packets last half a second or more, and say 0."""
    source = one(tmp_path / "film.mkv", "libx264", "wavpack")
    with av.open(str(source)) as film:
        assert {packet.duration or 0 for packet in film.demux(audio=0)} == {0}
    told = cartoonize_film(source, tmp_path / "out.mp4", same)
    assert told["frames"] == SECONDS * RATE
    assert len(wave(tmp_path / "out.mp4")) / SOUND_RATE == pytest.approx(SECONDS, abs=0.05)


def test_a_still_picture_before_the_film_is_not_the_film(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "film.mkv"
    with av.open(str(source), "w") as out:
        streams = [out.add_stream(codec, rate=RATE) for codec in ("mjpeg", "libx264")]
        formats = ("yuvj420p", "yuv420p")
        for stream, pixels in zip(streams, formats, strict=True):
            stream.height, stream.width, stream.pix_fmt = *SIZE, pixels
        for stream, pixels, count in zip(streams, formats, (1, RATE), strict=True):
            for i in range(count):
                frame = av.VideoFrame.from_ndarray(numbered(500 + i), format="rgb24").reformat(format=pixels)
                frame.pts = i
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
    told = cartoonize_film(source, tmp_path / "out.mp4", same)
    assert told["frames"] == RATE and "left out: second video" in caplog.text
