"""Options of the study: frozen dataclasses, built from plain values (YAML, JSON), with a stable hash.

Every point where the white-box paper and its official code part is a named option here;
``preset: paper`` and ``preset: official`` set all of them at once, before the other keys of the run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin, get_type_hints

from wbclib.files import UserError, digest
from wbclib.presets import PRESETS


@dataclass(frozen=True)
class CorpusSpec:
    """Where one corpus comes from and which share of it is held back.

    ``path`` is relative to the assets folder (see :func:`wbclib.paths.assets`) unless absolute;
    several folders may be joined with ``+``. ``listing`` names a CSV whose column ``file`` allows files
    in; ``groups`` is ``<csv>:<column>``: files of one group are never divided between training and validation.
    """

    kind: str = "bundled"  # bundled | toon | folder
    path: str = ""
    listing: str = ""
    groups: str = ""
    count: int = 0  # toon: how many are drawn; folder: keep the first `count` by hash (0: all)
    size: int = 256  # toon: side in pixels
    seed: int = 0  # toon
    validation_percent: int = 0  # 0: the same images train and are measured; the tables say so
    look: str = ""  # redrawn in a key of wbclib.corpora.looks.LOOKS; empty: as it is


@dataclass(frozen=True)
class Surface:
    """Guided filter of the surface representation (official code: r = 5, eps = 0.2 on [-1, 1] data)."""

    radius: int = 5
    eps: float = 0.2


@dataclass(frozen=True)
class Structure:
    """Structure representation: segments, merged regions, one colour per region."""

    segmenter: str = "felzenszwalb"  # felzenszwalb | slic
    scale: float = 1.0  # felzenszwalb, scikit-image's: larger values give larger segments
    sigma: float = 0.8  # felzenszwalb
    min_size: int = 10  # felzenszwalb
    segments: int = 200  # slic: number of seeds
    compactness: float = 10.0  # slic
    merging: str = "regions"  # regions: to a true region count | pairs: the official code's count | none
    regions: int = 200
    sizes: str = "true"  # true | first: the official code uses the size of region 1 for every region
    colouring: str = "adaptive"  # adaptive | mean
    thresholds: str = "byte"  # byte: gamma on the 0-255 scale | unit: the official code, where they never act
    order: str = "paper"  # paper: median where sigma is small | official: mean and median swapped
    gamma1: float = 20.0
    gamma2: float = 40.0
    mu: float = 1.2


@dataclass(frozen=True)
class Texture:
    """Random colour shift of the texture representation."""

    variant: str = "paper"  # paper | official
    alpha: float = 0.8  # paper: share of the luma
    spread: float = 0.1  # official: half width of the uniform weights around the luma's


@dataclass(frozen=True)
class Flow:
    """Flow-based abstraction, names as in the papers (Kang et al. 2007 and 2009); pixels, and colours of 0 to 255."""

    radius: int = 5  # of the window of the edge tangent flow
    iterations: int = 3
    separable: bool = False
    eta: float = 1.0  # slope of the magnitude weight
    sigma_c: float = 1.0  # centre of the difference of Gaussians
    sigma_m: float = 3.0  # length of lines
    rho: float = 0.997  # share of the surround; smaller draws less
    tau: float = 0.8  # threshold of lines; larger draws more
    drawings: int = 1  # how often lines are found, each time with the lines of before drawn into the photograph
    sigma_e: float = 2.0  # bilateral filter along the flow
    r_e: float = 50.0
    sigma_g: float = 2.0  # and across it
    r_g: float = 10.0
    smoothings: int = 2
    bins: int = 8  # of lightness
    sharpness: float = 3.0  # of the steps between them, phi of Winnemöller et al. 2006

    def __post_init__(self) -> None:
        for name in ("radius", "drawings", "bins", "sigma_c", "sigma_m", "sigma_e", "r_e", "sigma_g", "r_g"):
            if not getattr(self, name) > 0:
                raise UserError(f"flow.{name}: {getattr(self, name)} must be above 0")
        if not 0 <= self.eta <= 40:  # single precision holds no larger weights
            raise UserError(f"flow.eta: {self.eta} must lie between 0 and 40")


@dataclass(frozen=True)
class OutputFilter:
    """Guided filter between photograph and network output (official code: training 1e-2, inference 5e-3)."""

    radius: int = 1
    train_eps: float = 1e-2
    infer_eps: float = 5e-3


@dataclass(frozen=True)
class Residual:
    """CartoonGAN's networks."""

    width: int = 64  # channels of the generator's first layer; the discriminator's has half
    norm: str = "instance"  # instance: the official code | batch: the paper


