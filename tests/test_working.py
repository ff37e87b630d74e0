"""Working sizes and supervised targets: crops of a picture and of its abstraction lie on each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from toy_corpora import corpus, noise

from wbclib import images, paths
from wbclib.corpora import bundled, loader, working
from wbclib.corpora.loader import Loader
from wbclib.files import UserError
from wbclib.options import Crops, Flow, RunConfig, run_config
from wbclib.profiles import load
from wbclib.represent import flow
from wbclib.train import loop, run


def photographs() -> loader.Corpus:
    return working.resized(bundled.photographs().subset([0, 2]), 96)


def test_the_shorter_side_is_the_working_size() -> None:
    for index, item in enumerate(photographs().items):
        image = photographs().image(index)
        assert min(image.shape[:2]) == 96 and item.size == image.shape[:2]


def test_an_abstraction_is_that_of_the_whole_picture_and_is_kept(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos, options = photographs(), Flow(side=512, sigma_c=1.5)
    made = working.abstracted(photos, options, progress=False)
    wanted = [images.to_uint8(flow.abstraction(images.to_tensor(photos.image(i))[None], options))[0] for i in (0, 1)]
    assert all(np.array_equal(made.image(i), wanted[i]) for i in (0, 1))
    kept = sorted(paths.cache("abstractions").iterdir())
    assert len(kept) == 2
    kept[0].write_bytes(kept[0].read_bytes()[:100])  # cut short by a full disk
    again = working.abstracted(photos, options, progress=False)
    assert all(np.array_equal(again.image(i), wanted[i]) for i in (0, 1))
    monkeypatch.setattr(flow, "abstraction", None)  # making one again would now fail
    once_more = working.abstracted(photos, options, progress=False)
    assert all(np.array_equal(once_more.image(i), wanted[i]) for i in (0, 1))
    with pytest.raises(TypeError):
        working.abstracted(photos, Flow(side=512, sigma_c=1.6), progress=False)


def test_lengths_follow_the_picture() -> None:
    options = Flow(side=512, radius=4, sigma_c=1.5, sigma_m=4.0, sigma_e=3.0, sigma_g=2.0, r_g=25.0)
    half = flow.scaled(options, 256)
    assert (half.radius, half.sigma_c, half.sigma_m, half.sigma_e, half.sigma_g) == (2, 0.75, 2.0, 1.5, 1.0)
    assert (half.r_g, half.side) == (25.0, 0), "colours are no lengths"
    plain = Flow(sigma_c=1.5)
    assert flow.scaled(plain, 256) == plain
    x = images.to_tensor(photographs().image(0))[None]
    assert torch.equal(flow.abstraction(x, options), flow.abstraction(x, flow.scaled(options, 96)))


@pytest.mark.parametrize("kept", [0, 7])
def test_targets_are_cut_where_photographs_are(kept: int) -> None:
    photos = corpus(*(noise(seed, 60, 80) for seed in range(3)))
    inverted = corpus(*(255 - noise(seed, 60, 80) for seed in range(3)))
    cutting = Loader(photos, photos, 24, 4, 5, kept=kept, photo_crops=Crops(60, 24, 40), targets=inverted)
    for step in range(5):
        batch = cutting.batch(step)
        # Area averages are rounded to whole grey levels, of which one is 2 / 255.
        torch.testing.assert_close(batch["target"], -batch["photo"], atol=2 / 255 + 1e-6, rtol=0)


def test_sides_of_crops_are_drawn_evenly_between_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []
    cut = loader.crop

    def noted(image: np.ndarray, size: int, scale: float, down: float, right: float) -> np.ndarray:
        seen.append(scale * min(image.shape[:2]))
        return cut(image, size, scale, down, right)

    monkeypatch.setattr(loader, "crop", noted)
    photos = corpus(noise(0, 60, 80), noise(1, 90, 60))
    cutting = Loader(photos, photos, 24, 8, 5, photo_crops=Crops(60, 24, 40), cartoon_crops=Crops(60, 30, 30))
    for step in range(50):
        cutting.batch(step)
    sides = np.array(seen).reshape(50, 2, 8)
    assert sides[:, 0].min() >= 24 and sides[:, 0].max() <= 40
    assert abs(sides[:, 0].mean() - 32) < 4 * (16 / 12**0.5) / 400**0.5, "four standard errors of a uniform draw's mean"
    np.testing.assert_allclose(sides[:, 1], 30)


@pytest.mark.parametrize(
    "values", [{"least": 10, "most": 20}, {"side": 64, "least": 0, "most": 20}, {"side": 64, "least": 30, "most": 20},
               {"side": 64, "least": 30, "most": 65}],
)  # fmt: skip
def test_sizes_that_cannot_be_are_refused(values: dict[str, int]) -> None:
    with pytest.raises(UserError, match="photo_crops"):
        run_config({"photo_crops": values})


def test_options_that_came_later_change_no_hash() -> None:
    assert RunConfig().hash() == run_config({"flow": {"side": 0}, "lr_end": 0.0}).hash()
    assert RunConfig().hash() != run_config({"flow": {"side": 512}}).hash()
    assert run_config({"flow": {"rho": 0.9}}).hash() != run_config({"flow": {"rho": 0.9, "side": 512}}).hash()


def test_the_learning_rate_falls_in_a_straight_line() -> None:
    config = run_config({"steps": 10, "lr": 1e-3, "lr_end": 1e-4, "lr_fall": 0.4})
    found = [loop.learning_rate(config, step) for step in range(10)]
    assert found == pytest.approx([1e-3] * 6 + [7.75e-4, 5.5e-4, 3.25e-4, 1e-4])
    assert loop.learning_rate(run_config({"steps": 10, "lr": 1e-3}), 9) == 1e-3


def test_a_supervised_start_learns_its_abstraction(study: Path) -> None:
    """The last step's distance to the abstraction is below the first's, and its features' as well."""
    path = study / "start.yaml"
    path.write_text(
        "extends: smoke\n"
        "runs:\n"
        "  start: {method: pretrain, size: 32, batch: 4, steps: 40, lr: 5e-4, beta1: 0.9, lr_end: 5e-5, kept: 16,\n"
        "          weights: {content: 0, pixel: 0, abstraction: 1, abstraction_features: 0.3, chroma: 0.1},\n"
        "          photo_crops: {side: 64, least: 32, most: 48}, flow: {side: 512, sigma_c: 1.5, rho: 0.975}}\n"
    )
    run("start", load(str(path)), progress=False)
    metrics = loop.records.read_metrics("start", "start")
    for term in ("abstraction", "abstraction_features"):
        assert np.mean([line[term] for line in metrics[-3:]]) < 0.8 * metrics[0][term]
