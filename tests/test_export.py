"""Exported files and the CPU engines against PyTorch's own result."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from wbclib import images, paths
from wbclib.corpora import bundled
from wbclib.evaluate import speed_inference
from wbclib.files import UserError
from wbclib.inference import engine as engines
from wbclib.inference import export as exports
from wbclib.inference.engine import engine
from wbclib.inference.export import blockwise, box_filter, export
from wbclib.inference.styles import Style
from wbclib.networks.generators import UNet
from wbclib.options import OutputFilter
from wbclib.represent.surface import guided_filter

SIZES = ((1, 64, 96), (1, 4, 4), (3, 36, 100), (1, 128, 52))  # the first is the traced one


def seeded_style(padding: str = "symmetric", upsample: str = "half_pixel", output: OutputFilter | None = None) -> Style:
    """An untrained generator with biases that show, and an output that reaches beyond [-1, 1]."""
    torch.manual_seed(7)
    network = UNet(padding, upsample).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.bias, std=0.1)  # type: ignore[arg-type]
    with torch.no_grad():
        network.conv_9.weight.mul_(8)
    return Style("seeded", network, output or OutputFilter(), "for tests alone", "seed 7")


@torch.no_grad()
def expected(style: Style, photo: Tensor) -> Tensor:
    """By the study's own functions: network, guided filter, clamp."""
    drawn = style.network(photo)
    if style.output.radius:
        drawn = guided_filter(photo, drawn, style.output.radius, style.output.infer_eps)
    return drawn.clamp(-1, 1)


def run(path: Path, photo: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"photo": photo.numpy()})[0])


def psnr(a: Tensor, b: Tensor) -> float:
    return 10 * math.log10(4 / float((a - b).square().mean()))


@pytest.fixture(autouse=True)
def few_calibration_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "CALIBRATION", (3, 1, 96))


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


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(seeded_style(), tmp_path_factory.mktemp("onnx") / "style.onnx")


@pytest.mark.parametrize("size", SIZES)
def test_exported_style_is_the_style_at_every_size(float_file: Path, size: tuple[int, int, int]) -> None:
    style, draw = seeded_style(), torch.Generator().manual_seed(1)
    given = torch.rand(size[0], 3, *size[1:], generator=draw) * 2 - 1
    wanted, found = expected(style, given), run(float_file, given)
    assert found.shape == given.shape
    assert (found - wanted).abs().max() < 1e-4
    assert wanted.std() > 0.05
    if size[1] > 4:
        assert wanted.abs().max() == 1, "the clamp must have something to do"


def test_the_released_kind_of_generator_is_exported(tmp_path: Path, photo: Tensor) -> None:
    """TensorFlow's padding and grid, which PyTorch's operators do not have."""
    style = seeded_style("same", "legacy")
    path = export(style, tmp_path / "style.onnx")
    assert (run(path, photo) - expected(style, photo)).abs().max() < 1e-4
    assert (expected(style, photo) - expected(seeded_style(), photo)).abs().max() > 0.1
    assert style.network.upsampling == "legacy", "the style itself is left alone"


@pytest.mark.parametrize("radius", [0, 2])
def test_the_filter_is_that_of_the_style(photo: Tensor, radius: int) -> None:
    style = seeded_style(output=OutputFilter(radius=radius, infer_eps=0.02))
    with torch.no_grad():
        found = exports.Photo2Cartoon(style.network, style.output)(photo)
    assert (found - expected(style, photo)).abs().max() < 1e-4
    assert (found - expected(seeded_style(), photo)).abs().max() > 1e-2


def test_licence_and_source_travel_with_the_file_and_folders_do_not(float_file: Path) -> None:
    model = onnx.load(str(float_file))
    onnx.checker.check_model(model, full_check=True)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert told["licence"] == "for tests alone" and told["source"] == "seed 7" and told["name"] == "seeded"
    data = float_file.read_bytes()
    assert b".py" not in data and str(paths.CHECKOUT).encode() not in data


