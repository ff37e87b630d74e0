"""The engines on the processor against PyTorch's float32, and which of them is taken unasked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from toy_styles import psnr, seeded_style

from wbclib import images
from wbclib.corpora import bundled
from wbclib.files import UserError
from wbclib.inference import engine as engines
from wbclib.inference import export as exports
from wbclib.inference import quantise as quantisers
from wbclib.inference.engine import engine, placed
from wbclib.inference.styles import Style
from wbclib.inference.stylist import Stylist, tiles
from wbclib.networks.generators import UNet
from wbclib.networks.residual import ResidualGenerator
from wbclib.train import device


@pytest.fixture(autouse=True)
def few_calibration_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisers, "CALIBRATION", (3, 1, 96))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def shared(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One study for all tests of the engines, so that a graph is built once."""
    monkeypatch.setenv("WBC_ROOT", str(folder))
    return folder / "data" / "cache" / "onnx"


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return images.to_tensor(images.square(bundled.photographs().image(1), 160))[None]


def overflowing() -> Style:
    """A network that bfloat16 cannot follow: a large number is added in one layer and taken away in the next."""
    style = seeded_style()
    with torch.no_grad():
        style.network.get_parameter("block_3.conv2.bias").add_(3000)
        lost = 3000 * style.network.get_parameter("conv_5.weight").sum((1, 2, 3))
        style.network.get_parameter("conv_5.bias").sub_(lost)
    return style


# --- bfloat16, and the choice


@pytest.mark.parametrize("kind", [("symmetric", "half_pixel"), ("same", "legacy")])
def test_bfloat16_draws_the_same_picture(photo: Tensor, kind: tuple[str, str]) -> None:
    style = seeded_style(*kind)
    with torch.no_grad():
        wanted = style.network(photo)
    found = engine(style, "bfloat16")(photo)
    assert found.dtype == torch.float32 and found.is_contiguous()
    assert engines.FAITHFUL["bfloat16"] - 15 < psnr(found, wanted) < 90, "close, before any filter, and not float32"
    assert style.network.conv.weight.dtype == torch.float32, "the style itself is left alone"
    assert torch.equal(found.bfloat16().float(), found), "what comes out was computed in bfloat16"


def test_auto_is_what_the_precision_says(precision: str, photo: Tensor, caplog: pytest.LogCaptureFixture) -> None:
    style = seeded_style()
    with caplog.at_level("INFO"):
        found = engine(style, "auto")(photo)
    wanted = engine(style, {"float32": "torch"}.get(precision, precision))(photo)
    assert torch.equal(found, wanted)
    rounded = torch.equal(found.bfloat16().float(), found)
    assert rounded == (precision == "bfloat16")
    assert (
        "engine bfloat16: " in caplog.text and " dB of the float32 output of style seeded" in caplog.text
    ) == rounded
    assert ("engine torch, in float32" in caplog.text) != rounded


