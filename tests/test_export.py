"""Exported files against PyTorch's own result."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
import yaml
from onnx import ModelProto
from safetensors.torch import save_file
from torch import Tensor, nn
from toy_styles import psnr, seeded_style

from wbclib import cli, images, paths
from wbclib.corpora import bundled
from wbclib.files import UserError
from wbclib.inference import drawing, styles
from wbclib.inference import export as exports
from wbclib.inference import quantise as quantisers
from wbclib.inference.drawing import Drawing, open_drawing
from wbclib.inference.export import blockwise, box_filter, export
from wbclib.inference.styles import Style
from wbclib.inference.stylist import Stylist
from wbclib.networks.generators import UNet
from wbclib.options import CorpusSpec, OutputFilter, RunConfig, to_dict
from wbclib.represent.surface import guided_filter

SIZES = ((1, 64, 96), (1, 4, 4), (3, 36, 100), (1, 128, 52))
DETAIL = 96
ODD = (
    (1, 67, 101),
    (1, 30, 30),
    (1, 1, 1),
    (1, 5, 3),
    (2, 64, 96),
    (2, 1, 7),
    (1, 2, 131),
    (2, 66, 97),
)  # the last is the traced one


@torch.no_grad()
def expected(style: Style, photo: Tensor) -> Tensor:
    """By the study's own functions: network, guided filter, clamp."""
    drawn = style.network(photo)
    if style.output.radius:
        guide = {"photo": photo, "output": drawn}[style.output.guide]
        drawn = guided_filter(guide, drawn, style.output.radius, style.output.infer_eps)
    return drawn.clamp(-1, 1)


def run(path: Path, photo: Tensor) -> Tensor:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {"photo": photo.numpy()})[0])


@pytest.fixture(autouse=True)
def few_calibration_images(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quantisers, "CALIBRATION", (3, 1, 96))


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return images.to_tensor(images.square(bundled.photographs().image(1), 160))[None]


@pytest.fixture(scope="module")
def float_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(seeded_style(), tmp_path_factory.mktemp("onnx") / "style.onnx")


@pytest.fixture(scope="module")
def ready() -> ModelProto:
    """Graph of the style that is drawn with where none is named."""
    style = styles.load_style(None)
    return exports.graph(style.network, style.output, style.margin)


@pytest.fixture(scope="module")
def small_file(ready: ModelProto, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That style, at the working size ``DETAIL``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "graph", lambda *of_the_style: ready)
        return export(styles.load_style(None), tmp_path_factory.mktemp("onnx") / "small.onnx", detail=DETAIL)


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


@pytest.mark.parametrize("size", ODD)
def test_any_size_is_what_the_stylist_draws(float_file: Path, size: tuple[int, int, int]) -> None:
    photos = np.random.default_rng(5).integers(0, 256, (*size, 3), dtype=np.uint8)
    drawing = Stylist(seeded_style(), device="cpu")
    wanted = torch.stack([drawing.exact(photo) for photo in photos])
    found = run(float_file, images.to_tensor(photos))
    assert found.shape == wanted.shape == (size[0], 3, *size[1:])
    assert (found - wanted).abs().max() < 1e-4


def test_a_margin_is_continued_and_cut_as_the_stylist_does(tmp_path: Path) -> None:
    style = seeded_style(margin=16)
    path, drawing = export(style, tmp_path / "margin.onnx", detail=0), Stylist(style, device="cpu")
    for size in ODD:
        photos = np.random.default_rng(6).integers(0, 256, (*size, 3), dtype=np.uint8)
        wanted = torch.stack([drawing.exact(photo) for photo in photos])
        assert (run(path, images.to_tensor(photos)) - wanted).abs().max() < 1e-4, size


@pytest.mark.parametrize("margin", [0, 8])
@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8])
def test_a_side_is_continued_by_its_last_pixel(size: int, margin: int) -> None:
    x = torch.arange(3.0 * size).reshape(1, 1, 3, size)
    wanted = np.pad(x.numpy(), ((0, 0), (0, 0), (0, 0), (margin, margin + -size % 4)), mode="edge")
    np.testing.assert_array_equal(exports.continued(x, 3, margin).numpy(), wanted)
    np.testing.assert_array_equal(exports.continued(x.mT, 2, margin).mT.numpy(), wanted)


def test_the_released_kind_of_generator_is_exported(tmp_path: Path, photo: Tensor) -> None:
    """TensorFlow's padding and grid, which PyTorch's operators do not have."""
    style = seeded_style("same", "legacy")
    path = export(style, tmp_path / "style.onnx")
    assert (run(path, photo) - expected(style, photo)).abs().max() < 1e-4
    assert (expected(style, photo) - expected(seeded_style(), photo)).abs().max() > 0.1
    assert style.network.upsampling == "legacy", "the style itself is left alone"


