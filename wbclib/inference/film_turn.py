"""How a film is turned and mirrored before it is shown: its display matrix, obeyed as FFmpeg obeys it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

Matrix = tuple[int, ...]  # nine numbers by rows; a point (x, y) of the stored picture is shown at (x, y, 1) @ matrix
ONE = 1 << 16  # 1.0 in the matrix's first two columns


@dataclass(frozen=True)
class Turn:
    """Transpose, then mirror, then rotate clockwise about the centre.

    Attributes:
        transpose: rows become columns; width and height change places.
        leftright, updown: mirrored so.
        degrees: what is not made of quarter turns. The picture keeps its size, and what it leaves free is black.
    """

    transpose: bool = False
    leftright: bool = False
    updown: bool = False
    degrees: int = 0

    def __call__(self, picture: np.ndarray) -> np.ndarray:
        """The picture as it is to be shown: uint8 (H, W, 3), contiguous."""
        if self.transpose:
            picture = picture.swapaxes(0, 1)
        if self.leftright:
            picture = picture[:, ::-1]
        if self.updown:
            picture = picture[::-1]
        picture = np.ascontiguousarray(picture)
        return _rotated(picture, self.degrees) if self.degrees else picture


def turn_of(frame: VideoFrame) -> Turn:
    """What a frame's display matrix asks for, by the rule of the program ``ffmpeg`` (its option ``-autorotate``).

    The angle is rounded to degrees. At 90, 180 and 270 the signs of the matrix tell how it is mirrored as well; at any
    other angle mirroring is not looked at, except upside down at 0.
    """
    return _by_rule(_matrix(frame))


def _by_rule(matrix: Matrix) -> Turn:
    a, b, _, c, d = matrix[:5]
    if not (a or c) or not (b or d):
        return Turn(updown=d < 0)  # it flattens the picture to a line: no angle
    degrees = round(math.degrees(math.atan2(b / math.hypot(b, d), a / math.hypot(a, c)))) % 360
    if degrees == 90:
        return Turn(transpose=True, leftright=c <= 0)
    if degrees == 180:
        return Turn(leftright=a < 0, updown=d < 0)
    if degrees == 270:
        return Turn(transpose=True, leftright=c < 0, updown=True)
    if degrees > 1:
        return Turn(degrees=degrees)
    return Turn(updown=d < 0)


def _matrix(frame: VideoFrame) -> Matrix:
    try:
        found: Any = frame.side_data.get("DISPLAYMATRIX")
    except (
        ValueError
    ):  # PyAV before 19 gives no side data of a frame that has one kind it cannot name; an angle it does
        angle = math.radians(-frame.rotation)
        cosine, sine = (round(ONE * value) for value in (math.cos(angle), math.sin(angle)))
        return (cosine, sine, 0, -sine, cosine, 0, 0, 0, 1 << 30)
    if found is None:
        return (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
    return tuple(int(value) for value in np.frombuffer(bytes(found), np.int32))


def _rotated(picture: np.ndarray, degrees: int) -> np.ndarray:
    graph = Graph()
    height, width = picture.shape[:2]
    source = graph.add_buffer(width=width, height=height, format=VideoFormat("rgb24"), time_base=Fraction(1))
    graph.link_nodes(source, graph.add("rotate", f"{degrees}*PI/180"), graph.add("buffersink")).configure()
    graph.push(VideoFrame.from_ndarray(picture, format="rgb24"))
    return np.ascontiguousarray(graph.pull().to_ndarray())
