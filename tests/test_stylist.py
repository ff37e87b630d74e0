"""One pass and tiles, the reach of the network, what is continued beyond a picture, sharpness."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_images import noise

from wbclib import images
from wbclib.files import UserError
from wbclib.inference import styles
from wbclib.inference.stylist import Stylist, halo, reach, tiles
from wbclib.networks.generators import UNet
from wbclib.options import OutputFilter
from wbclib.represent.surface import guided_filter, sharpen

KINDS = [("symmetric", "half_pixel"), ("symmetric", "legacy"), ("same", "half_pixel"), ("same", "legacy")]


def loud(network: UNet) -> UNet:
    """Output as spread as a picture's: standard deviation about 0.5, some of it outside [-1, 1]."""
    with torch.no_grad():
        spread = network(torch.rand(1, 3, 64, 64) * 2 - 1).std()
        network.conv_9.weight.mul_(0.5 / spread)
    return network.eval()


def unet(*kind: str) -> UNet:
    torch.manual_seed(0)
    return loud(UNet(*kind))


def thin(*kind: str) -> UNet:
    """The U-Net's geometry - kernels, strides, grids, skips - with an eighth of its channels, for large images."""
    torch.manual_seed(0)
    network = UNet(*kind)
    for parent in network.modules():
        for name, old in list(parent.named_children()):
            if isinstance(old, nn.Conv2d):
                ends = [n if n == 3 else n // 8 for n in (old.in_channels, old.out_channels)]
                new = nn.Conv2d(ends[0], ends[1], old.kernel_size, old.stride, old.padding)  # type: ignore[arg-type]
                nn.init.kaiming_normal_(new.weight, a=0.2)
                setattr(parent, name, new)
    return loud(network)


def style(network: nn.Module | None = None, radius: int = 1) -> styles.Style:
    return styles.Style("test", network or unet(), OutputFilter(radius=radius), "", "")


# --- reach and tiles


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("column", range(4))
def test_reach_is_what_the_gradient_says(kind: tuple[str, str], column: int) -> None:
    """Oracle: autograd through a network of positive weights and no kinks tells exactly which columns count."""
    network = UNet(*kind)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
    x = torch.ones(1, 3, 16, 144, requires_grad=True)
    network(x)[0, 0, 8, 68 + column].backward()
    assert x.grad is not None
    seen = x.grad[0].abs().sum((0, 1)).nonzero().flatten().tolist()
    assert reach(column, *kind) == (68 + column - seen[0], seen[-1] - 68 - column)


def test_halo_holds_network_and_filter() -> None:
    assert [halo(radius) for radius in (0, 1, 2)] == [64, 64, 68]  # 62 + 2r, up to a multiple of 4
    assert max(max(reach(c, *kind)) for c in range(4) for kind in KINDS) == 62


@pytest.mark.parametrize("size", [(1, 1), (700, 500), (1, 90_000), (333, 4001)])
@pytest.mark.parametrize("tile", [32, 50, 401])
def test_tiles_cover_every_pixel_once(size: tuple[int, int], tile: int) -> None:
    count = np.zeros(size, int)
    for rows, columns in tiles(*size, tile, 64):
        count[rows, columns] += 1
        assert rows.start % 4 == columns.start % 4 == 0
        assert len(count[rows, columns]) <= max(tile + 3, 161) or count[rows, columns].size == count.size
    assert (count == 1).all()


@pytest.mark.parametrize(("kind", "sides"), [(KINDS[0], (500, 832)), (KINDS[3], (1200,))])
def test_tiled_is_untiled_at_3000_x_2000(kind: tuple[str, str], sides: tuple[int, ...]) -> None:
    photo, drawn = noise(1999, 3001), style(thin(*kind))  # no multiples of 4
    whole = Stylist(drawn, tile=4000).exact(photo)
    assert whole.std() > 0.2
    for tile in sides:
        assert len(tiles(1999, 3001, tile, 64)) >= 6
        difference = (Stylist(drawn, tile=tile).exact(photo) - whole).abs().max() / 2  # on the scale of [0, 1]
        assert difference < 0.01 / 255


def test_real_network_in_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    photo, drawn = noise(301, 410), style()
    whole = Stylist(drawn, tile=600).exact(photo)
    tiled = Stylist(drawn, tile=100).exact(photo)
    assert len(tiles(301, 410, 100, 64)) == 20
    assert (tiled - whole).abs().max() / 2 < 0.01 / 255
    monkeypatch.setattr("wbclib.inference.stylist.halo", lambda radius: 24)
    short = Stylist(drawn, tile=100).exact(photo)
    assert (short - whole).abs().max() / 2 > 0.1 / 255, "a test that cannot see seams proves nothing"


def test_memory_does_not_grow_with_the_image() -> None:
    seen: list[int] = []

    def spy(x: Tensor) -> Tensor:
        seen.append(x.shape[2] * x.shape[3])
        return x

    Stylist(style(), tile=128, engine=spy)(noise(900, 1400))
    assert len(seen) == 8 * 11 and max(seen) <= (128 + 128) ** 2


# --- one image


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (3, 2), (64, 64), (65, 70), (63, 61)])
def test_any_size_is_kept(size: tuple[int, int]) -> None:
    """Padding by hand, network, cut, then the filter on the photograph's own pixels."""
    photo, drawn = noise(*size), style()
    found = Stylist(drawn).exact(photo)
    assert Stylist(drawn)(photo).shape == (*size, 3)
    padded = np.pad(photo, ((0, -size[0] % 4), (0, -size[1] % 4), (0, 0)), mode="edge")
    with torch.no_grad():
        output = drawn.network(images.to_tensor(padded)[None])[..., : size[0], : size[1]]
        expected = guided_filter(images.to_tensor(photo)[None], output, 1, 5e-3).clamp(-1, 1)[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(1, 1), (37, 50), (64, 64)])
