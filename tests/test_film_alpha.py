"""Films with transparency: laid on white, as Pillow lays a picture on white."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image
from toy_films import SIZE, make, numbered, pictures, same

from wbclib.inference import film_alpha
from wbclib.inference.film import cartoonize_film

ALPHAS = [0, 255, 64, 192]  # of four columns
WORDS = "films that are written here hold no transparency, laid on white"


def layers(opaque: bool = False) -> np.ndarray:
    """RGBA: a dark and a light row, columns of ALPHAS."""
    picture = np.empty((*SIZE, 4), np.uint8)
    picture[:32, :, :3], picture[32:, :, :3] = (40, 40, 40), (180, 180, 180)
    picture[..., 3] = 255 if opaque else np.repeat(ALPHAS, SIZE[1] // 4)
    return picture


def film(path: Path, codec: str, pixels: str, turned: int = 0, opaque: bool = False) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=24, options={"crf": "4", "b": "2M", "auto-alt-ref": "0"})
        stream.height, stream.width, stream.pix_fmt = *SIZE, pixels
        if turned:
            stream.set_display_rotation(turned)
        for _ in range(4):
            out.mux(stream.encode(VideoFrame.from_ndarray(layers(opaque), format="rgba").reformat(format=pixels)))
        out.mux(stream.encode(None))
    return path


def centres(picture: np.ndarray) -> np.ndarray:
    return picture[16::32, 12::24].astype(int)


def on_white() -> np.ndarray:
    """By Pillow."""
    picture = Image.fromarray(layers())
    return np.array(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB"))


KINDS = [
    ("png", "rgba", ".mov"),
    ("qtrle", "argb", ".mov"),
    ("prores_ks", "yuva444p10le", ".mov"),
    ("ffv1", "yuva420p", ".mkv"),
    ("libvpx-vp9", "yuva420p", ".webm"),
    ("libvpx", "yuva420p", ".webm"),
]


@pytest.mark.parametrize(("codec", "pixels", "suffix"), KINDS)
def test_transparency_is_laid_on_white_and_told_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, codec: str, pixels: str, suffix: str
) -> None:
    caplog.set_level("INFO")
    told = cartoonize_film(film(tmp_path / f"film{suffix}", codec, pixels), tmp_path / "out.mp4", same)
    found, times = pictures(tmp_path / "out.mp4")
    assert len(found) == told["frames"] == 4 and times == pytest.approx([i / 24 for i in range(4)], abs=0.001)
    for picture in found:
        assert np.abs(centres(picture) - centres(on_white())).max() <= 6
    assert [record.getMessage() for record in caplog.records] == [f"film{suffix}: {WORDS}"]


@pytest.mark.parametrize(("codec", "pixels", "suffix"), KINDS)
def test_an_opaque_film_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, codec: str, pixels: str, suffix: str
) -> None:
    caplog.set_level("INFO")
    cartoonize_film(film(tmp_path / f"film{suffix}", codec, pixels, opaque=True), tmp_path / "out.mp4", same)
    assert np.abs(centres(pictures(tmp_path / "out.mp4")[0][3]) - centres(layers(True)[..., :3])).max() <= 6
    assert not caplog.records


def test_the_stylist_sees_the_colours_and_never_the_white(tmp_path: Path) -> None:
    source, seen = film(tmp_path / "film.mov", "png", "rgba"), []

    def inverts(picture: np.ndarray) -> np.ndarray:
        seen.append(picture)
        return 255 - picture

    cartoonize_film(source, tmp_path / "out.mp4", inverts)
    assert np.abs(centres(seen[0]) - centres(layers()[..., :3])).max() <= 2
    share = centres(layers()[..., 3:]) / 255
    wanted = (255 - centres(layers()[..., :3])) * share + 255 * (1 - share)
    assert np.abs(centres(pictures(tmp_path / "out.mp4")[0][0]) - wanted).max() <= 6


@pytest.mark.parametrize("turned", [90, 180, 270, 45])
def test_transparency_is_turned_with_its_picture(tmp_path: Path, turned: int) -> None:
    source = film(tmp_path / "film.mov", "png", "rgba", turned)
    plain = make(tmp_path / "plain.mov", [on_white()] * 2, turned=turned)
    for name in (source, plain):
        cartoonize_film(name, name.with_suffix(".mp4"), same)
    first, second = (pictures(path.with_suffix(".mp4"))[0][0].astype(int) for path in (source, plain))
    assert first.shape == second.shape
    assert (np.abs(first - second).max(2) <= 20).mean() > 0.9  # the plain film was coded once more


def test_a_decoder_that_is_missing_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(film_alpha.DECODERS, "vp9", "libnone")
    cartoonize_film(film(tmp_path / "film.webm", "libvpx-vp9", "yuva420p"), tmp_path / "out.mp4", same)
    assert [record.getMessage() for record in caplog.records] == [
        "film.webm: its transparency is left out: this FFmpeg has no libnone"
    ]
    assert np.abs(centres(pictures(tmp_path / "out.mp4")[0][0]) - centres(layers()[..., :3])).max() <= 8


def test_numbered_frames_have_no_alpha(tmp_path: Path) -> None:
    source = make(tmp_path / "film.mkv", [numbered(1)] * 2)
    with av.open(str(source)) as opened:
        alpha = film_alpha.Alpha(opened.streams.video[0], "film.mkv")
        assert alpha.own is None and alpha.read(next(opened.decode(video=0))) is None
