"""Options of the study: frozen dataclasses, built from plain values (YAML, JSON), with a stable hash.

What a field may hold stands in its type (:mod:`wbclib.values`) and is checked when a profile is read.
Points where the white-box paper and its official code part are named options here; ``preset: paper`` and
``preset: official`` set them at once, before the other keys of the run. The loss of the pretraining is a matter of its
weights, TensorFlow's padding of the network (:class:`wbclib.networks.generators.UNet`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from wbclib.files import UserError, digest
from wbclib.presets import PRESETS
from wbclib.values import AtLeastOne, Count, Momentum, Name, NotNegative, Number, Odd, OneOf, Positive, Range, Several

from wbclib.values import Share, build, mapping, merge, said  # isort: skip

__all__ = ["Measure", "RunConfig", "build", "merge", "run_config", "to_dict"]

Side = Annotated[int, Range(8, multiple=4)]  # of what the networks see
SQUEEZENET = 20  # the least that it sees
# Keys of tables further up, which this module must not import; a test compares them.
Look = Annotated[str, OneOf("", "screentone", "duotone", "linocut", "poster")]
Features = Annotated[str, OneOf(
    "vgg19", "vgg16", "vgg19_conv3_1", "squeezenet1_1", "resnet50", "resnet50_v2", "mobilenet_v2", "inception",
    "random_vgg11", "random_resnet18",
)]  # fmt: skip


@dataclass(frozen=True)
class CorpusSpec:
    """Where one corpus comes from and which share of it is held back.

    ``path`` is relative to the assets folder (see :func:`wbclib.paths.assets`) unless absolute;
    several folders may be joined with ``+``; where a name itself holds a plus, the longest reading that is a
    folder wins, from the left. ``listing`` names a CSV whose column ``file`` allows files
    in; ``groups`` is ``<csv>:<column>``: files of one group are never divided between training and validation.
    """

    kind: Annotated[str, OneOf("bundled", "toon", "folder")] = "bundled"
    path: str = ""
    listing: str = ""
    groups: str = ""
    count: Count = 0  # toon: how many are drawn; folder: keep the first `count` by hash (0: all)
    size: Annotated[int, Range(32)] = 256  # toon: side in pixels
    seed: Count = 0  # toon
    validation_percent: Annotated[int, Range(0, 99)] = 0  # 0: the same images train and are measured; the tables say so
    look: Look = ""  # redrawn in a key of wbclib.corpora.looks.LOOKS; empty: as it is


@dataclass(frozen=True)
class Surface:
    """Guided filter of the surface representation (official code: r = 5, eps = 0.2 on [-1, 1] data)."""

    radius: AtLeastOne = 5
    eps: Positive = 0.2


@dataclass(frozen=True)
class Structure:
    """Structure representation: segments, merged regions, one colour per region."""

    segmenter: Annotated[str, OneOf("felzenszwalb", "slic")] = "felzenszwalb"
    scale: NotNegative = 1.0  # felzenszwalb, scikit-image's: larger values give larger segments
    sigma: NotNegative = 0.8  # felzenszwalb
    min_size: AtLeastOne = 10  # felzenszwalb
    segments: AtLeastOne = 200  # slic: number of seeds
    compactness: Positive = 10.0  # slic
    # regions: to a true region count | pairs: the official code's count
    merging: Annotated[str, OneOf("regions", "pairs", "none")] = "regions"
    regions: AtLeastOne = 200
    sizes: Annotated[str, OneOf("true", "first")] = (
        "true"  # first: the official code uses the size of region 1 for every region
    )
    colouring: Annotated[str, OneOf("adaptive", "mean")] = "adaptive"
    # byte: gamma on the 0-255 scale | unit: the official code, where they never act
    thresholds: Annotated[str, OneOf("byte", "unit")] = "byte"
    # paper: median where sigma is small | official: mean and median swapped
    order: Annotated[str, OneOf("paper", "official")] = "paper"
    gamma1: Number = 20.0
    gamma2: Number = 40.0
    mu: Positive = 1.2
    # After the power. mean: one gain gives the image's mean back, this study's own | none: the paper's equation
    gain: Annotated[str, OneOf("mean", "none")] = "mean"


@dataclass(frozen=True)
class Texture:
    """Random colour shift of the texture representation."""

    variant: Annotated[str, OneOf("paper", "official")] = "paper"
    alpha: Share = 0.8  # paper: share of the luma
    # official: half width of the uniform weights around the luma's
    spread: Annotated[float, Range(0, 1 / 3, below=True)] = 0.1


@dataclass(frozen=True)
class Flow:
    """Flow-based abstraction, names as in the papers (Kang et al. 2007 and 2009); pixels, and colours of 0 to 255."""

    radius: int = 5  # of the window of the edge tangent flow
    iterations: Count = 3
    separable: bool = False
    eta: float = 1.0  # slope of the magnitude weight
    sigma_c: float = 1.0  # centre of the difference of Gaussians
    sigma_m: float = 3.0  # length of lines
    rho: Share = 0.997  # share of the surround; smaller draws less
    tau: Number = 0.8  # threshold of lines; larger draws more
    drawings: int = 1  # how often lines are found, each time with the lines of before drawn into the photograph
    sigma_e: float = 2.0  # bilateral filter along the flow
    r_e: float = 50.0
    sigma_g: float = 2.0  # and across it
    r_g: float = 10.0
    smoothings: Count = 2
    bins: int = 8  # of lightness
    sharpness: Number = 3.0  # of the steps between them, phi of Winnemöller et al. 2006
    side: Count = 0  # short side of the picture that the lengths are meant for; 0: they hold for any picture

    def __post_init__(self) -> None:
        for name in ("radius", "drawings", "bins", "sigma_c", "sigma_m", "sigma_e", "r_e", "sigma_g", "r_g"):
            if not getattr(self, name) > 0:
                raise UserError(f"flow.{name}: {getattr(self, name)} must be above 0")
        if not 0 <= self.eta <= 40:  # single precision holds no larger weights
            raise UserError(f"flow.eta: {self.eta} must lie between 0 and 40")


@dataclass(frozen=True)
class OutputFilter:
    """Guided filter of the network's output (official code: training 1e-2, inference 5e-3)."""

    guide: Annotated[str, OneOf("photo", "output")] = "photo"  # photo: the official code | output: this study's own
    radius: Count = 1  # pixels; 0: none
    train_eps: Positive = 1e-2
    infer_eps: Positive = 5e-3