@dataclass(frozen=True)
class Edges:
    """CartoonGAN's edge-smoothed cartoons; lengths in pixels of the crop that the discriminator sees."""

    weight: float = 1.0  # of their part of the discriminator's loss; 0: no edge-promoting loss
    low: float = 100.0  # Canny's thresholds, on the 0-255 scale
    high: float = 200.0
    dilation: int = 5  # side of the square
    blur: int = 5  # side of the Gaussian's window


@dataclass(frozen=True)
class Adapters:
    """Many styles in one network (method ``styles``)."""

    kind: str = "parallel"  # parallel | series
    train: str = ""  # the one style that learns while all else stays as it is; empty: everything learns


@dataclass(frozen=True)
class Weights:
    """Weight of every loss term. A term whose weight is 0 is not computed."""

    surface: float = 0.0
    texture: float = 0.0
    structure: float = 0.0
    content: float = 0.0
    tv: float = 0.0
    pixel: float = 0.0
    abstraction: float = 0.0  # the photograph's flow-based abstraction in place of the photograph
    look: float = 0.0  # the photograph itself in the look of the style that is learnt (method styles), supervised
    adversarial: float = 0.0  # CartoonGAN's discriminator; surface and texture have their own


@dataclass(frozen=True)
class RunConfig:
    """Everything that one training run depends on, apart from its data and its source code."""

    method: str = "pretrain"  # a key of wbclib.train.methods.METHODS
    init: str = ""  # run whose generator this one starts from; empty: from scratch
    seed: int = 0
    steps: int = 10
    size: int = 64
    batch: int = 2
    lr: float = 2e-4
    beta1: float = 0.5
    beta2: float = 0.99
    precision: str = "auto"  # auto: bfloat16 where the device computes it natively | float32 | bfloat16
    adversarial: str = "lsgan"  # lsgan | log
    features: str = "random_vgg11"  # perceptual network, a key of wbclib.networks.features.NETWORKS
    perceptual_norm: str = "mean"  # mean absolute difference | official: divided once more by h*w*c | squared: mean
    tv_norm: str = "mean"  # mean | official: squared, divided once more by the number of values
    scale_min: float = 0.5  # smallest crop, as a share of the image's short side
    surface: Surface = field(default_factory=Surface)
    structure: Structure = field(default_factory=Structure)
    texture: Texture = field(default_factory=Texture)
    flow: Flow = field(default_factory=Flow)
    output: OutputFilter = field(default_factory=OutputFilter)
    generator: str = "unet"  # a key of wbclib.train.method.GENERATORS: unet | residual
    residual: Residual = field(default_factory=Residual)
    edges: Edges = field(default_factory=Edges)
    kept: int = 0  # crops of each kind that are cut once and drawn from, features kept; 0: every step cuts new ones
    pool: int = 0  # outputs kept to show to the discriminator again (official CartoonGAN code: 50); 0: none
    weights: Weights = field(default_factory=Weights)
    photos: CorpusSpec = field(default_factory=CorpusSpec)
    cartoons: CorpusSpec = field(default_factory=lambda: CorpusSpec(kind="toon", count=64))
    checkpoint_every: int = 100
    sample_every: int = 100
    trail_every: int = 0  # steps between generators that are kept, the first before any step; 0: none
    styles: dict[str, CorpusSpec] = field(default_factory=dict)  # method styles: each with its cartoons, in turn
    adapters: Adapters = field(default_factory=Adapters)

    def __post_init__(self) -> None:
        if self.styles and self.method != "styles":
            raise UserError(f"styles: a run of method {self.method!r} learns one; say method: styles or name none")
        if self.adapters.train and self.adapters.train not in self.styles:
            known = ", ".join(self.styles) or "none"
            raise UserError(f"adapters.train: {self.adapters.train!r} is not among the run's styles: {known}")

    def corpora(self) -> dict[str, CorpusSpec]:
        """What a run learns from: ``photos``, and ``cartoons`` or, with several styles, those of each that learns."""
        learn = [self.adapters.train] if self.adapters.train else list(self.styles)
        cartoons = {f"cartoons of {style}": self.styles[style] for style in learn} if learn else {}
        return {"photos": self.photos, **(cartoons or {"cartoons": self.cartoons})}

    def hash(self) -> str:
        """Stable 64-digit hash; what does not change the result (how often things are saved) is left out.

        So are options that came later (:data:`LATER`) while they hold their defaults: records of before stay valid.
        """
        values = dataclasses.asdict(self)
        for name in SAVING:
            values.pop(name)
        for *groups, name in (option.split(".") for option in LATER):
            place, default = values, dataclasses.asdict(RunConfig())
            for group in groups:
                place, default = place[group], default[group]
            if place[name] == default[name]:
                del place[name]
        return digest(values)