@pytest.mark.parametrize(("guide", "radius"), [("photo", 0), ("photo", 2), ("output", 4)])
def test_the_filter_is_that_of_the_style(photo: Tensor, guide: str, radius: int) -> None:
    style = seeded_style(output=OutputFilter(guide, radius, infer_eps=0.02))
    with torch.no_grad():
        found = exports.Photo2Cartoon(style.network, style.output)(photo)
    assert (found - expected(style, photo)).abs().max() < 1e-4
    assert (found - expected(seeded_style(), photo)).abs().max() > 1e-2


@pytest.mark.parametrize(
    ("size", "index"),
    [((301, 217), 0), ((97, 255), 1), ((240, 160), 2), ((200, 203), 3), ((333, 500), 4), ((301, 401), 5)],
)
def test_a_file_draws_as_cartoonize_does(small_file: Path, size: tuple[int, int], index: int) -> None:
    """The command rounds twice to 8 bits in between; where that moves a step, a pixel of it differs by more."""
    photo = images.resize(bundled.photographs().image(index), size)
    wanted = open_drawing(detail=DETAIL, engine="torch")(photo).astype(int)
    found = images.to_uint8(run(small_file, images.to_tensor(photo)[None]))[0]
    apart = np.abs(found - wanted)
    assert (apart > 2).mean() < 0.01 and apart.mean() < 0.4 and apart.max() < 16
    own = open_drawing(detail=0, engine="torch")(photo)
    assert np.abs(own - wanted).mean() > 4 * apart.mean(), "the working size must matter"


@pytest.mark.parametrize("size", [(96, 131), (95, 300), (200, 41), (1, 1), (3, 77)])
def test_pictures_that_are_not_larger_are_drawn_in_their_own_pixels(
    small_file: Path, ready: ModelProto, tmp_path: Path, size: tuple[int, int]
) -> None:
    photo = images.to_tensor(images.resize(bundled.photographs().image(1), size))[None]
    onnx.save(ready, str(tmp_path / "plain.onnx"))
    torch.testing.assert_close(run(small_file, photo), run(tmp_path / "plain.onnx", photo), rtol=0, atol=1e-6)


def test_pictures_of_a_batch_are_drawn_one_by_one(small_file: Path) -> None:
    photos = [images.resize(bundled.photographs().image(index), (150, 203)) for index in (0, 1)]
    both = run(small_file, images.to_tensor(np.stack(photos)))
    for photo, found in zip(photos, both, strict=True):
        torch.testing.assert_close(run(small_file, images.to_tensor(photo)[None])[0], found, rtol=0, atol=1e-5)