@dataclass(frozen=True)
class Residual:
    """CartoonGAN's networks."""

    width: AtLeastOne = 64  # channels of the generator's first layer; the discriminator's has half
    norm: Annotated[str, OneOf("instance", "batch")] = "instance"  # instance: the official code | batch: the paper


@dataclass(frozen=True)
class Cycle:
    """CycleGAN's networks."""

    width: AtLeastOne = 64  # channels of the first layer, of the generators and of the discriminators
    blocks: AtLeastOne = 9  # residual blocks; 6 as published for 128 px


@dataclass(frozen=True)
class Edges:
    """CartoonGAN's edge-smoothed cartoons; lengths in pixels of the crop that the discriminator sees."""

    weight: NotNegative = 1.0  # of their part of the discriminator's loss; 0: no edge-promoting loss
    low: NotNegative = 100.0  # Canny's thresholds, on the 0-255 scale
    high: NotNegative = 200.0
    dilation: Odd = 5  # side of the square
    blur: Odd = 5  # side of the Gaussian's window


@dataclass(frozen=True)
class Crops:
    """How large crops are, in pixels of a working size, so that lines are equally wide in training and in use."""

    side: Count = 0  # short side that pictures are resized to before they are cut; 0: none, and scale_min counts
    least: Count = 0  # side of the smallest crop at that size, which is then resized to the run's
    most: Count = 0  # and of the largest

    def __post_init__(self) -> None:
        if self.side and not 0 < self.least <= self.most <= self.side:
            raise UserError(f"crops: least {self.least}, most {self.most} must lie in this order in 1 to {self.side}")
        if not self.side and (self.least or self.most):
            raise UserError("crops: least and most are pixels of a working size; say its short side as well, side")


@dataclass(frozen=True)
class Adapters:
    """Many styles in one network (method ``styles``)."""

    kind: Annotated[str, OneOf("series", "parallel")] = "parallel"
    train: str = ""  # the one style that learns while all else stays as it is; empty: everything learns


@dataclass(frozen=True)
class Weights:
    """Weight of every loss term. A term whose weight is 0 is not computed."""

    surface: NotNegative = 0.0
    texture: NotNegative = 0.0
    projected: NotNegative = 0.0  # a discriminator of perceptual features (Projected GAN); this study's own
    structure: NotNegative = 0.0
    content: NotNegative = 0.0
    tv: NotNegative = 0.0
    pixel: NotNegative = 0.0
    abstraction: NotNegative = 0.0  # the photograph's flow-based abstraction in place of the photograph
    abstraction_features: NotNegative = 0.0  # that abstraction's perceptual features, which keep lines crisp
    chroma: NotNegative = 0.0  # the photograph's colours, blurred and without their luma
    smoothness: NotNegative = 0.0  # total variation where that abstraction is flat
    look: NotNegative = 0.0  # the photograph itself in the look of the style that is learnt (method styles), supervised
    adversarial: NotNegative = 0.0  # CartoonGAN's discriminator; surface and texture have their own
    adversarial_back: NotNegative = 0.0  # CycleGAN: what cartoons are turned into is judged as a photograph
    cycle: NotNegative = 0.0  # CycleGAN: there and back again is the image itself
    identity: NotNegative = 0.0  # CycleGAN: a cartoon shown to the generator of cartoons stays as it is


