"""Picture, film or neither: by content, then by name; films that FFmpeg opens, and what it opens beside films."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from av.video.frame import VideoFrame
from PIL import Image
from toy_films import add_tone
from toy_images import negative, noise

from wbclib import formats, images
from wbclib.inference import folder, inputs, kinds
from wbclib.inference.kinds import FILM, NEITHER, PICTURE


def judged(path: Path, named: bool = True) -> str:
    return kinds.judge(path, named).kind


GREYS = (30, 90, 150, 210)


def film(path: Path, codec: str, container: str | None = None, size: tuple[int, int] = (64, 96)) -> Path:
    """A film of four grey pictures."""
    with av.open(str(path), "w", format=container) as out:
        video = out.add_stream(codec, rate=25)
        video.height, video.width, video.pix_fmt = *size, "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for grey in GREYS:
            frame = VideoFrame.from_ndarray(np.full((*size, 3), grey, np.uint8), format="rgb24")
            out.mux(video.encode(frame.reformat(format=video.pix_fmt)))
        out.mux(video.encode(None))
    return path


def song(path: Path, codec: str = "aac", cover: bool = False) -> Path:
    with av.open(str(path), "w") as out:
        audio = out.add_stream(codec, rate=48_000, layout="mono")
        if cover:
            picture = out.add_stream("png", rate=1)
            picture.height, picture.width, picture.pix_fmt = 24, 40, "rgb24"
            picture.disposition = Disposition.attached_pic
            out.mux(picture.encode(VideoFrame.from_ndarray(noise(), format="rgb24")))
        add_tone(out, audio, 0.2)
    return path


def encoded(format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(noise()).save(stream, format, **options)
    return stream.getvalue()


FILMS = {  # name -> codec, container of FFmpeg where the name does not tell it
    "a.mpg": ("mpeg1video", None),
    "a.VOB": ("mpeg2video", "vob"),
    "a.m2v": ("mpeg2video", None),
    "cam.MOD": ("mpeg2video", "mpeg"),
    "a.ts": ("mpeg2video", None),
    "a.MTS": ("libx264", "mpegts"),
    "a.m2ts": ("libx264", None),
    "a.wmv": ("wmv2", None),
    "a.flv": ("flv", None),
    "a.3gp": ("libx264", None),
    "a.ogv": ("libvpx", None),
    "a.ogg": ("libvpx", "ogg"),
    "a.avi": ("mpeg4", None),
    "a.mjpeg": ("mjpeg", None),
    "a.rm": ("rv10", None),
    "a.ivf": ("libvpx", None),
    "a.y4m": ("rawvideo", None),
    "a.h264": ("libx264", None),
    "a.webm": ("libvpx", None),
    "no suffix": ("libx264", "mov"),
    "a film.jpg": ("libx264", "matroska"),
    "2024.05.01 beach": ("mpeg1video", "mpeg"),
}


@pytest.mark.parametrize("name", FILMS)
def test_a_film_is_known_by_name_or_content(tmp_path: Path, name: str) -> None:
    path = film(tmp_path / name, *FILMS[name])
    assert judged(path) == judged(path, named=False) == FILM


@pytest.mark.parametrize(("name", "target"), [("a.mpg", "a.mp4"), ("a.MTS", "a.mp4"), ("a film.jpg", "a film.mp4")])
def test_such_a_film_is_drawn(tmp_path: Path, name: str, target: str) -> None:
    (tmp_path / "in").mkdir()
    film(tmp_path / "in" / name, *FILMS[name])
    summary = folder.run([tmp_path / "in"], negative, tmp_path / "out")
    assert summary.done == [tmp_path / "out" / target] and not summary.failed
    with av.open(str(summary.done[0])) as made:
        greys = [frame.to_ndarray(format="rgb24").mean() for frame in made.decode(video=0)]
    assert np.abs(np.array(greys) - [255 - grey for grey in GREYS]).max() < 4


def test_ffmpeg_is_asked_about_a_named_file_alone(tmp_path: Path) -> None:
    path = film(tmp_path / "a.gxf", "mpeg2video", size=(576, 720)).rename(tmp_path / "a.unknown")
    assert judged(path) == FILM and judged(path, named=False) == NEITHER


TEXTS = {
    "notes.txt": "one line after another\n" * 50,
    "a.nfo": "info\n",
    "a.srt": "1\n00:00:01,000 --> 00:00:02,000\nhello\n\n2\n00:00:03,000 --> 00:00:04,000\nworld\n",
    "a.ass": "[Script Info]\nScriptType: v4.00+\n",
    "a.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\nhello\n",
    "code.ts": "import x from 'y';\nexport const a: number = 3;\n" * 40,
    "code.mts": "Great = 1;\n" * 100,
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\na.mpg\n#EXT-X-ENDLIST\n",
    "list.ffconcat": "ffconcat version 1.0\nfile a.mpg\n",
    "stream.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    "data.json": "{}",
    "page.html": "<html><svg></svg></html>",
    "p2.txt": "P2 is where we parked, 40 50 60\n",
    "bm.txt": "BMW and others\n" * 9,
    "Thumbs.db": "\xd0\xcf\x11\xe0",
    "empty": "",
}


def test_what_ffmpeg_opens_beside_films_is_neither(tmp_path: Path) -> None:
    film(tmp_path / "a.mpg", "mpeg1video")
    for name, text in TEXTS.items():
        (tmp_path / name).write_text(text, "latin-1")
    songs = {"song.m4a": "aac", "song.ogg": "libopus", "song.mka": "aac", "covered.flac": "flac"}
    for name, codec in songs.items():
        song(tmp_path / name, codec, cover=name.startswith("covered"))
    for name in (*TEXTS, *songs):
        assert judged(tmp_path / name) == judged(tmp_path / name, named=False) == NEITHER, name
    summary = folder.run([tmp_path / "notes.txt"], negative, tmp_path / "out")
    assert "neither a picture nor a film" in summary.failed[0][1] and summary.status == 1


@pytest.mark.parametrize("format", [name for name in formats.READ if name not in ("HEIF", *formats.UNMARKED)])
def test_a_picture_is_known_by_content_whatever_its_name(tmp_path: Path, format: str) -> None:
    for name in ("a.mp4", "a.xyz", "a"):
        (tmp_path / name).write_bytes(encoded(format))
        assert judged(tmp_path / name, named=False) == PICTURE


def test_every_suffix_that_is_read_names_its_format(tmp_path: Path) -> None:
    for format, suffixes in formats.READ.items():
        for suffix in suffixes if format != "HEIF" else ():
            (tmp_path / f"a{suffix}").write_bytes(encoded(format))
            assert images.read(tmp_path / f"a{suffix}").shape[2] == 3, suffix
            assert judged(tmp_path / f"a{suffix}", named=False) == PICTURE
    for format in formats.UNMARKED:
        with pytest.raises(images.ImageError):
            images.decode(encoded(format), "no such suffix.jpg")


def test_a_jpeg_named_like_a_film_is_drawn_as_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(encoded("PNG"))
    summary = folder.run([tmp_path / "a.mp4"], negative, tmp_path / "out")
    assert summary.done == [tmp_path / "out" / "a.png"]
    np.testing.assert_array_equal(images.read(summary.done[0]), 255 - noise())


UNREAD: dict[str, tuple[bytes, str]] = {
    "a.cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "raw file.*develop it"),
    "a.nef": (encoded("TIFF"), "raw file.*develop it"),  # a decoder would take the thumbnail
    "a.ARW": (b"?" * 50, "raw file.*develop it"),
    "dng in disguise.tif": (encoded("TIFF", tiffinfo={formats.DNG_VERSION: b"\1\4\0\0"}), "raw file.*develop it"),
    "a.psd": (b"8BPS\0\1" + bytes(50), "working file.*export it"),
    "psd in disguise.jpg": (b"8BPS\0\1" + bytes(50), "working file.*export it"),
    "a.svg": (b"<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", "shapes.*export it"),
    "a.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "shapes.*export it"),
    "a.jxl": (b"\xff\x0a" + bytes(50), "JPEG XL.*save it as"),
    "jxl": (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(50), "JPEG XL.*save it as"),
    "a.exr": (b"v/1\1" + bytes(50), "high dynamic range.*save it as"),
    "a.pcx": (encoded("PCX"), "not read; save it as"),
    "a.avif": (b"?" * 50, "not an image"),
}


def test_pictures_that_are_not_read_fail_with_a_line_of_their_own(tmp_path: Path) -> None:
    place = tmp_path / "in"
    place.mkdir()
    for name, (data, _) in UNREAD.items():
        (place / name).write_bytes(data)
    (place / "a.pdf").write_bytes(b"%PDF-1.4\n")
    (place / "notes.txt").write_text("hello")
    Image.fromarray(noise()).save(place / "a.png")  # what is not read does not claim its output
    summary = folder.run([place], negative, tmp_path / "out")
    said = {Path(name).name: reason for name, reason in summary.failed}
    assert said.keys() == UNREAD.keys() and len(summary.done) == 1 and summary.status == 1
    for name, (_, says) in UNREAD.items():
        assert re.search(says, said[name]), f"{name}: {said[name]}"
    assert summary.lines()[1] == "2 left out: a.pdf, notes.txt"
    ((_, reason),) = folder.run([place / "a.pdf"], negative, tmp_path / "out").failed
    assert reason == formats.DOCUMENT, "a document that was asked for"


def test_what_is_left_out_is_counted_named_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    Image.fromarray(noise()).save(tmp_path / "in" / "a.jpg")
    for name in ("notes.txt", "sub/x.xyz"):
        (tmp_path / "in" / name).write_text("text")
    summary = folder.run([tmp_path / "in"], negative, tmp_path / "out")
    assert summary.status == 0
    assert summary.lines() == ["1 done, 0 kept as they were, 0 failed", "2 left out: notes.txt, sub/x.xyz"]
    for number in range(20):
        (tmp_path / "in" / f"{number:02d}.txt").write_text("text")
    line = folder.run([tmp_path / "in"], negative, tmp_path / "out").lines()[1]
    assert line.startswith("22 left out: 00.txt, 01.txt, ") and line.endswith("09.txt and 12 more")


def test_a_folder_that_is_named_twice_is_told_of_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("notes.txt", "sub/x.xyz", "layers.psd", ".b.txt"):
        (tmp_path / "in" / name).write_bytes(b"8BPS\0\1" if name.endswith("psd") else b"text")
    for name in ("a.png", ".b.png"):
        Image.fromarray(noise()).save(tmp_path / "in" / name)
    monkeypatch.chdir(tmp_path)
    once = folder.run(["in"], negative, "once").lines()
    assert once[:3] == [
        "1 done, 0 kept as they were, 1 failed",
        "2 left out: notes.txt, sub/x.xyz",
        "1 hidden and left out: .b.png",
    ]
    assert once[3].startswith("failed: in/layers.psd: ") and len(once) == 4
    assert folder.run(["in", "in/", str(tmp_path / "in"), "i*"], negative, "twice").lines() == once
    named = folder.run(["in", "in/notes.txt"], negative, "named")
    assert [Path(name).name for name, _ in named.failed] == ["layers.psd", "notes.txt"], "that one was asked for"
    empty = [tmp_path / "in" / "sub"] * 2
    assert folder.run(empty, negative, "o").failed == folder.run(empty[:1], negative, "o").failed


def test_what_a_system_hides_makes_no_noise(tmp_path: Path) -> None:
    Image.fromarray(noise()).save(tmp_path / "a.png")
    (tmp_path / ".git").mkdir()
    Image.fromarray(noise()).save(tmp_path / ".git" / "logo.png")
    (tmp_path / ".folder.png").mkdir()
    for name in ("._a.png", ".DS_Store", ".nomedia", ".directory"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    assert folder.run([tmp_path], negative, tmp_path / "out").lines() == ["1 done, 0 kept as they were, 0 failed"]


# --- what is installed


def heic(brand: bytes = b"heic") -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(100)


@pytest.fixture
def fresh() -> object:
    formats.heif.cache_clear()
    yield
    formats.heif.cache_clear()


@pytest.mark.parametrize("name", ["a.heic", "a.HIF", "heic in disguise.jpg"])
def test_heic_without_its_package_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: object, name: str
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / name).write_bytes(heic())
    ((_, reason),) = folder.run([tmp_path / name], negative, tmp_path / "out").failed
    assert "pip install pillow-heif, or save the picture as JPEG" in reason


def test_heic_is_read_by_its_package_where_that_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh: object
) -> None:
    class Opener(Image.Image):
        """Stands for the package's: every file is the same picture."""

        format = "HEIF"

        def __init__(self, stream: io.BytesIO, name: str) -> None:
            del stream, name
            super().__init__()
            self.tile: list[object] = []
            picture = Image.fromarray(noise())
            self.im, self._mode, self._size = picture.im, picture.mode, picture.size

    def register() -> None:
        monkeypatch.setitem(Image.OPEN, "HEIF", (Opener, None))
        monkeypatch.setattr(Image, "ID", [*Image.ID, "HEIF"])

    package = type(sys)("pillow_heif")
    package.register_heif_opener = register  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pillow_heif", package)
    (tmp_path / "a.heic").write_bytes(heic())
    summary = folder.run([tmp_path / "a.heic"], negative, tmp_path / "out")
    assert summary.done == [tmp_path / "out" / "a.png"]
    np.testing.assert_array_equal(images.read(summary.done[0]), 255 - noise())


def test_avif_without_support_says_what_to_update(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded("AVIF")
    check: Callable[[str], bool | None] = formats.features.check
    monkeypatch.setattr(formats.features, "check", lambda name: name != "avif" and check(name))
    with pytest.raises(images.ImageError, match="reads no AVIF; update it"):
        images.decode(data, "a.avif")


def test_ffmpeg_is_not_loaded_for_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    Image.fromarray(noise()).save(tmp_path / "a.png")
    (tmp_path / "notes.txt").write_text("text")
    plan = inputs.plan([tmp_path], tmp_path / "out")
    assert len(plan.jobs) == 1 and plan.left == ["notes.txt"]