SAVING = ("checkpoint_every", "sample_every", "trail_every")  # change no result
LATER = (
    "weights.adversarial", "generator", "residual", "edges", "pool", "kept", "weights.abstraction", "flow", "styles",
    "adapters", "photos.look", "cartoons.look", "weights.look",
)  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """How distances are measured: networks that must differ from the one that trains, and N."""

    networks: tuple[str, ...] = ("random_resnet18",)
    crops: int = 32  # number of crops on each side
    size: int = 64
    kid_subsets: int = 20
    kid_subset_size: int = 16
    bootstraps: int = 50
    seed: int = 0


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``change`` laid over it, mapping by mapping."""
    result = dict(base)
    for key, value in change.items():
        old = result.get(key)
        result[key] = merge(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return result


def build(kind: type, values: Mapping[str, Any], where: str) -> Any:
    """A frozen dataclass from plain values; an unknown name or a wrong type is an error that says where."""
    hints, known = get_type_hints(kind), {f.name for f in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise UserError(f"{where}: unknown parameter {unknown[0]!r}; known are: {', '.join(sorted(known))}")
    ready: dict[str, Any] = {}
    for key, value in values.items():
        hint = hints[key]
        if dataclasses.is_dataclass(hint) and not dataclasses.is_dataclass(value):
            value = build(hint, value or {}, f"{where}.{key}")  # type: ignore[arg-type]
        elif get_origin(hint) is dict:
            if not isinstance(value, Mapping):
                raise UserError(f"{where}.{key}: say a mapping of names to values, not {value!r}")
            value = {name: build(get_args(hint)[1], part, f"{where}.{key}.{name}") for name, part in value.items()}
        elif hint is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        elif hint in (int, float, str, bool) and type(value) is not hint:
            raise UserError(f"{where}.{key}: {value!r} is not of type {hint.__name__}")  # type: ignore[union-attr]
        elif isinstance(value, list):
            value = tuple(value)
        ready[key] = value
    return kind(**ready)


def run_config(values: Mapping[str, Any], where: str = "run") -> RunConfig:
    """A run configuration from plain values (YAML, JSON).

    ``preset`` is expanded first. Each of ``styles`` is ``cartoons`` with what the style says of its own; one that is
    ``false`` is left out, so that a child can drop it.
    """
    values = dict(values)
    preset = values.pop("preset", None)
    if preset is not None:
        if preset not in PRESETS:
            raise UserError(f"{where}: unknown preset {preset!r}; known are: {', '.join(PRESETS)}")
        values = merge(PRESETS[preset], values)
    if isinstance(styles := values.get("styles"), Mapping):
        cartoons = values.get("cartoons") or {}
        values["styles"] = {name: merge(cartoons, own or {}) for name, own in styles.items() if own is not False}
    return build(RunConfig, values, where)


def to_dict(config: Any) -> dict[str, Any]:
    """Plain values of a configuration, ready for YAML or JSON."""
    return dataclasses.asdict(config)
