"""What the papers and their official code say, as plain values that a run starts from (``preset:``)."""

from __future__ import annotations

from typing import Any

# The points where paper and official code part (white-box paper, sections 3.1-3.4; code as released in 2020).
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "adversarial": "log",
        "features": "vgg16",
        "perceptual_norm": "mean",
        "tv_norm": "mean",
        "structure": {"segmenter": "felzenszwalb", "merging": "regions", "colouring": "adaptive", "gain": "none"},
        "texture": {"variant": "paper"},
        "weights": {"surface": 1.0, "texture": 10.0, "structure": 2e3, "content": 2e3, "tv": 1e4},
    },
    "official": {
        "adversarial": "lsgan",
        "features": "vgg19",
        "perceptual_norm": "official",
        "tv_norm": "official",
        "structure": {
            "segmenter": "slic",
            "merging": "none",
            "sizes": "first",
            "colouring": "mean",
            "thresholds": "unit",
            "order": "official",
        },
        "texture": {"variant": "official"},
        "weights": {"surface": 0.1, "texture": 1.0, "structure": 2e2, "content": 2e2, "tv": 1e4},
    },
    # This study's own: the flow-based abstraction with the lengths and colours of notebook 04, for a short side of 512
    # pixels. What generators learn first, and the style `ink`.
    "ink": {
        "flow": {
            "side": 512,
            "sigma_c": 1.5,
            "sigma_m": 4.5,
            "rho": 0.975,
            "sigma_e": 3.75,
            "r_e": 50.0,
            "sigma_g": 3.75,
            "r_g": 27.0,
            "smoothings": 5,
            "bins": 10,
        },
    },
    # CycleGAN as published (ICCV 2017); without the identity loss, say weights.identity 0.
    "cyclegan": {
        "method": "cyclegan",
        "generator": "cyclegan",
        "adversarial": "lsgan",
        "pool": 50,
        "lr": 2e-4,
        "lr_fall": 0.5,
        "lr_end": 2e-6,
        "beta1": 0.5,
        "beta2": 0.999,
        "batch": 1,
        "weights": {"adversarial": 1.0, "adversarial_back": 1.0, "cycle": 10.0, "identity": 5.0},
    },
    # CartoonGAN, section 3.2-3.3; its official code as released in 2018.
    "cartoongan-paper": {
        "generator": "residual",
        "residual": {"norm": "batch"},
        "adversarial": "log",
        "features": "vgg19",
        "perceptual_norm": "mean",
        "weights": {"adversarial": 1.0, "content": 10.0},
    },
    "cartoongan-official": {
        "generator": "residual",
        "residual": {"norm": "instance"},
        "adversarial": "lsgan",
        "features": "vgg19",
        "perceptual_norm": "mean",
        "beta2": 0.999,
        "pool": 50,
        "weights": {"adversarial": 1.0, "content": 10.0},
    },
}
