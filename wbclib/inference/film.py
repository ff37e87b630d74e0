"""Films: every frame through a stylist, in order, at its own time, with the sound of the original.

Decoding, encoding and the boxes around them are FFmpeg's, by way of PyAV.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from tqdm.auto import tqdm

from wbclib.files import UserError, atomic
from wbclib.inference.film_alpha import Alpha, on_white
from wbclib.inference.film_clock import Clock
from wbclib.inference.film_colour import Colours
from wbclib.inference.film_error import FilmError
from wbclib.inference.film_length import Damage, Length
from wbclib.inference.film_tags import copy_film_tags, copy_stream_tags
from wbclib.inference.film_turn import Turn, turn_of
from wbclib.inference.inputs import shown
from wbclib.inference.kinds import WRITTEN_FILMS, container
from wbclib.inference.sound import Sound, known

LOG = logging.getLogger(__name__)
QUALITY = {"crf": "18", "preset": "medium"}  # visually near lossless; the network costs far more than the encoder
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})  # what a disk says, not a film

Stylist = Callable[[np.ndarray], np.ndarray]


def cartoonize_film(source: Path, target: Path, stylist: Stylist, force: bool = False) -> dict[str, Any]:
    """Send every frame of a film through ``stylist`` and keep its sound.

    H.264, 8 bits, 4:2:0, BT.709, limited range; other primaries are converted. Transparency is laid on white. Frames
    keep the distances of their time stamps, so a variable frame rate stays variable, and sound and pictures stay
    together; the first of them begins at 0, wherever the clock of the original began. A film that is stored turned or
    mirrored comes out as ``ffmpeg`` shows it. Odd sizes grow by one column or row, a copy of the last one, because
    4:2:0 has no odd sizes. Sound is copied packet by packet where ``target``'s container takes its codec, and encoded
    as AAC where it does not (in stereo or at 48 kHz where AAC has no such channels or rate, which the log says); tracks
    keep their language, title and marks. The film keeps its title and the like, and loses where, when and with what it
    was made. Subtitles, chapters, further pictures and sound of unknown codecs are left out, which the log says. One
    frame is in memory at a time.

    Args:
        source: any film that FFmpeg reads.
        target: ``.mp4``, ``.m4v``, ``.mov`` or ``.mkv``. It appears under this name when it is whole, not before.
        stylist: uint8 RGB (H, W, 3) to uint8 (H, W, 3) of the same size.
        force: write over an existing ``target``.

    Returns:
        frames, seconds (of the film), width, height, sound (``none``, ``copied`` or ``aac``), took (seconds of work).

    Raises:
        FilmError: no film, no pictures in it, damaged, cut short (nothing is written then), high dynamic range or
            another coding of colours that is not read. Seconds in it are those of the film, from 0.
        UserError: ``target`` exists or cannot be written.
    """
    source, target = Path(source), Path(target)
    _check_names(source, target, force)
    begun = time.perf_counter()
    with _in_words(source, target), container(source) as film, atomic(target) as temporary:
        with _in_words(source, target):  # here as well: `atomic` takes every OSError for one of writing
            told = _convert(film, temporary, stylist, shown(source.name))
    return told | {"took": time.perf_counter() - begun}


@contextmanager
def _in_words(source: Path, target: Path) -> Iterator[None]:
    """FFmpeg's errors as one line that says what to do."""
    try:
        yield
    except av.FFmpegError as error:
        said = " ".join((error.strerror or str(error)).split())
        if error.errno in FULL:
            raise UserError(f"cannot write {shown(target)}: {said}; free some space, then run again") from error
        reason = f"no film, damaged or cut short ({said}); play it, and fetch it again or remove it"
        raise FilmError(shown(source), reason) from error


def _check_names(source: Path, target: Path, force: bool) -> None:
    if not source.is_file():
        raise FilmError(shown(source), "there is no such file; check the name")
    if target.suffix.lower() not in WRITTEN_FILMS:
        raise UserError(f"cannot write {shown(target)}: choose a name that ends in {', '.join(sorted(WRITTEN_FILMS))}")
    if target.exists() and target.samefile(source):
        raise UserError(f"{shown(target)} is the film itself; choose another name")
    if target.exists() and not force:
        raise UserError(f"{shown(target)} exists; add --force to replace it, or choose another name")


