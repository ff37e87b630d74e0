"""What films say about themselves: languages, titles and marks go over, places do not, unknown sound is told of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.frame import AudioFrame
from av.stream import Disposition
from toy_films import SOUND_RATE, TONE, add_tone, join, make, numbered, pitch, same, wave

from wbclib.inference import kinds
from wbclib.inference.film import cartoonize_film
from wbclib.inference.sound import takes

TRACKS = [  # language, title, marks
    ("eng", "Original", Disposition.original),
    ("fra", "Version française", Disposition.default | Disposition.dub),
    ("spa", "Comentario", Disposition.comment),
]


def talkie(path: Path, codec: str = "aac", **tags: str) -> Path:
    """A film of a second with the sound tracks of TRACKS, and ``tags`` for the whole of it."""
    pictures = make(path.with_name("pictures.mp4"), [numbered(i) for i in range(24)])
    with av.open(str(pictures)) as film, av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as out:
        out.metadata.update(tags)
        video = out.add_stream_from_template(film.streams.video[0])
        sounds = [out.add_stream(codec, rate=SOUND_RATE, layout="mono") for _ in TRACKS]
        for sound, (language, title, marks) in zip(sounds, TRACKS, strict=True):
            sound.metadata.update(language=language, title=title)
            sound.disposition = marks
        for packet in film.demux():
            if packet.dts is not None:
                packet.stream = video
                out.mux(packet)
        for sound in sounds:
            add_tone(out, sound, 1)
    return path


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov"])
@pytest.mark.parametrize("codec", ["aac", "pcm_s16le"])
def test_tracks_keep_language_title_and_marks(tmp_path: Path, suffix: str, codec: str) -> None:
    source = talkie(tmp_path / "film.mkv", codec)
    cartoonize_film(source, tmp_path / f"out{suffix}", same)
    with av.open(str(tmp_path / f"out{suffix}")) as film:
        found = film.streams.audio
        assert [stream.language for stream in found] == ["eng", "fra", "spa"]
        name = "title" if suffix == ".mkv" else "name"  # as FFmpeg calls it when it reads one
        assert [stream.metadata.get(name) for stream in found] == [title for _, title, _ in TRACKS]
        default = [bool(stream.disposition & Disposition.default) for stream in found]
        assert default == [False, True, False]
        if suffix == ".mkv":  # the others do not hold all of them
            assert [stream.disposition for stream in found] == [marks for _, _, marks in TRACKS]
        assert [stream.type for stream in film.streams] == ["video", "audio", "audio", "audio"]
    again = tmp_path / f"again{suffix}"
    cartoonize_film(tmp_path / f"out{suffix}", again, same)
    with av.open(str(again)) as film:
        assert [stream.metadata.get(name) for stream in film.streams.audio] == [title for _, title, _ in TRACKS]


@pytest.mark.parametrize(("source", "target"), [(".mp4", ".mp4"), (".mov", ".mp4"), (".mkv", ".mkv"), (".mkv", ".mp4")])
def test_words_about_the_film_go_over_and_places_do_not(tmp_path: Path, source: str, target: str) -> None:
    kept = {"title": "Été à la mer", "artist": "A. N. Other", "date": "1999", "comment": "for Ann"}
    private = {
        "location": "+48.8584+002.2945/",
        "location-eng": "+48.8584+002.2945/",
        "com.apple.quicktime.location.ISO6709": "+48.8584+002.2945+035.000/",
        "com.apple.quicktime.make": "Maker",
        "com.android.version": "14",
        "creation_time": "2020-02-02T02:02:02.000000Z",
        "serial": "SN123456",
    }
    path = talkie(tmp_path / f"film{source}", **kept, **private)
    assert b"48.8584" in path.read_bytes()
    cartoonize_film(path, tmp_path / f"out{target}", same)
    data = (tmp_path / f"out{target}").read_bytes()
    assert not [
        value for value in ("48.8584", "Maker", "2020-02-02", "SN123456", "com.android") if value.encode() in data
    ]
    with av.open(str(tmp_path / f"out{target}")) as film:
        found = {key.lower(): value for key, value in film.metadata.items()}
    assert {key: found.get(key) for key in kept} == kept
    assert "creation_time" not in found


def test_metadata_in_another_code_than_utf_8_is_no_obstacle(tmp_path: Path) -> None:
    path = talkie(tmp_path / "film.mp4", title="Sommer in Xxlle")
    path.write_bytes(path.read_bytes().replace(b"Sommer in Xxlle", "Sommer in Zülle".encode("latin-1")))
    cartoonize_film(path, tmp_path / "out.mp4", same)
    with kinds.container(tmp_path / "out.mp4") as film:
        assert film.metadata["title"].startswith("Sommer in Z")


@pytest.mark.parametrize("version", ["18.1.0", "19.0.2", "20.0.0"])
def test_pyav_is_asked_in_words_that_it_knows(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyAV 19 no longer has the argument that PyAV 18 needs."""
    asked: dict[str, object] = {}
    monkeypatch.setattr(av, "__version__", version)
    monkeypatch.setattr(av, "open", lambda name, mode, **words: asked.update(words))
    kinds.container(Path("film.mp4"))
    assert ("metadata_errors" in asked) == (version < "19")
    assert asked["options"] == {"protocol_whitelist": "file"}, "addresses inside of a file are not followed"


