"""What films are told of in: names on one printable line, once; seconds of the film; streams by what they are."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from av.packet import Packet
from av.stream import Disposition
from toy_films import RATE, cut, join, make, numbered, same

from wbclib.files import UserError
from wbclib.inference import folder
from wbclib.inference.film import cartoonize_film

NAME, SHOWN = "new\nline \x1b[31mred.mkv", r"new\nline \x1b[31mred.mkv"


def short(path: Path, seconds: float = 1) -> Path:
    return make(path, [numbered(i) for i in range(round(seconds * RATE))])


def test_log_and_bar_show_a_name_on_one_printable_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    one = short(tmp_path / "one.mkv")
    cartoonize_film(join(tmp_path / NAME, (one, ""), (one, "")), tmp_path / "out.mp4", same)
    assert [record.getMessage() for record in caplog.records] == [f"{SHOWN}: left out: second video"]
    bar = capsys.readouterr().err
    assert SHOWN in bar and "\x1b[31m" not in bar and "new\n" not in bar


@pytest.mark.parametrize("kind", ["no film", "cut", "missing", "target exists", "target's suffix", "same", "full"])
def test_errors_show_a_name_on_one_printable_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    source, target = short(tmp_path / NAME), tmp_path / "out.mp4"
    if kind == "no film":
        source.write_bytes(b"no film" * 99)
    elif kind == "cut":
        source.write_bytes(cut(short(tmp_path / NAME, 4), 0.4).read_bytes())
    elif kind == "missing":
        source.unlink()
    elif kind == "target exists":
        target = tmp_path / f"2{NAME}"
        target.touch()
    elif kind == "target's suffix":
        target = tmp_path / f"{NAME}.avi"
    elif kind == "same":
        target = source
    elif kind == "full":
        target = tmp_path / f"2{NAME}"

        def full(*_: object) -> None:
            raise av.error.FFmpegError(28, "No space left on device")

        monkeypatch.setattr("wbclib.inference.film._Writer._mux", full)
    with pytest.raises(UserError) as caught:
        cartoonize_film(source, target, same)
    assert SHOWN in str(caught.value) and str(caught.value).isprintable()


@pytest.mark.parametrize("kind", ["cut", "no film", "only sound"])
def test_a_run_names_a_bad_film_once(tmp_path: Path, kind: str) -> None:
    path = short(tmp_path / "film.mkv", 4)
    if kind == "cut":
        path.write_bytes(cut(path, 0.5).read_bytes())
    elif kind == "no film":
        path.write_bytes(b"\x1aE\xdf\xa3" + bytes(500))
    else:
        with av.open(str(path), "w") as out:
            tone = out.add_stream("pcm_s16le", rate=8000, layout="mono")
            packet = Packet(bytes(1000))
            packet.pts = packet.dts = 0
            packet.stream = tone
            out.mux(packet)
    summary = folder.run([path], same, out=tmp_path / "out")
    ((name, reason),) = summary.failed
    assert name == str(path) and "film.mkv" not in reason
    begins = {"cut": ("cut short", "damaged after"), "no film": ("no film,",), "only sound": ("there are no moving",)}
    assert reason.startswith(begins[kind])


def test_seconds_are_those_of_the_film(tmp_path: Path) -> None:
    """A transport stream whose clock begins at 101.4 s, with a break in its counters after one second."""
    one = short(tmp_path / "one.mkv")
    parts = [join(tmp_path / f"{shift}.ts", (one, ""), shift=shift) for shift in (100, 101)]
    source = tmp_path / "film.ts"
    source.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(UserError, match=r"film\.ts: damaged after (0\.9|1\.0) s"):
        cartoonize_film(source, tmp_path / "out.mp4", same)


def test_a_cover_is_no_film_that_is_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plain = short(tmp_path / "plain.mp4")
    with av.open(str(plain)) as film, av.open(str(tmp_path / "film.mp4"), "w") as out:
        streams = [out.add_stream_from_template(film.streams.video[0]) for _ in range(3)]
        cover = out.add_stream("png", rate=1)
        cover.height, cover.width, cover.pix_fmt = 64, 96, "rgb24"
        cover.disposition = Disposition.attached_pic
        out.mux(cover.encode(av.VideoFrame.from_ndarray(numbered(0), format="rgb24")))
        out.mux(cover.encode(None))
        for packet in film.demux():
            if packet.dts is not None:
                data, times = bytes(packet), (packet.pts, packet.dts, packet.duration, packet.time_base)
                for stream in streams:
                    copy = Packet(data)
                    copy.pts, copy.dts, copy.duration, copy.time_base = times
                    copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                    out.mux(copy)
    cartoonize_film(tmp_path / "film.mp4", tmp_path / "out.mp4", same)
    assert [record.getMessage() for record in caplog.records] == [
        "film.mp4: left out: second video, further video, cover picture"
    ]