def _convert(film: Any, temporary: Path, stylist: Stylist, name: str) -> dict[str, Any]:
    """Read ``film`` packet by packet and write the new one."""
    video = _pictures(film, name)
    with container(temporary, "w") as out:
        copy_film_tags(film, out)
        used = [video, *known(film, name)]
        clock, colours, alpha = Clock(film, video, used), Colours(name), Alpha(video, name)
        writer, sound = _Writer(out, video, clock, name), Sound(used[1:], out, name)
        length = Length(film, used, clock.start)
        damage = Damage(name)
        waiting: list[Any] = []  # sound from before the first picture: the file's head needs the picture's size
        with tqdm(total=video.frames or None, desc=name, unit="frame", leave=False) as bar:
            for packet in film.demux():
                clock.shift(packet)
                length.count(packet)
                if packet.stream.index not in length.promised:
                    continue
                damage.see(packet, length.end, clock.joins)
                if packet.stream is not video:
                    waiting.append(packet)
                else:
                    for frame in alpha.frames(packet):
                        turn = turn_of(frame)
                        drawn, through = stylist(turn(colours(frame))), alpha.read(frame)
                        writer.write(frame, turn, drawn if through is None else on_white(drawn, turn(through)))
                        bar.update()
                while waiting and clock.frames:
                    sound.take(waiting.pop(0))
        if not clock.frames:
            raise FilmError(name, "not one picture in it can be decoded; fetch it again or remove it")
        damage.check()
        length.check(name)
        sound.finish()
        writer.finish()
    return writer.told() | {"sound": sound.kind}


def _pictures(film: Any, name: str) -> Any:
    """The stream of moving pictures; a cover picture inside a song is none."""
    videos = [stream for stream in film.streams.video if not stream.disposition & Disposition.attached_pic]
    if not videos:
        raise FilmError(name, "there are no moving pictures in it; name a film")
    best = film.streams.best("video")  # the largest that has a length: a still picture may come before the film
    if best in videos:
        videos.sort(key=lambda stream: stream is not best)
    left = [_called(stream, videos) for stream in film.streams if stream.type != "audio" and stream is not videos[0]]
    left += ["chapters"] if film.chapters() else []
    if left:
        LOG.warning("%s: left out: %s", name, ", ".join(left))
    videos[0].thread_type = "AUTO"
    return videos[0]


def _called(stream: Any, videos: list[Any]) -> str:
    """What the log calls a stream that is left out; ``videos`` are those of moving pictures."""
    if stream.type != "video":
        return str(stream.type)
    if stream not in videos:
        return "cover picture"
    return "second video" if stream is videos[1] else "further video"


class _Writer:
    """Pictures in, H.264 out, at the time stamps of the frames that they came from."""

    def __init__(self, out: Any, video: Any, clock: Clock, name: str) -> None:
        self.out, self.video, self.clock, self.name = out, video, clock, name
        self.size = (0, 0)
        self.lasting: dict[int, int] = {}  # time stamp -> duration, of the few frames inside the encoder
        self.stream: Any = self.out.add_stream("libx264", rate=clock.rate, options=QUALITY)
        copy_stream_tags(video, self.stream)

    def open(self, turn: Turn, size: tuple[int, int]) -> None:
        """Fix what only the first picture tells: size, pixel shape, time base."""
        context, self.size = self.stream.codec_context, size
        context.height, context.width = (side + side % 2 for side in size)
        context.pix_fmt, context.time_base = "yuv420p", self.clock.base
        context.colorspace, context.color_range = 1, ColorRange.MPEG  # 1: BT.709, in FFmpeg's and ISO's table
        context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
        shape = self.video.sample_aspect_ratio
        if shape:
            context.sample_aspect_ratio = 1 / shape if turn.transpose else shape

    def write(self, frame: VideoFrame, turn: Turn, picture: np.ndarray) -> None:
        """Encode ``picture`` (H, W, 3), turned already, in the place of ``frame``."""
        height, width = picture.shape[:2]
        if not self.clock.frames:
            self.open(turn, (height, width))
        elif (height, width) != self.size:
            raise FilmError(
                self.name, f"the picture's size changes at {float(frame.time or 0):.1f} s; cut the film there first"
            )
        whole = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
        ready = VideoFrame.from_ndarray(np.ascontiguousarray(whole), format="rgb24").reformat(
            format="yuv420p",
            src_color_range=ColorRange.JPEG,
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
        )
        stamp, self.lasting[stamp] = self.clock.stamp(frame)
        ready.pts, ready.time_base = stamp, self.clock.base
        self._mux(ready)

    def finish(self) -> None:
        """Empty the encoder."""
        self._mux(None)

    def _mux(self, frame: VideoFrame | None) -> None:
        for packet in self._packets(frame):
            self.out.mux(packet)

    def _packets(self, frame: VideoFrame | None) -> Iterator[Any]:
        for packet in self.stream.encode(frame):
            packet.duration = self.lasting.pop(packet.pts, packet.duration or 0)
            yield packet

    def told(self) -> dict[str, Any]:
        """What was written."""
        height, width = (side + side % 2 for side in self.size)
        seconds = float((self.clock.end - self.clock.first) * self.clock.base)
        return {"frames": self.clock.frames, "seconds": seconds, "width": width, "height": height}