def test_only_onnx_is_written_and_nothing_half(
    float_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"ends in \.onnx"):
        export(seeded_style(), tmp_path / "style.pt")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "style.onnx").write_bytes(b"before")
    ready = onnx.load(str(float_file))
    monkeypatch.setattr(exports, "graph", lambda network, output: ready)
    monkeypatch.setattr(exports.onnx, "save", full)
    with pytest.raises(UserError, match="No space left"):
        export(seeded_style(), tmp_path / "style.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["style.onnx"]
    assert (tmp_path / "style.onnx").read_bytes() == b"before"


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_pooled_filter_is_the_guided_filter(radius: int) -> None:
    draw = torch.Generator().manual_seed(radius)
    guide, source = (torch.rand(2, 3, 24, 17, generator=draw, dtype=torch.float64) * 2 - 1 for _ in range(2))
    difference = box_filter(guide, source, radius, 5e-3) - guided_filter(guide, source, radius, 5e-3)
    assert difference.abs().max() < 1e-12


@pytest.mark.parametrize(("channels", "kernel"), [(3, 7), (2, 3)])
def test_convolution_in_blocks_is_the_convolution(channels: int, kernel: int) -> None:
    torch.manual_seed(0)
    layer = nn.Conv2d(5, channels, kernel, padding=kernel // 2).double()
    block = blockwise(layer.float()).double()
    x = torch.randn(2, 5, 12, 20, dtype=torch.float64)
    assert (block(x) - layer.double()(x)).abs().max() < 1e-6
    assert block(x).std() > 0.1


def test_int8_file_draws_the_same_picture(tmp_path: Path, photo: Tensor) -> None:
    style = seeded_style("same", "legacy")
    path = export(style, tmp_path / "int8.onnx", int8=True)
    model = onnx.load(str(path))
    assert {"QuantizeLinear", "DequantizeLinear", "AveragePool"} <= {node.op_type for node in model.graph.node}
    kernels = [array for array in model.graph.initializer if array.data_type == onnx.TensorProto.INT8 and array.dims]
    assert sum(len(array.dims) == 4 for array in kernels) == 17, "18 convolutions, and the first stays in float32"
    assert 35 < psnr(run(path, photo), expected(style, photo)) < 80
    assert run(path, photo[..., :36, :100]).shape == (1, 3, 36, 100)


def test_engines_agree_and_are_built_once(shared: Path, photo: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    style = seeded_style()
    with torch.no_grad():
        wanted = style.network(photo)
    assert (engine(style, "torch")(photo) - wanted).abs().max() < 1e-4
    assert (engine(style, "onnx")(photo) - wanted).abs().max() < 1e-4
    reached = psnr(engine(style, "int8")(photo).clamp(-1, 1), wanted.clamp(-1, 1))
    assert 30 < reached < 80, "8 bits are close, and they are not float32"
    assert sorted(path.name.split("-")[1] for path in shared.iterdir()) == ["int8.onnx", "onnx.onnx"]

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
    with pytest.raises(UserError, match="unknown engine 'fp4'; choose one of: torch, onnx, int8"):
        engine(style, "fp4")
    right = engines.cached(style.network, "onnx")
    wrong = seeded_style("same").network
    monkeypatch.setattr(engines, "cached", lambda network, kind: right)
    with pytest.raises(UserError, match=r"off by too much here .* use the engine onnx"):
        engine(Style("other weights", wrong, style.output, "", ""), "int8")
    (tmp_path / "damaged.onnx").write_bytes(right.read_bytes()[:10_000])
    monkeypatch.setattr(engines, "cached", lambda network, kind: tmp_path / "damaged.onnx")
    with pytest.raises(UserError, match="delete it, and it is built again"):
        engine(style, "onnx")


def test_bench_row_of_inference(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed_inference, "SIZE", (32, 48))
    row = speed_inference.inference_720p("onnx", seeded_style())
    assert row["name"] == "inference_720p_onnx" and row["other_is"] == "float32 eager forward, NCHW"
    assert row["ours"] > 0 and row["other"] > 0 and np.isfinite(row["ratio"])
    assert [measure.__name__ for measure in speed_inference.ROWS] == ["inference_720p", "inference_720p_exact"]