@pytest.mark.parametrize("native", ["float32", "bfloat16"])
def test_unforced_auto_takes_what_the_processor_has(
    native: str, photo: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WBC_PRECISION", raising=False)
    monkeypatch.setattr(device, "native", lambda _: native)
    found = engine(seeded_style(), "auto")(photo)
    assert torch.equal(found.bfloat16().float(), found) == (native == "bfloat16")


def test_a_style_that_bfloat16_breaks_stays_in_float32(
    photo: Tensor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    style = overflowing()
    with torch.no_grad():
        wanted = style.network(photo)
    monkeypatch.delenv("WBC_PRECISION", raising=False)
    monkeypatch.setattr(device, "native", lambda _: "bfloat16")
    with caplog.at_level("INFO"):
        found = engine(style, "auto")(photo)
    assert psnr(found, wanted) > 60 and "off by too much here" in caplog.text and "engine torch" in caplog.text
    monkeypatch.setenv("WBC_PRECISION", "bfloat16")  # what is forced is never replaced in silence
    for kind in ("auto", "bfloat16"):
        with pytest.raises(UserError, match=r"in bfloat16 is off by too much here .* use the engine torch"):
            engine(style, kind)


def test_a_network_that_is_not_finite_in_bfloat16_is_refused() -> None:
    style = seeded_style()

    class Broken(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * (float("nan") if x.dtype == torch.bfloat16 else 1.0)

    with pytest.raises(UserError, match="off by too much here"):
        engine(dataclasses.replace(style, network=Broken()), "bfloat16")


def test_a_style_that_looks_at_the_whole_picture_has_both(precision: str) -> None:
    torch.manual_seed(0)
    network = ResidualGenerator(8).eval().requires_grad_(False)
    style = dataclasses.replace(seeded_style(), network=network, whole=True)
    photo = bundled.photographs().image(1)[:90, :70]
    wanted = Stylist(style, device="cpu").exact(photo)
    found = Stylist(style, device="cpu", engine=engine(style, "auto")).exact(photo)
    assert psnr(found, wanted + 1e-7) > (100 if precision == "float32" else engines.FAITHFUL["bfloat16"] - 15)


def test_a_gpu_takes_precedence_over_engines_for_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WBC_PRECISION", raising=False)  # forced, it asks for a copy in that precision
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert placed(seeded_style(), "auto") == placed(seeded_style(), "torch") == (None, "cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    network, where = placed(seeded_style(), "torch")
    assert network is not None and where == "cpu"


def test_tiles_are_one_pass_in_both_precisions(precision: str) -> None:
    """In float32 up to rounding. In bfloat16 sums may end on another side of a rounding, layer after layer: less than
    a third of what bfloat16 itself is off by, while a halo that is too short shows as more than that."""
    style, photo = seeded_style(), np.random.default_rng(0).integers(0, 256, (301, 410, 3), dtype=np.uint8)
    drawn = engine(style, "auto")

    def exact(tile: int) -> Tensor:
        return Stylist(style, tile=tile, device="cpu", engine=drawn).exact(photo)

    assert len(tiles(301, 410, 100, 64)) == 20
    off = float((exact(600) - Stylist(style, tile=600, device="cpu").exact(photo)).square().mean().sqrt())
    apart = float((exact(100) - exact(600)).square().mean().sqrt())
    assert apart < (off / 3 if precision == "bfloat16" else 2e-6)
    assert (off > 1e-4) == (precision == "bfloat16")


@pytest.mark.parametrize("threads", [1, 3, 16])
def test_engines_work_with_any_number_of_threads(threads: int, shared: Path, photo: Tensor) -> None:
    before, style = torch.get_num_threads(), seeded_style()
    with torch.no_grad():
        wanted = style.network(photo)
    torch.set_num_threads(threads)
    try:
        found = {kind: engine(style, kind)(photo) for kind in engines.KINDS}
    finally:
        torch.set_num_threads(before)
    for kind, output in found.items():
        assert psnr(output.clamp(-1, 1), wanted.clamp(-1, 1) + 1e-7) > {"int8": 30, "bfloat16": 40}.get(kind, 90), kind


# --- graphs


def test_a_damaged_graph_is_built_again(
    shared: Path, photo: Tensor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also where it could still be read: a changed weight would be a changed picture."""
    style = seeded_style()
    right, ready = engines.cached(style.network, "onnx"), exports.graph(style.network)
    whole = right.read_bytes()
    built: list[int] = []
    monkeypatch.setattr(exports, "graph", lambda network: built.append(1) or ready)
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 64
    for number, damaged in enumerate((whole[:10_000], b"", bytes(flipped)), 1):
        right.write_bytes(damaged)
        with torch.no_grad():
            assert (engine(style, "onnx")(photo) - style.network(photo)).abs().max() < 1e-4
        assert len(built) == number and "is damaged and is built again" in caplog.text
        left = sorted(path.name for path in shared.glob("*-onnx-*"))
        assert len(left) == 1 and (shared / left[0]).read_bytes()[:8] == ready.SerializeToString()[:8]
        right = shared / left[0]


def test_a_half_written_graph_is_no_graph(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    style = seeded_style()
    monkeypatch.setattr(exports, "graph", lambda network: exports.onnx.ModelProto())

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("wbclib.files.os.replace", full)
        with pytest.raises(UserError, match="No space left"):
            engines.cached(style.network, "onnx")
    assert not list((study / "data" / "cache" / "onnx").iterdir())


def test_engines_agree_and_are_built_once(shared: Path, photo: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    style = seeded_style()
    with torch.no_grad():
        wanted = style.network(photo)
    assert (engine(style, "torch")(photo) - wanted).abs().max() < 1e-4
    assert (engine(style, "onnx")(photo) - wanted).abs().max() < 1e-4
    reached = psnr(engine(style, "int8")(photo).clamp(-1, 1), wanted.clamp(-1, 1))
    assert 30 < reached < 80, "8 bits are close, and they are not float32"
    assert sorted(path.name.split("-")[1] for path in shared.iterdir()) == ["int8", "onnx"]

    def again(*_: object) -> None:
        raise AssertionError("built a second time")

    monkeypatch.setattr(exports, "graph", again)
    assert engine(style, "onnx")(photo).shape == photo.shape


def test_other_weights_have_another_graph() -> None:
    first, second = seeded_style().network, seeded_style().network
    assert engines.fingerprint(first) == engines.fingerprint(second)
    with torch.no_grad():
        second.get_parameter("conv_5.bias")[0] += 1e-6
    assert engines.fingerprint(first) != engines.fingerprint(second)
    assert engines.fingerprint(UNet("same").eval()) != engines.fingerprint(UNet("symmetric").eval())


def test_engine_refuses_what_it_cannot_do(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    style = seeded_style()
    with pytest.raises(UserError, match="unknown engine 'fp4'; choose one of: auto, torch, bfloat16, onnx, int8"):
        engine(style, "fp4")
    right = engines.cached(style.network, "onnx")
    wrong = seeded_style("same").network
    monkeypatch.setattr(engines, "cached", lambda network, kind: right)
    with pytest.raises(UserError, match=r"off by too much here .* use the engine onnx"):
        engine(Style("other weights", wrong, style.output, "", ""), "int8")
    (tmp_path / "damaged.onnx").write_bytes(right.read_bytes()[:10_000])
    monkeypatch.setattr(engines, "cached", lambda network, kind: tmp_path / "damaged.onnx")
    with pytest.raises(UserError, match="this onnxruntime does not read it; delete it, or use the engine torch"):
        engine(style, "onnx")
