"""Transparency of films: read where there is any, and laid on white, because the films written hold none."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Any

import numpy as np
from av.codec import CodecContext
from av.codec.codec import UnknownCodecError
from av.video.frame import VideoFrame

LOG = logging.getLogger(__name__)
# FFmpeg's own decoders of these pass over the second picture that WebM puts beside each one for its transparency.
DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}


class Alpha:
    """Frames of ``video`` with their transparency; ``name`` is what the log calls the film."""

    def __init__(self, video: Any, name: str) -> None:
        self.name, self.told = name, False
        self.own = self._decoder(video) if _marked(video) else None

    def frames(self, packet: Any) -> Iterable[VideoFrame]:
        """Decode a packet of ``video``."""
        if self.own is None:
            return packet.decode()  # type: ignore[no-any-return]
        return self.own.decode(packet if packet.size else None)  # type: ignore[no-any-return]

    def read(self, frame: VideoFrame) -> np.ndarray | None:
        """How much white is seen through a decoded frame, as it is stored; None where all of it is opaque.

        uint8 (H, W, 3), three equal channels, 0 is opaque: so it can be turned like a picture, and the corners that a
        turn by another angle leaves free stay black.
        """
        if not (frame.format.has_palette or any(part.is_alpha for part in frame.format.components)):
            return None
        alpha = frame.reformat(format="rgba").to_ndarray()[..., 3]
        if alpha.min() == 255:
            return None
        if not self.told:
            LOG.info("%s: films that are written here hold no transparency, laid on white", self.name)
        self.told = True
        return np.repeat(255 - alpha[..., None], 3, axis=2)

    def _decoder(self, video: Any) -> Any:
        given, codec = video.codec_context, DECODERS[video.codec_context.codec.canonical_name]
        try:
            own: Any = CodecContext.create(codec, "r")
        except UnknownCodecError:
            LOG.warning("%s: its transparency is left out: this FFmpeg has no %s", self.name, codec)
            return None
        for key in ("color_primaries", "color_trc", "colorspace", "color_range"):
            setattr(own, key, getattr(given, key))
        return own


def on_white(picture: np.ndarray, through: np.ndarray) -> np.ndarray:
    """``picture`` laid on white, of which ``through`` tells how much is seen, both uint8 (H, W, 3)."""
    weight = through.astype(np.uint32)
    return ((picture * (255 - weight) + 255 * weight + 127) // 255).astype(np.uint8)


def _marked(video: Any) -> bool:
    """Whether WebM says that a stream has transparency beside its pictures."""
    tags = {key.lower(): value for key, value in video.metadata.items()}
    return tags.get("alpha_mode") == "1" and video.codec_context.codec.canonical_name in DECODERS
