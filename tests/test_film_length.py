"""Which films are whole: only streams in use count, wherever their times begin, and what is cut short is found."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.packet import Packet
from toy_films import RATE, SOUND_RATE, add_tone, cut, join, make, number, numbered, pictures, same, wave

from wbclib.files import UserError
from wbclib.inference.film import cartoonize_film

FRAMES = 4 * RATE


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4 seconds, numbered frames, a tone."""
    path = tmp_path_factory.mktemp("short") / "short.mp4"
    return make(path, [numbered(i) for i in range(FRAMES)], sound="aac")


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return make(path, [numbered(i) for i in range(3 * FRAMES)], sound="aac")


def untagged(path: Path) -> Path:
    """A Matroska film whose tracks do not say how long they are."""
    data = path.read_bytes()
    assert data.count(b"DURATION") > 1
    path.write_bytes(data.replace(b"DURATION", b"XURATION"))
    return path


def stale(path: Path) -> Path:
    """The tags of a longer film left over, as after cutting with a program that copies them."""
    with av.open(str(path)) as film, av.open(str(path.with_name("stale.mkv")), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in film.streams}
        for copy in copies.values():
            copy.metadata["DURATION-eng"] = "00:00:12.000000000"
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
    return path.with_name("stale.mkv")


def with_subtitle(source: Path, target: Path) -> Path:
    """One line of text from 1 to 9 seconds."""
    with av.open(str(source)) as film, av.open(str(target), "w") as out:
        copies = {stream.index: out.add_stream_from_template(stream) for stream in film.streams}
        text = out.add_mux_stream("subrip" if target.suffix == ".mkv" else "mov_text")
        text.time_base = Fraction(1, 1000)
        line = Packet(b"hello" if target.suffix == ".mkv" else b"\x00\x05hello")
        line.pts = line.dts = 1000
        line.duration, line.time_base, line.stream = 8000, Fraction(1, 1000), text
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = copies[packet.stream.index]
                out.mux(packet)
        out.mux(line)
    return target


def late(path: Path) -> float:
    """Seconds from the first sound or picture of a film to the first picture, as its packets tell them."""
    with av.open(str(path)) as film:
        times = [
            (float(packet.pts * packet.time_base), packet.stream.type)
            for packet in film.demux([*film.streams.video[:1], *film.streams.audio])
            if packet.pts is not None and not packet.is_discard
        ]
    return min(at for at, kind in times if kind == "video") - min(times)[0]


Make = Callable[[Path, Path, Path], Path]
WHOLE: dict[str, Make] = {
    "second pictures longer.mp4": lambda path, short, long: join(path, (short, ""), (long, "video")),
    "second pictures longer.mkv": lambda path, short, long: join(path, (short, ""), (long, "video")),
    "second pictures longer, no tags.mkv": lambda path, short, long: untagged(join(path, (short, ""), (long, "video"))),
    "subtitles longer.mp4": lambda path, short, long: with_subtitle(short, path),
    "subtitles longer.mkv": lambda path, short, long: with_subtitle(short, path),
    "subtitles longer, no tags.mkv": lambda path, short, long: untagged(with_subtitle(short, path)),
    "begins at 10 s.mp4": lambda path, short, long: join(path, (short, ""), shift=10),
    "begins at 10 s.mov": lambda path, short, long: join(path, (short, ""), shift=10),
    "begins at 10 s.mkv": lambda path, short, long: join(path, (short, ""), shift=10),
    "begins at 10 s, no tags.mkv": lambda path, short, long: untagged(join(path, (short, ""), shift=10)),
    "begins at 1.4 s.ts": lambda path, short, long: join(path, (short, "")),
    "silent, begins at 10 s.mp4": lambda path, short, long: join(path, (short, "video"), shift=10),
    "no length.mkv": lambda path, short, long: join(path, (short, ""), live="1"),
    "fragments.mp4": lambda path, short, long: join(path, (short, ""), movflags="frag_keyframe+empty_moov"),
    "sound longer.mp4": lambda path, short, long: join(path, (short, "video"), (long, "audio")),
    "sound longer.mkv": lambda path, short, long: join(path, (short, "video"), (long, "audio")),
    "older tags.mkv": lambda path, short, long: stale(join(path, (short, ""))),
}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_films_go_through(tmp_path: Path, short: Path, long: Path, name: str) -> None:
    source = WHOLE[name](tmp_path / name, short, long)
    told = cartoonize_film(source, tmp_path / "out.mp4", same)
    assert told["frames"] == FRAMES and told["seconds"] == pytest.approx(4, abs=0.03)
    frames, times = pictures(tmp_path / "out.mp4")
    assert [number(image) for image in frames] == list(range(FRAMES))
    before = pictures(source)[1]
    assert times == pytest.approx([late(source) + at - before[0] for at in before], abs=0.002)
    if told["sound"] != "none":
        assert len(wave(tmp_path / "out.mp4")) == pytest.approx(len(wave(source)), abs=2 * 1024)