def test_one_colour_is_drawn_as_the_network_draws_it(small_file: Path) -> None:
    """Away from the border, which convolutions see."""
    photo = np.full((400, 600, 3), (200, 120, 60), np.uint8)
    drawn = Stylist(styles.load_style(None), device="cpu").exact(images.fit(photo, DETAIL))
    found = run(small_file, images.to_tensor(photo)[None])[0]
    wanted = drawn[:, DETAIL // 2, drawn.shape[2] // 2]
    assert (found[:, 190:210, 290:310] - wanted[:, None, None]).abs().max() < 2 / 127.5


def test_own_pixels_take_no_more_nodes(ready: ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "graph", lambda *of_the_style: ready)
    assert cli.main(["export", "--out", str(tmp_path / "own.onnx"), "--detail", "0"]) == 0
    own = onnx.load(str(tmp_path / "own.onnx"))
    assert [node.op_type for node in own.graph.node] == [node.op_type for node in ready.graph.node]
    assert {entry.key: entry.value for entry in own.metadata_props}["detail"] == "0"


def test_a_file_says_at_which_size_it_draws(float_file: Path, small_file: Path) -> None:
    for path, detail in ((float_file, drawing.DETAIL), (small_file, DETAIL)):
        told = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
        assert told["detail"] == str(detail)


@pytest.mark.parametrize("detail", ["-1", "1", "63"])
def test_a_detail_too_small_to_draw_at_is_refused_before_the_work(
    tmp_path: Path, detail: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(exports, "graph", lambda *_: pytest.fail("found after the work"))
    assert cli.main(["export", "--out", str(tmp_path / "new" / "model.onnx"), "--detail", detail]) == 2
    assert f"detail {detail}: say a short side in pixels, at least 64, or 0" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_default_is_what_the_command_says(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["export", "--help"])
    assert f"(default: {drawing.DETAIL})" in " ".join(capsys.readouterr().out.split())


def test_licence_and_source_travel_with_the_file_and_folders_do_not(float_file: Path) -> None:
    model = onnx.load(str(float_file))
    onnx.checker.check_model(model, full_check=True)
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert told["licence"] == "for tests alone" and told["source"] == "seed 7" and told["name"] == "seeded"
    data = float_file.read_bytes()
    assert b".py" not in data and str(paths.CHECKOUT).encode() not in data


def test_a_file_states_the_licence_that_its_weights_have(study: Path) -> None:
    """Of the package: the one in pyproject.toml and on the cards. Of a run: nobody's word but its owner's."""
    code = tomllib.loads((paths.CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]["license"]
    for name in styles.shipped():
        told = exports.told(styles.load_style(name))
        assert told["licence"] == told["spdx"] == code == "MIT"
        assert f"licence of the code ({code})" in (styles.SHIPPED / name / "CARD.md").read_text("utf-8")
        assert told["learnt_from"].startswith("photos: folder photos; cartoons: folder cartoons/")
        assert exports.told(styles.load_style(str(styles.SHIPPED / name / "generator.safetensors")))["spdx"] == code
    save_file(UNet().state_dict(), study / "mine.safetensors")
    told = exports.told(styles.load_style(str(study / "mine.safetensors")))
    assert told["licence"] == told["learnt_from"] == "not stated by its file" and told["spdx"] == "NOASSERTION"
    config = dataclasses.replace(
        RunConfig(), photos=CorpusSpec("folder", f"{study}/secret+b"), cartoons=CorpusSpec("toon")
    )
    (study / "config.yaml").write_text(yaml.safe_dump({"config": to_dict(config)}), "utf-8")
    told = exports.told(styles.load_style(str(study / "mine.safetensors")))
    assert told["spdx"] == "NOASSERTION" and told["learnt_from"] == "photos: folder secret+b; cartoons: toon"
    official = exports.told(dataclasses.replace(seeded_style(), licence=styles.OFFICIAL_LICENCE))
    assert official["licence"].startswith("CC BY-NC-SA 4.0, Xinrui Wang") and official["spdx"] == "CC-BY-NC-SA-4.0"


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("a.txt/model.onnx", "choose another folder"),  # a file in place of its folder
        ("a.txt/below/model.onnx", "choose another folder"),
        ("folder.onnx", "it is a folder"),
        ("link.onnx", "is there already"),  # a link that leads nowhere
        ("model.pt", r"ends in \.onnx"),
        ("model", r"ends in \.onnx"),
        ("x" * 300 + ".onnx", "too long"),
    ],
)
def test_what_cannot_be_written_is_found_before_the_work(
    tmp_path: Path, target: str, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "link.onnx").symlink_to(tmp_path / "nowhere")
    monkeypatch.setattr(exports, "graph", lambda *_: pytest.fail("found after the work"))
    before = sorted(tmp_path.iterdir())
    assert cli.main(["export", "--out", str(tmp_path / target)]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert re.search(says, told[-1]) and told[-1].startswith("wbc: ") and "Traceback" not in "".join(told)
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_without_permission_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated, because root may write everywhere."""

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(exports.tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(exports, "graph", lambda *_: pytest.fail("found after the work"))
    with pytest.raises(UserError, match="Permission denied; choose another folder") as caught:
        export(seeded_style(), tmp_path / "new" / "model.onnx")
    assert "\n" not in str(caught.value) and not (tmp_path / "new").exists()


def test_the_command_replaces_only_when_told(
    ready: ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "graph", lambda *of_the_style: ready)
    target = tmp_path / "new" / "model.onnx"
    assert cli.main(["export", "--out", str(target)]) == 0
    first = target.read_bytes()
    target.write_bytes(b"mine")
    assert cli.main(["export", "--out", str(target)]) == 2 and target.read_bytes() == b"mine"
    assert cli.main(["export", "--out", str(target), "--force"]) == 0 and target.read_bytes() == first


def test_only_onnx_is_written_and_nothing_half(
    ready: ModelProto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"ends in \.onnx"):
        export(seeded_style(), tmp_path / "style.pt")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "style.onnx").write_bytes(b"before")
    monkeypatch.setattr(exports, "graph", lambda *_: pytest.fail("found after the work"))
    with pytest.raises(UserError, match=r"is there already; --force .* replaces it"):
        export(seeded_style(), tmp_path / "style.onnx")
    monkeypatch.setattr(exports, "graph", lambda *of_the_style: ready)
    monkeypatch.setattr(exports.onnx, "save", full)
    with pytest.raises(UserError, match="No space left"):
        export(seeded_style(), tmp_path / "style.onnx", force=True)
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
    path = export(style, tmp_path / "int8.onnx", int8=True, detail=128)
    model = onnx.load(str(path))
    assert {"QuantizeLinear", "DequantizeLinear", "AveragePool"} <= {node.op_type for node in model.graph.node}
    kernels = [array for array in model.graph.initializer if array.data_type == onnx.TensorProto.INT8 and array.dims]
    assert sum(len(array.dims) == 4 for array in kernels) == 17, "18 convolutions, and the first stays in float32"
    assert 35 < psnr(run(path, photo[..., :128]), expected(style, photo[..., :128])) < 80
    wanted = Drawing(Stylist(style, device="cpu"), 128)(images.to_uint8(photo)[0])
    assert psnr(run(path, photo)[0], images.to_tensor(wanted)) > 30, "what shrinks and enlarges is not quantised"
    for height, width in ((67, 101), (30, 30), (1, 1), (5, 3)):
        cut = photo[..., :height, :width]
        wanted = Stylist(style, device="cpu").exact(images.to_uint8(cut)[0])
        assert run(path, cut).shape == cut.shape and psnr(run(path, cut)[0], wanted) > 30
