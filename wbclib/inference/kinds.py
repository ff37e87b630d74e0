"""Picture, film or neither: by a file's first bytes, then by its name, and by FFmpeg where both say nothing."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Literal, NamedTuple

from wbclib import formats

PICTURE, FILM, NEITHER = "picture", "film", ""
# Suffixes that only films have.
FILMS = frozenset(
    ".264 .265 .3g2 .3gp .3gpp .amv .asf .avi .divx .dv .dvr-ms .f4v .flv .gxf .h264 .h265 .hevc .ivf .lrv .m1v .m2t "
    ".m2ts .m2v .m4v .mjpeg .mjpg .mkv .mov .mp4 .mpe .mpeg .mpg .mpv .mxf .nut .obu .ogm .ogv .qt .rmvb .vob .webm "
    ".wmv .wtv .y4m".split()
)
# Suffixes of films and of other files, such as TypeScript and songs: first bytes decide.
PERHAPS_FILMS = frozenset({".dat", ".mod", ".mts", ".ogg", ".ogx", ".rm", ".swf", ".tod", ".ts", ".vro"})
WRITTEN_FILMS = frozenset({".mp4", ".m4v", ".mov", ".mkv"})  # the others become .mp4
MOTION_JPEG = frozenset({".mjpeg", ".mjpg"})  # films that begin like a photograph
# Songs in the containers of films.
AUDIO = frozenset(".aac .aax .f4a .flac .m4a .m4b .m4p .m4r .mka .mp3 .oga .opus .wav .weba .wma".split())

_STARTS = re.compile(
    rb"....ftyp(?!M4[ABP] |F4[AB] |crx |avi[fs]|hei|hev|mif1|msf1)|....(moov|mdat|wide|pnot)|\x1aE\xdf\xa3|RIFF....AVI "
    rb"|0&\xb2u\x8ef\xcf\x11|FLV\x01|\0\0\x01[\xba\xb3]|G.{187}G.{187}G|.{4}G.{191}G.{191}G|\.RMF|DKIF\0|YUV4MPEG2 "
    rb"|\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02|nut/multimedia container\0|OggS.{22,}?(\x80theora|OVP80|BBCD\0)",
    re.DOTALL,
)
# What FFmpeg opens beside films: text as a teletype, playlists, pictures (whose formats end in `_pipe`).
_NO_FILMS = frozenset({"tty", "bin", "xbin", "adf", "idf", "hls", "concat", "dash", "gif", "apng", "image2", "lavfi"})


class Verdict(NamedTuple):
    """``kind`` is PICTURE, FILM or NEITHER; ``reason`` says why nothing can be drawn, where first bytes tell."""

    kind: str
    reason: str = ""


def judge(path: Path, named: bool = True) -> Verdict:
    """What a file is. Content goes before names: a film named .jpg is a film.

    Args:
        path: any file; one that cannot be opened is judged by its name.
        named: the reader asked for this very file, so FFmpeg is asked where name and first bytes say nothing. In a
            folder that is searched such a file is NEITHER.
    """
    head, end = formats.head(path), path.suffix.lower()
    found, reason = formats.signature(head), formats.refusal(head, path)
    if found == "" and end in MOTION_JPEG:
        return Verdict(FILM)
    if found is None and end not in AUDIO and _STARTS.match(head):
        return Verdict(FILM)
    if reason == formats.DOCUMENT:
        return Verdict(NEITHER, reason)
    if reason or found == "" or end in formats.SUFFIXES:
        return Verdict(PICTURE, reason if head else "")  # what cannot be opened says so when its turn comes
    if end in FILMS or (named and (plays(path) or not os.path.isfile(path))):  # a pipe says so when its turn comes
        return Verdict(FILM)
    return Verdict(NEITHER, "neither a picture nor a film that FFmpeg plays; name one, or a folder")


def plays(path: Path) -> bool:
    """Whether FFmpeg finds moving pictures in a file: not text, a playlist, a still, or a song with its cover."""
    if not os.path.isfile(path):
        return False
    import av  # slow, and seldom needed
    from av.stream import Disposition

    try:
        with container(path) as film:
            if film.format.name in _NO_FILMS or film.format.name.endswith("_pipe"):
                return False
            videos = [video for video in film.streams.video if not video.disposition & Disposition.attached_pic]
            return bool(videos) and next(film.decode(videos[0]), None) is not None
    except (av.FFmpegError, ValueError):
        return False


def container(path: Path, mode: Literal["r", "w"] = "r") -> Any:
    """PyAV's container of a film, whatever its name is.

    ``file:`` is FFmpeg's way to say that ``12:30.mp4`` is no address on a network. What a file holds may be addresses
    as well, and those are not followed.
    """
    import av

    options = {"protocol_whitelist": "file"} if mode == "r" else {}
    # PyAV before 19 fails on metadata in another code than UTF-8 unless told not to; later ones know no such word.
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if int(av.__version__.split(".")[0]) < 19 else {}
    return av.open(f"file:{path}", mode, options=options, **lenient)