@dataclass(frozen=True)
class RunConfig:
    """Everything that one training run depends on, apart from its data and its source code."""

    # A key of wbclib.train.methods.METHODS.
    method: Annotated[str, OneOf("pretrain", "whitebox", "cartoongan", "styles", "cyclegan")] = "pretrain"
    init: str = ""  # run whose generator this one starts from; empty: from scratch
    seed: Count = 0
    steps: AtLeastOne = 10
    size: Side = 64
    batch: AtLeastOne = 2
    lr: Positive = 2e-4
    lr_end: NotNegative = 0.0  # what lr falls to, in a straight line over the last lr_fall of the steps; 0: it stays
    lr_fall: Share = 0.4
    beta1: Momentum = 0.5
    beta2: Momentum = 0.99
    shift: Count = 0  # pixels, at most, by which what the white box's discriminators see is shifted at random; 0: never
    average: Momentum = 0.0  # decay of the running mean of the weights that a generator ends with; 0: its last ones
    # auto: bfloat16 where the device computes it natively
    precision: Annotated[str, OneOf("auto", "float32", "bfloat16")] = "auto"
    adversarial: Annotated[str, OneOf("lsgan", "log")] = "lsgan"
    features: Features = "random_vgg11"  # perceptual network, a key of wbclib.networks.features.NETWORKS
    # mean: of absolute differences | official: divided once more by h*w*c | squared: mean of squares
    perceptual_norm: Annotated[str, OneOf("mean", "official", "squared")] = "mean"
    tv_norm: Annotated[str, OneOf("mean", "official")] = (
        "mean"  # official: squared, divided once more by the number of values
    )
    scale_min: Annotated[float, Range(0, 1, above=True)] = 0.5  # smallest crop, as a share of the image's short side
    photo_crops: Crops = field(default_factory=Crops)
    cartoon_crops: Crops = field(default_factory=Crops)
    surface: Surface = field(default_factory=Surface)
    structure: Structure = field(default_factory=Structure)
    texture: Texture = field(default_factory=Texture)
    flow: Flow = field(default_factory=Flow)
    output: OutputFilter = field(default_factory=OutputFilter)
    generator: Annotated[str, OneOf("unet", "residual", "cyclegan")] = "unet"  # a key of wbclib.train.method.GENERATORS
    residual: Residual = field(default_factory=Residual)
    cycle: Cycle = field(default_factory=Cycle)
    edges: Edges = field(default_factory=Edges)
    kept: Count = 0  # crops of each kind that are cut once and drawn from, features kept; 0: every step cuts new ones
    pool: Count = 0  # outputs kept to show to the discriminator again (official CartoonGAN code: 50); 0: none
    weights: Weights = field(default_factory=Weights)
    photos: CorpusSpec = field(default_factory=CorpusSpec)
    cartoons: CorpusSpec = field(default_factory=lambda: CorpusSpec(kind="toon", count=64))
    checkpoint_every: AtLeastOne = 100
    sample_every: AtLeastOne = 100
    trail_every: Count = 0  # steps between generators that are kept, the first before any step; 0: none
    # Method styles: each with its cartoons, in turn; its name becomes a part of the names of layers.
    styles: Annotated[dict[str, CorpusSpec], Name(r"[\w-]{1,99}", "letters, digits, _ and -")] = field(
        default_factory=dict
    )
    adapters: Adapters = field(default_factory=Adapters)

    def __post_init__(self) -> None:
        if self.styles and self.method != "styles":
            raise UserError(f"styles: a run of method {self.method!r} learns one; say method: styles or name none")
        if self.adapters.train and self.adapters.train not in self.styles:
            known = ", ".join(self.styles) or "none"
            raise UserError(f"adapters.train: {self.adapters.train!r} is not among the run's styles: {known}")
        if self.features == "squeezenet1_1" and self.size < SQUEEZENET:
            raise UserError(f"size: {self.size} is too small for squeezenet1_1; say at least {SQUEEZENET}")
        if self.shift > self.size // 4:
            raise UserError(f"shift: {self.shift} takes too much of a crop of {self.size}; say at most a quarter of it")
        for group, low, high in (("structure", "gamma1", "gamma2"), ("edges", "low", "high")):
            options = getattr(self, group)
            if getattr(options, low) > getattr(options, high):
                raise UserError(f"{group}.{low}: {getattr(options, low)} is above {high}; say at most as much")

    def corpora(self) -> dict[str, CorpusSpec]:
        """What a run learns from: ``photos``, and ``cartoons`` or, with several styles, those of each that learns."""
        learn = [self.adapters.train] if self.adapters.train else list(self.styles)
        cartoons = {f"cartoons of {style}": self.styles[style] for style in learn} if learn else {}
        return {"photos": self.photos, **(cartoons or {"cartoons": self.cartoons})}

    def perceives(self) -> bool:
        """Whether one of its terms looks at perceptual features."""
        return any(getattr(self.weights, term) for term in PERCEPTUAL)

    def abstracts(self) -> bool:
        """Whether one of its terms looks at the photograph's flow-based abstraction."""
        return any(getattr(self.weights, term) for term in ABSTRACTED)

    def hash(self) -> str:
        """Stable 64-digit hash; what does not change the result (how often things are saved) is left out.

        So are loss terms that came later than :data:`FIRST_TERMS` and have no weight, and other options that came later
        (:data:`LATER`) while they hold their defaults: records of before stay valid.
        """
        values = dataclasses.asdict(self)
        for name in SAVING:
            values.pop(name)
        values["weights"] = {
            term: weight for term, weight in values["weights"].items() if weight or term in FIRST_TERMS
        }
        for *groups, name in (option.split(".") for option in LATER):
            place, default = values, dataclasses.asdict(RunConfig())
            for group in groups:
                place, default = place.get(group, {}), default[group]
            if name in place and place[name] == default[name]:
                del place[name]
        return digest(values)