def test_a_margin_is_drawn_and_cut_off(size: tuple[int, int]) -> None:
    photo = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    with_margin = dataclasses.replace(style(radius=0), margin=16)
    ends = [(16, 16 + -side % 4) for side in size]
    larger = np.pad(photo, (*ends, (0, 0)), mode="edge")
    wanted = Stylist(dataclasses.replace(with_margin, margin=0), device="cpu").exact(larger)
    found = Stylist(with_margin, device="cpu").exact(photo)
    torch.testing.assert_close(found, wanted[:, 16 : 16 + size[0], 16 : 16 + size[1]])


@pytest.mark.parametrize("name", styles.shipped())
def test_shipped_styles_draw_no_frame(name: str) -> None:
    """Round an even dark sky, in which it was seen before pictures were continued."""
    sky, shipped = np.full((160, 160, 3), (14, 30, 66), np.uint8), styles.load_style(name)

    def frame(margin: int) -> float:
        """How many grey levels the drawing of the even sky differs from its own middle."""
        found = Stylist(dataclasses.replace(shipped, margin=margin), device="cpu")(sky).astype(float)
        return float(np.abs(found - np.median(found, axis=(0, 1))).max())

    assert frame(shipped.margin) == 0, "it is further than the network reads"
    assert frame(0) > 8


def test_tiles_are_continued_where_the_picture_ends_and_nowhere_else() -> None:
    photo = np.random.default_rng(5).integers(0, 256, (190, 233, 3), dtype=np.uint8)
    drawn = dataclasses.replace(style(radius=0), margin=styles.MARGIN)
    passes, draw = [], drawn.network

    def network(x: torch.Tensor) -> torch.Tensor:
        passes.append(tuple(x.shape[2:]))
        return draw(x)

    whole = Stylist(drawn, device="cpu").exact(photo)
    tiled = Stylist(drawn, tile=40, device="cpu", engine=network).exact(photo)
    torch.testing.assert_close(tiled, whole, atol=1e-4, rtol=0)
    tile, halo, rest = 40, 64, -233 % 4
    assert passes[0] == (64 + tile + halo, 64 + tile + halo), "a corner: margin, tile, halo"
    assert (halo + tile + halo, halo + tile + halo) in passes, "in the middle no margin"
    assert max(passes)[0] <= 64 + 190 + -190 % 4 + 64 and max(p[1] for p in passes) <= 64 + 233 + rest + 64


@pytest.mark.parametrize("amount", [0.0, 0.4, 1.0])
def test_sharpness_is_the_papers_interpolation(amount: float) -> None:
    photo, drawn = noise(40, 52), style()
    x = images.to_tensor(photo)[None]
    with torch.no_grad():
        raw = drawn.network(x)
        smooth = guided_filter(x, raw, 1, 5e-3)
        closed = (1 - amount) * smooth + amount * raw
        expected = sharpen(x, raw, amount, drawn.output)
    found = Stylist(drawn, sharpness=amount).exact(photo)
    torch.testing.assert_close(found, closed.clamp(-1, 1)[0], atol=1e-5, rtol=0)
    torch.testing.assert_close(found, expected.clamp(-1, 1)[0], atol=1e-5, rtol=0)
    assert (raw - smooth).abs().mean() > 0.1  # so 0 and 1 are different pictures


def test_overshoot_is_clamped_and_never_wraps() -> None:
    bright = Stylist(style(radius=0), engine=lambda x: x * 0 + 1.5)
    assert (bright(noise(8, 8)) == 255).all()


@pytest.mark.parametrize("options", [{"sharpness": 1.1}, {"sharpness": float("nan")}, {"tile": 8}])
def test_odd_options_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UserError, match="say a number"):
        Stylist(style(), **options)  # type: ignore[arg-type]


def test_no_filter_means_the_networks_output() -> None:
    photo, network = noise(32, 32), unet()
    with torch.no_grad():
        raw = network(images.to_tensor(photo)[None]).clamp(-1, 1)[0]
    torch.testing.assert_close(Stylist(style(network, radius=0)).exact(photo), raw, atol=1e-5, rtol=0)