@pytest.mark.parametrize("which", [(1,), (0, 1, 2)])
def test_sound_of_unknown_codec_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, which: tuple[int, ...]
) -> None:
    path = talkie(tmp_path / "film.mkv")
    parts = path.read_bytes().split(b"A_AAC")
    assert len(parts) == len(TRACKS) + 1
    names = [b"A_ZZZ" if index in which else b"A_AAC" for index in range(len(TRACKS))]
    path.write_bytes(b"".join(part + name for part, name in zip(parts, [*names, b""], strict=True)))
    told = cartoonize_film(path, tmp_path / "out.mp4", same)
    said = [record.getMessage() for record in caplog.records if "sound track" in record.getMessage()]
    assert len(said) == len(which) and all("left out: its codec is unknown to FFmpeg" in line for line in said)
    assert all(
        f"sound track {index + 1} ({TRACKS[index][0]}) ({TRACKS[index][1]}) left" in line
        for index, line in zip(which, said, strict=True)
    )
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert [stream.language for stream in film.streams.audio] == [
            track[0] for index, track in enumerate(TRACKS) if index not in which
        ]
    assert told["sound"] == ("none" if len(which) == 3 else "copied")


@pytest.mark.parametrize(
    ("codec", "suffix", "kind"),
    [
        ("pcm_s16be", ".mp4", "aac"),
        ("pcm_s32le", ".mp4", "aac"),
        ("flac", ".mov", "aac"),
        ("libopus", ".mov", "aac"),
        ("pcm_s16be", ".mov", "copied"),
        ("alac", ".mp4", "copied"),
        ("ac3", ".mp4", "copied"),
    ],
)
def test_sound_is_copied_where_players_find_it(tmp_path: Path, codec: str, suffix: str, kind: str) -> None:
    with av.open(str(tmp_path / "sound.mkv"), "w") as out:
        sound = out.add_stream(codec, rate=SOUND_RATE, layout="mono")
        sound.codec_context.open()
        add_tone(out, sound, 1, step=sound.codec_context.frame_size or 1024)
    pictures = make(tmp_path / "pictures.mkv", [numbered(i) for i in range(24)])
    source = join(tmp_path / "film.mkv", (pictures, ""), (tmp_path / "sound.mkv", ""))
    target = tmp_path / f"out{suffix}"
    assert cartoonize_film(source, target, same)["sound"] == kind
    assert len(wave(target)) == pytest.approx(len(wave(source)), abs=2 * 1024)
    assert pitch(wave(target)) == pytest.approx(TONE, abs=2)


@pytest.mark.parametrize(
    ("layout", "rate", "before", "after"),
    [
        ("2.1", 192_000, "3 channels at 192000 Hz", "stereo at 48000 Hz"),
        ("quad", 44_100, "4 channels at 44100 Hz", "stereo at 44100 Hz"),
        ("stereo", 192_000, "2 channels at 192000 Hz", "stereo at 48000 Hz"),
        ("mono", 11_000, "1 channel at 11000 Hz", "mono at 48000 Hz"),
        ("stereo", 44_100, "", "stereo at 44100 Hz"),
        ("5.1", 96_000, "", "5.1 at 96000 Hz"),
        ("7.1", 48_000, "", "7.1 at 48000 Hz"),
    ],
)
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_sound_that_loses_channels_or_rate_is_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, layout: str, rate: int, before: str, after: str, suffix: str
) -> None:
    with av.open(str(tmp_path / "sound.mkv"), "w") as out:
        sound = out.add_stream("pcm_s16le", rate=rate, layout=layout)
        for start in range(0, rate, 1000):
            samples = np.zeros((1, 1000 * sound.codec_context.channels), np.int16)
            frame = AudioFrame.from_ndarray(samples, format="s16", layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    pictures = make(tmp_path / "pictures.mkv", [numbered(i) for i in range(24)])
    source = join(tmp_path / "film.mkv", (pictures, ""), (tmp_path / "sound.mkv", ""))
    cartoonize_film(source, tmp_path / f"out{suffix}", same)
    lines = [f"film.mkv: sound track 1: AAC, {after}; it was {before}"] if before and suffix == ".mp4" else []
    assert [record.getMessage() for record in caplog.records] == lines
    with av.open(str(tmp_path / f"out{suffix}")) as film:
        context = film.streams.audio[0].codec_context
        assert context.name == ("aac" if suffix == ".mp4" else "pcm_s16le")
        if suffix == ".mp4":
            assert f"{context.layout.name} at {context.sample_rate} Hz" == after
        else:
            assert context.sample_rate == rate


def test_what_ffmpeg_calls_experimental_is_not_written(tmp_path: Path) -> None:
    """It refuses the whole film otherwise."""
    for suffix, taken in {".mp4": False, ".mov": False, ".mkv": True}.items():
        with av.open(str(tmp_path / f"out{suffix}"), "w") as out:
            assert takes(out, "truehd") == taken