PERCEPTUAL = ("content", "structure", "abstraction_features", "projected")  # terms that look at perceptual features
ABSTRACTED = ("abstraction", "abstraction_features", "smoothness")  # at the photograph's flow-based abstraction
SAVING = ("checkpoint_every", "sample_every", "trail_every")  # change no result
FIRST_TERMS = ("surface", "texture", "structure", "content", "tv", "pixel")
LATER = (
    "generator", "residual", "edges", "pool", "kept", "flow", "styles", "adapters", "photos.look", "cartoons.look",
    "photo_crops", "cartoon_crops", "lr_end", "lr_fall", "flow.side", "average", "output.guide", "shift",
    "structure.gain", "cycle",
)  # fmt: skip


@dataclass(frozen=True)
class Measure:
    """How distances are measured: networks that must differ from the one that trains, and N."""

    networks: Annotated[tuple[Features, ...], Range(1)] = ("random_resnet18",)
    crops: Several = 32  # number of crops on each side
    size: Side = 64
    kid_subsets: AtLeastOne = 20
    kid_subset_size: Several = 16
    bootstraps: Several = 50
    seed: Count = 0

    def __post_init__(self) -> None:
        if self.kid_subset_size > self.crops:
            raise UserError(
                f"kid_subset_size: {self.kid_subset_size} is more than crops, {self.crops}; say at most as many"
            )
        if "squeezenet1_1" in self.networks and self.size < SQUEEZENET:
            raise UserError(f"size: {self.size} is too small for squeezenet1_1; say at least {SQUEEZENET}")


def run_config(values: Mapping[str, Any], where: str = "run") -> RunConfig:
    """A run configuration from plain values (YAML, JSON).

    ``preset`` is expanded first. Each of ``styles`` is ``cartoons`` with what the style says of its own; one that is
    ``false`` is left out, so that a child can drop it.
    """
    values = dict(mapping(values, where))
    preset = values.pop("preset", None)
    if preset is not None:
        if not isinstance(preset, str) or preset not in PRESETS:
            raise UserError(f"{where}: unknown preset {said(preset)}; known are: {', '.join(PRESETS)}")
        values = merge(PRESETS[preset], values)
    if isinstance(styles := values.get("styles"), Mapping):
        cartoons = mapping(values.get("cartoons"), f"{where}.cartoons")
        values["styles"] = {
            name: merge(cartoons, mapping(own, f"{where}.styles.{said(name)}"))
            for name, own in styles.items()
            if own is not False
        }
    return build(RunConfig, values, where)


def to_dict(config: Any) -> dict[str, Any]:
    """Plain values of a configuration, ready for YAML or JSON."""
    return dataclasses.asdict(config)
