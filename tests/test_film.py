"""Films: frames, times, sound and colours after a pass through a stand-in stylist."""

from __future__ import annotations

import errno
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from toy_films import (
    BITS,
    RATE,
    SOUND_RATE,
    TICK,
    TONE,
    add_tone,
    invert,
    leftovers,
    make,
    number,
    numbered,
    pictures,
    pitch,
    same,
    wave,
)

from wbclib.files import UserError
from wbclib.inference.film import cartoonize_film


@pytest.fixture(scope="module")
def half_minute(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """30 seconds, 720 numbered frames, a tone."""
    frames = [numbered(i) for i in range(30 * RATE)]
    return make(tmp_path_factory.mktemp("film") / "long.mp4", frames, sound="aac")


def test_thirty_seconds_keep_every_frame_and_the_sound(half_minute: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    told = cartoonize_film(half_minute, target, invert)
    frames, times = pictures(target)
    everything = 2**BITS - 1
    assert [everything - number(image) for image in frames] == list(range(720))
    assert times == pytest.approx(pictures(half_minute)[1], abs=1e-6)
    assert times[-1] == pytest.approx(719 / RATE, abs=1e-3)
    with av.open(str(target)) as film:
        stream = film.streams.video[0]
        assert stream.average_rate == RATE and stream.codec_context.name == "h264" and stream.pix_fmt == "yuv420p"
        assert float(stream.duration * stream.time_base) == pytest.approx(30, abs=1e-3)
        assert stream.codec_context.colorspace == 1 and stream.codec_context.color_range == 1
    before, after = wave(half_minute), wave(target)
    np.testing.assert_array_equal(after, before)
    assert len(after) == pytest.approx(30 * SOUND_RATE, abs=3 * 1024)
    assert pitch(after) == pytest.approx(TONE, abs=0.1)
    took = told.pop("took")
    assert took > 0
    assert told == {"frames": 720, "seconds": pytest.approx(30), "width": 96, "height": 64, "sound": "copied"}
    assert not leftovers(tmp_path)


def test_killed_half_way_leaves_nothing_under_the_final_name(half_minute: Path, tmp_path: Path) -> None:
    target, begun = tmp_path / "out.mp4", tmp_path / "begun"
    code = (
        "import sys, time, pathlib\n"
        "from wbclib.inference.film import cartoonize_film\n"
        "done = 0\n"
        "def slow(image):\n"
        "    global done\n"
        "    done += 1\n"
        "    if done == 360: pathlib.Path(sys.argv[3]).touch(); time.sleep(600)\n"
        "    return image\n"
        "cartoonize_film(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), slow)\n"
    )
    words = [sys.executable, "-c", code, str(half_minute), str(target), str(begun)]
    child = subprocess.Popen(words, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not begun.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert begun.exists(), "the child never came half-way"
    finally:
        child.kill()
        child.wait()
    assert not target.exists()
    assert leftovers(tmp_path), "it was killed while it was writing"


def test_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    stamps = [0, 50, 300, 310, 1000, 1050, 1100, 2000]
    source = make(tmp_path / "uneven.mp4", [numbered(i) for i in range(8)], stamps=stamps)
    told = cartoonize_film(source, tmp_path / "out.mkv", same)
    frames, times = pictures(tmp_path / "out.mkv")
    assert [number(image) for image in frames] == list(range(8))
    assert times == pytest.approx([float(stamp * TICK) for stamp in stamps], abs=1e-3)  # Matroska counts milliseconds
    assert told["sound"] == "none" and told["frames"] == 8
    cartoonize_film(source, tmp_path / "out.mp4", same)
    assert pictures(tmp_path / "out.mp4")[1] == pytest.approx([float(stamp * TICK) for stamp in stamps], abs=1e-6)
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert not film.streams.audio


def test_odd_sizes_grow_by_a_copy_of_the_last_pixels(tmp_path: Path) -> None:
    image = np.zeros((63, 95, 3), np.uint8)
    image[:, 80:] = image[50:] = 200
    seen: list[tuple[int, ...]] = []
    source = make(tmp_path / "odd.mkv", [image] * 5)
    told = cartoonize_film(source, tmp_path / "out.mp4", lambda x: seen.append(x.shape) or x)  # type: ignore[func-returns-value]
    frames, _ = pictures(tmp_path / "out.mp4")
    assert set(seen) == {(63, 95, 3)} and (told["height"], told["width"]) == (64, 96)
    assert frames[0].shape == (64, 96, 3)
    assert np.abs(frames[0][:63, :95].astype(int) - image).mean() < 3
    assert frames[0][-1].min() > 180 and frames[0][:, -1].min() > 180


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_turned_film_comes_out_upright(tmp_path: Path, turned: int) -> None:
    image = np.full((64, 96, 3), 20, np.uint8)
    image[:24, :32] = 235  # top left as stored
    source = make(tmp_path / "turned.mp4", [image] * 3, turned=turned)
    told = cartoonize_film(source, tmp_path / "out.mp4", same)
    with av.open(str(tmp_path / "out.mp4")) as film:
        frame = next(film.decode(video=0))
        assert frame.rotation == 0
    shown = frame.to_ndarray(format="rgb24").mean(2) > 128
    # turned counterclockwise by 90 degrees, what was top left is bottom left
    corner = {90: (-1, 0), 180: (-1, -1), -90: (0, -1)}[turned]
    rows = slice(0, 20) if corner[0] == 0 else slice(-20, None)
    columns = slice(0, 20) if corner[1] == 0 else slice(-20, None)
    assert shown[rows, columns].all()
    assert shown.mean() == pytest.approx(24 * 32 / (64 * 96), abs=0.03)
    assert (told["height"], told["width"]) == ((64, 96) if turned == 180 else (96, 64))


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 200, 0), (30, 60, 220), (255, 255, 255), (0, 0, 0)])
def test_colours_are_kept(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    """In the small source BT.601 is implied, in what is written BT.709 is said: both must be obeyed."""
    source = make(tmp_path / "flat.mp4", [np.full((64, 96, 3), colour, np.uint8)] * 3)
    met: list[np.ndarray] = []
    cartoonize_film(source, tmp_path / "out.mp4", lambda x: met.append(x) or x)  # type: ignore[func-returns-value]
    assert np.abs(met[0].astype(int) - colour).max() <= 4
    frames, _ = pictures(tmp_path / "out.mp4")
    assert np.abs(frames[1].astype(int) - colour).max() <= 6


def test_sound_that_mp4_does_not_take_becomes_aac(tmp_path: Path) -> None:
    source = make(tmp_path / "pcm.mkv", [numbered(i) for i in range(48)], sound="pcm_s16le")
    told = cartoonize_film(source, tmp_path / "out.mp4", same)
    assert told["sound"] == "aac"
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert film.streams.audio[0].codec_context.name == "aac"
    samples = wave(tmp_path / "out.mp4")
    assert len(samples) == pytest.approx(2 * SOUND_RATE, abs=2 * 1024)
    assert pitch(samples) == pytest.approx(TONE, abs=1)
    assert cartoonize_film(source, tmp_path / "out.mkv", same)["sound"] == "copied"
    np.testing.assert_array_equal(wave(tmp_path / "out.mkv"), wave(source))


def test_an_existing_film_is_replaced_only_by_force(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", [numbered(i) for i in range(4)])
    target = tmp_path / "out.mp4"
    target.write_bytes(b"precious")
    with pytest.raises(UserError, match="exists; add --force"):
        cartoonize_film(source, target, same)
    assert target.read_bytes() == b"precious"
    cartoonize_film(source, target, same, force=True)
    assert len(pictures(target)[0]) == 4
    with pytest.raises(UserError, match="is the film itself"):
        cartoonize_film(source, source, same, force=True)


def test_a_stylist_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", [numbered(i) for i in range(4)])
    target = tmp_path / "out.mp4"
    target.write_bytes(b"precious")

    def fails(image: np.ndarray) -> np.ndarray:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        cartoonize_film(source, target, fails, force=True)
    assert target.read_bytes() == b"precious" and not leftovers(tmp_path)


def hostile(kind: str, folder: Path) -> Path:
    """A file named .mp4 or .mkv that is no whole film."""
    path = folder / ("bad.mkv" if kind == "cut.mkv" else "bad.mp4")
    if kind == "text":
        path.write_text("this is no film\n" * 100)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "only sound":
        with av.open(str(path), "w") as out:
            add_tone(out, out.add_stream("aac", rate=SOUND_RATE, layout="mono"), 1)
    elif kind.startswith("cut"):
        whole = make(folder / f"whole{path.suffix}", [numbered(i) for i in range(96)], sound="aac")
        data = whole.read_bytes()
        path.write_bytes(data[: len(data) * 6 // 10])
    elif kind == "damaged":
        whole = make(folder / "whole.mp4", [numbered(i * 7 % 1000) for i in range(96)])
        data = bytearray(whole.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 2000] = bytes(2000)
        path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("kind", ["text", "empty", "only sound", "cut.mp4", "cut.mkv", "damaged", "missing"])
def test_what_is_no_whole_film_is_one_clear_line(tmp_path: Path, kind: str) -> None:
    source = hostile(kind, tmp_path)
    with pytest.raises(UserError) as caught:
        cartoonize_film(source, tmp_path / "out.mp4", same)
    assert "\n" not in str(caught.value) and "bad" in str(caught.value)
    assert not (tmp_path / "out.mp4").exists() and not leftovers(tmp_path)


def test_a_film_cut_short_says_how_much_is_missing(tmp_path: Path) -> None:
    source = hostile("cut.mkv", tmp_path)
    with pytest.raises(UserError, match=r"cut short, it ends after [123]\.\d of 4\.\d s|damaged after"):
        cartoonize_film(source, tmp_path / "out.mp4", same)


def test_only_known_containers_are_written(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mp4", [numbered(0)] * 2)
    with pytest.raises(UserError, match=r"ends in \.m4v, \.mkv"):
        cartoonize_film(source, tmp_path / "out.avi", same)


def test_a_full_disk_is_not_a_damaged_film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make(tmp_path / "film.mp4", [numbered(i) for i in range(3)])

    def full(*_: object) -> None:
        raise av.error.FFmpegError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("wbclib.inference.film._Writer._mux", full)
    with pytest.raises(UserError, match=r"cannot write .*new\.mp4: No space left on device; free some space"):
        cartoonize_film(source, tmp_path / "new.mp4", same)
    assert [path.name for path in tmp_path.iterdir()] == ["film.mp4"]


def test_chapters_are_left_out_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain = make(tmp_path / "plain.mkv", [numbered(i) for i in range(3)])
    with av.open(str(plain)) as film, av.open(str(tmp_path / "film.mkv"), "w") as out:
        out.set_chapters([{"id": 1, "start": 0, "end": 100, "time_base": Fraction(1, 1000), "metadata": {}}])
        stream = out.add_stream_from_template(film.streams.video[0])
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    cartoonize_film(tmp_path / "film.mkv", tmp_path / "new.mp4", same)
    assert "left out: chapters" in caplog.text