def test_sound_may_be_shorter_than_the_pictures(tmp_path: Path, short: Path, long: Path) -> None:
    for suffix in (".mp4", ".mkv"):
        source = join(tmp_path / f"film{suffix}", (long, "video"), (short, "audio"))
        assert cartoonize_film(source, tmp_path / f"out{suffix}", same)["frames"] == 3 * FRAMES


def test_the_last_picture_may_last_long(tmp_path: Path) -> None:
    stamps = [0, 6000, 12_000]  # one in five seconds
    for suffix in (".mp4", ".mkv"):
        source = make(tmp_path / f"slow{suffix}", [numbered(i) for i in range(3)], stamps=stamps)
        cartoonize_film(source, tmp_path / f"out{suffix}", same)
        assert pictures(tmp_path / f"out{suffix}")[1] == pytest.approx([0, 5, 10], abs=0.001)


SHORTENED = [name for name in WHOLE if "no length" not in name and not name.endswith(".ts")]


@pytest.mark.parametrize("name", [name for name in SHORTENED if "fragments" not in name])
def test_the_same_films_cut_short_are_found(tmp_path: Path, short: Path, long: Path, name: str) -> None:
    """A live recording and a transport stream do not say how long they are: those two cannot be found out."""
    source = WHOLE[name](tmp_path / name, short, long)
    if source.suffix != ".mkv":  # the index comes first, else there is nothing to read at all
        source = join(
            tmp_path / f"first{source.suffix}", (source, ""), movflags="faststart", shift=10 * ("10 s" in name)
        )
    source = cut(source, 0.2 if "longer" in name else 0.6)
    with pytest.raises(UserError, match=r"cut short, it ends after|damaged after"):
        cartoonize_film(source, tmp_path / "out.mp4", same)
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("kept", [1, 40])
def test_a_film_cut_between_two_packets_is_found(tmp_path: Path, short: Path, kept: int) -> None:
    """Nothing is damaged then; only the length tells."""
    source = join(tmp_path / "film.mp4", (short, "video"), movflags="faststart", shift=10)
    with av.open(str(source)) as film:
        ends = [packet.pos + packet.size for packet in film.demux(video=0) if packet.size]
    source.write_bytes(source.read_bytes()[: ends[kept - 1]])
    with pytest.raises(UserError, match=r"cut short, it ends after [01]\.\d of 4\.0 s"):
        cartoonize_film(source, tmp_path / "out.mp4", same)


def test_an_avi_cut_short_is_found(tmp_path: Path) -> None:
    """FFmpeg makes its length fit the size of the file; the number of frames in its head stays."""
    source = make(tmp_path / "film.avi", [numbered(i) for i in range(FRAMES)], codec="mpeg4")
    assert cartoonize_film(source, tmp_path / "out.mp4", same)["frames"] == FRAMES
    with pytest.raises(UserError, match=r"cut short, it ends after [12]\.\d of 4\.\d s"):
        cartoonize_film(cut(source, 0.3), tmp_path / "new.mp4", same)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_what_an_edit_list_hides_is_not_heard(tmp_path: Path, suffix: str) -> None:
    """A second is hidden at the beginning: pictures and sound must lose the same, and stay together."""
    silent_until = 2.0
    with av.open(str(tmp_path / "whole.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"g": "1", "preset": "ultrafast"})
        video.height, video.width = numbered(0).shape[:2]
        audio = out.add_stream("aac", rate=SOUND_RATE, layout="mono")
        add_tone(out, audio, 4, begins=silent_until)
        for index in range(FRAMES):  # the picture turns white when the tone begins
            level = 255 if index >= silent_until * RATE else 0
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.full((64, 96, 3), level, np.uint8), format="rgb24")))
        out.mux(video.encode(None))
    source = join(tmp_path / "film.mp4", (tmp_path / "whole.mp4", ""), shift=-1, avoid_negative_ts="disabled")
    with av.open(str(source)) as film:
        assert sum(packet.is_discard for packet in film.demux(audio=0)) > 40
    cartoonize_film(source, tmp_path / f"out{suffix}", same)
    frames, times = pictures(tmp_path / f"out{suffix}")
    white = next(at for image, at in zip(frames, times, strict=True) if image.mean() > 128)
    assert white == pytest.approx(silent_until - 1, abs=0.06)  # Matroska begins with the packet before, 2 x 21 ms
    with av.open(str(tmp_path / f"out{suffix}")) as film:
        heard = next(float(f.time) for f in film.decode(audio=0) if np.abs(f.to_ndarray()).max() > 0.1)
    assert heard == pytest.approx(white, abs=2 * 1024 / SOUND_RATE)
