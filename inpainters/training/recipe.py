"""Recipes: one TOML file per method, checked key by key before anything runs."""

import inspect
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from inpainters.errors import InputError, unknown
from inpainters.masks import GENERATORS

NETWORKS: dict[str, str] = {
    "gated_conv": "inpainters.networks.gated:GatedGenerator",
    "contextual_attention": "inpainters.networks.contextual_attention:ContextualAttentionGenerator",
    "partial_conv": "inpainters.networks.partial:PartialUNet",
    "context_encoder": "inpainters.networks.context_encoder:ContextEncoder",
    "pen_net": "inpainters.networks.pen_net:PenNet",
    "denoiser": "inpainters.networks.denoiser:Denoiser",
    "latent_diffusion": "inpainters.networks.denoiser:Denoiser",
    "autoencoder": "inpainters.networks.autoencoder:Autoencoder",
}
"""Weights -> `module:class` of their network; what its `forward` takes depends on what it is trained for."""
OBJECTIVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "inpainting": ("inpainters.training.loop:Trainer", ("image", "mask")),
    "denoising": ("inpainters.training.denoising:DenoisingTrainer", ("noisy", "timestep")),
    "latent_inpainting": ("inpainters.training.denoising:LatentTrainer", ("noisy", "timestep", "context")),
    "autoencoding": ("inpainters.training.autoencoding:AutoencodingTrainer", ("image",)),
}
"""What a network is trained for -> `module:class` of the trainer, and what the network's `forward` takes
first.
"""
DISCRIMINATORS: dict[str, str] = {
    "sn_patch_gan": "inpainters.networks.discriminators:SNPatchGAN",
    "centre": "inpainters.networks.discriminators:CentreDiscriminator",
}
"""Name in `[discriminator]` -> `module:class`, whose `forward(image, mask[, guide])` returns scores."""
CHOICES = {
    "objective": tuple(OBJECTIVES),
    "losses.distance": ("l1", "l2"),
    "losses.per": ("region", "picture"),
    "losses.network": ("lpips_squeeze", "squeezenet", "vgg16", "none"),
    "discriminator.name": tuple(DISCRIMINATORS),
    "discriminator.loss": ("hinge", "cross_entropy"),
}
LEAST = {
    "data.crop": 8,
    "data.cap": 8,
    "optimizer.batch": 1,
    "optimizer.steps": 1,
    "every.log": 1,
    "every.picture": 1,
    "every.validate": 1,
}
SHARES = (
    "data.guide",
    "data.held_out",
    "masks.window",
    "masks.whole",
    "masks.beyond",
    "losses.discount",
    "losses.perceptual_from",
)
ABOVE_ZERO = ("optimizer.rate", "optimizer.clip", "discriminator.rate", "masks.window", "losses.discount")
FOLDER = Path(__file__).parent / "recipes"
CLASS = "class"
"""Key of `[network]`: another class of the same module, such as a slim form of the paper's network."""


@dataclass(frozen=True)
class Data:
    """What the network sees."""

    crop: int = 256
    cap: int = 512
    """Shorter sides above this are shrunk to it when the pictures are decoded."""
    held_out: float = 0.01
    """Share of the pictures that are kept for validation, chosen by their names."""
    workers: int = 0
    guide: float = 0.0
    """Share of the samples that come with a sketch of the hole's edges; the others' guide is 0. Where 0, the
    network is given none.
    """


@dataclass(frozen=True)
class Masks:
    """Generators of `inpainters.masks` and their shares, and the range of the hole's share of the picture."""

    mix: dict[str, float] = field(default_factory=lambda: {"irregular": 0.4, "brush": 0.4, "box": 0.2})
    low: float = 0.02
    high: float = 0.6
    window: float = 1.0
    """Side of the centre square that holes are drawn in, as a share of the picture's; `low` and `high` are
    shares of that square.
    """
    whole: float = 0.0
    """Share of the masks that take all of that square; below a window of 1 validation has only those."""
    beyond: float = 0.0
    """Share of the masks that also lack a strip along one or two sides, as where a window reaches beyond its
    picture.
    """


@dataclass(frozen=True)
class Optimizer:
    """AdamW; the rate rises over `warmup` steps, then stays, and falls to 0 in a short run of its own
    (`--decay`).
    """

    batch: int = 16
    rate: float = 5e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0
    warmup: int = 200
    clip: float = 1.0
    """Largest norm of the gradient."""
    average: float = 0.999
    """Decay of the moving average of the weights."""
    steps: int = 1_000_000
    bf16: bool = True
    """Networks and perceptual distance run in bf16 where that is safe (autocast)."""
    compile: bool = False
    """Compile the network first, where a C++ compiler is at hand: a minute at the start, and in bf16 a third
    less per step.
    """


@dataclass(frozen=True)
class Losses:
    """Weights of the losses; those of 0 are not computed."""

    distance: str = "l1"
    """ "l1" or "l2" (squared) between pixels."""
    per: str = "region"
    """Pixel losses and boundary variation are divided by the pixels of their "region", or of the whole
    "picture" (Liu 2018).
    """
    hole: float = 1.0
    valid: float = 0.1
    coarse: float = 0.5
    """On the stages before the last, averaged."""
    discount: float = 1.0
    """Weight in the hole per pixel of distance to what is known (Yu 2018: 0.99)."""
    network: str = "lpips_squeeze"
    """The perceptual network: "lpips_squeeze", "squeezenet", "vgg16" or "none"."""
    perceptual: float = 1.0
    perceptual_from: float = 0.1
    """Share of the perceptual weight at step 0; it rises to 1 over `perceptual_rise` steps (a full one at
    once draws grids).
    """
    perceptual_rise: int = 2000
    style: float = 0.0
    """Of the perceptual network's Gram matrices."""
    style_from: int = 0
    """Step at which it joins."""
    raw: bool = False
    """Perceptual and style losses are of the composite, and of the raw output too (Liu 2018)."""
    boundary: float = 0.0
    adversarial: float = 0.0
    adversarial_from: int = 0
    """Step at which the discriminator joins."""
    denoising: float = 0.0
    """Squared error of what a denoiser predicts."""
    min_snr: float = 5.0
    """Bound of that error's weight by the signal-to-noise ratio (Hang et al. 2023); 0 weighs all alike."""


@dataclass(frozen=True)
class Discriminator:
    """The other player, where `losses.adversarial` is not 0; Adam, whose rate rises and falls with the
    generator's.
    """

    name: str = "sn_patch_gan"
    loss: str = "hinge"
    widths: tuple[int, ...] = ()
    """Channels per layer; the paper's where empty."""
    rate: float = 1e-4
    betas: tuple[float, float] = (0.5, 0.999)


@dataclass(frozen=True)
class Every:
    """Minutes between checkpoints; steps between log rows, picture grids and validations."""

    checkpoint_minutes: float = 4.0
    log: int = 20
    picture: int = 500
    validate: int = 500
    validation_pictures: int = 48


@dataclass(frozen=True)
class Recipe:
    """All that fixes a training run but its data folders and its device."""

    method: str
    """Name of the weights: the method's, where they serve one alone."""
    objective: str = "inpainting"
    title: str = ""
    paper: str = ""
    departures: tuple[str, ...] = ()
    """From the paper, one sentence each, for the card."""
    limits: tuple[str, ...] = ()
    """What it cannot do, one sentence each, for the card."""
    terms: dict[str, str] = field(default_factory=dict)
    """Data folder's name -> what it is and its terms, for the card."""
    seed: int = 0
    stages: int = 0
    """Only so many of the network's stages are trained and scored; all where 0."""
    network: dict[str, Any] = field(default_factory=dict)
    data: Data = Data()
    masks: Masks = Masks()
    optimizer: Optimizer = Optimizer()
    losses: Losses = Losses()
    discriminator: Discriminator = Discriminator()
    every: Every = Every()

    def build(self) -> Any:
        """The method's network with fresh weights drawn from the recipe's seed."""
        import torch

        torch.manual_seed(self.seed)
        keys = {key: value for key, value in self.network.items() if key != CLASS}
        return _built(
            network_class(self.method, self.network.get(CLASS), OBJECTIVES[self.objective][1]),
            keys,
            "network",
        )

    def trainer(self) -> Any:
        """The class that trains it."""
        return _imported(OBJECTIVES[self.objective][0])

    def build_discriminator(self) -> Any:
        """The discriminator with fresh weights drawn from the recipe's seed."""
        import torch

        torch.manual_seed(self.seed + 1)
        keys: dict[str, Any] = {"guided": True} if self.data.guide else {}
        if self.discriminator.widths:
            keys["widths"] = self.discriminator.widths
        return _built(_imported(DISCRIMINATORS[self.discriminator.name]), keys, "discriminator")

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def load(name: str, *, device: str = "cpu") -> Recipe:
    """Read a recipe by its name or path; on the CPU its `[cpu]` section overrides the rest.

    Raises InputError for a recipe that is not there, is not TOML, or has a key or a value that cannot be
    used.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise unknown("recipe", name, (p.stem for p in FOLDER.glob("*.toml")))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The recipe '{path.name}' is not valid TOML: {error}.") from None
    cpu = table.pop("cpu", {})
    base = parse(table, path.name)
    if not isinstance(cpu, dict):
        raise InputError(f"{path.name}: [cpu] is a section, with the keys that differ on a processor.")
    slim = parse(merged(table, cpu), path.name)
    return slim if device == "cpu" else base


def parse(table: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """A recipe from a table; raises InputError with a suggestion for an unknown key."""
    recipe = _fill(Recipe, table, name)
    _check_values(recipe, name)
    network = network_class(recipe.method, recipe.network.get(CLASS), OBJECTIVES[recipe.objective][1])
    _check(recipe.network, [*inspect.signature(network).parameters, CLASS], f"{name}, [network]")
    if recipe.data.guide and "guide" not in inspect.signature(network.forward).parameters:
        raise InputError(f"{name}: {network.__name__} takes no guide; leave out data.guide.")
    return recipe


def _check_values(recipe: Recipe, name: str) -> None:
    for place, choices in CHOICES.items():
        if (value := _at(recipe, place)) not in choices:
            raise InputError(f"{name}: {unknown(place, value, choices)}")
    for place, least in LEAST.items():
        if _at(recipe, place) < least:
            raise InputError(f"{name}: {place} must be {least} or more.")
    if recipe.data.cap < recipe.data.crop:
        raise InputError(
            f"{name}: data.cap must be data.crop or more: crops are cut from pictures of that size."
        )
    if not 0 <= recipe.masks.low < recipe.masks.high <= 1:
        raise InputError(f"{name}: masks.low and masks.high must satisfy 0 <= low < high <= 1.")
    for place in SHARES:
        if not 0 <= _at(recipe, place) <= 1:
            raise InputError(f"{name}: {place} is a share between 0 and 1.")
    for place in ABOVE_ZERO:
        if not _at(recipe, place) > 0:
            raise InputError(f"{name}: {place} must be above 0.")
    for place in ("optimizer.betas", "discriminator.betas"):
        if not all(0 <= beta < 1 for beta in _at(recipe, place)):
            raise InputError(f"{name}: {place} must lie between 0 and 1.")
    if recipe.seed < 0 or recipe.stages < 0 or not 0 <= recipe.optimizer.average < 1:
        raise InputError(
            f"{name}: seed and stages must be 0 or more, and optimizer.average at least 0 and below 1."
        )
    if any(isinstance(weight, float) and weight < 0 for weight in vars(recipe.losses).values()):
        raise InputError(f"{name}: the weights of [losses] must be 0 or more.")
    _check(recipe.masks.mix, GENERATORS, f"{name}, masks.mix")
    if not recipe.masks.mix or not all(
        isinstance(v, int | float) and v > 0 for v in recipe.masks.mix.values()
    ):
        raise InputError(f"{name}: masks.mix needs a mask generator with a share above 0.")


def _at(recipe: Recipe, place: str) -> Any:
    return attrgetter(place)(recipe)


def _built(kind: type, keys: Mapping[str, Any], section: str) -> Any:
    try:
        return kind(**keys)
    except (TypeError, ValueError, RuntimeError, IndexError, KeyError) as error:
        why = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        raise InputError(
            f"No {kind.__name__} can be built from [{section}] ({why}); check its values."
        ) from None


def _imported(place: str) -> Any:
    module, _, attribute = place.partition(":")
    return getattr(import_module(module), attribute)


def network_class(method: str, name: str | None = None, takes: Sequence[str] = ("image", "mask")) -> type:
    """The class of a method's network: its row in NETWORKS, or the class of that module called `name`; its
    `forward` `takes` these.

    Raises InputError with a suggestion for an unknown method or class.
    """
    if method not in NETWORKS:
        raise unknown("method", method, NETWORKS)
    place, _, attribute = NETWORKS[method].partition(":")
    module = import_module(place)
    classes = {
        key: value for key, value in vars(module).items() if inspect.isclass(value) and _takes(value, takes)
    }
    if (name or attribute) not in classes:
        raise unknown(f"network class of {method}", str(name), classes)
    return classes[name or attribute]


def _takes(kind: type, names: Sequence[str]) -> bool:
    """True for a network whose `forward` takes these first."""
    forward = getattr(kind, "forward", None)
    return callable(forward) and list(inspect.signature(forward).parameters)[1 : 1 + len(names)] == list(
        names
    )


def merged(table: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` on top of `table`, section by section; a `[network]` of another class shares no keys, so it
    replaces the whole.
    """
    both = dict(table)
    for key, value in over.items():
        whole = not isinstance(value, dict) or (key == "network" and CLASS in value)
        both[key] = value if whole else {**both.get(key, {}), **value}
    return both


def _fill(kind: type, table: Mapping[str, Any], where: str) -> Any:
    known = {f.name: f for f in fields(kind)}
    _check(table, known, where)
    if kind is Recipe and "method" not in table:
        raise InputError(f"{where} has no 'method'; add one, for example method = \"gated_conv\".")
    defaults = kind(method="") if kind is Recipe else kind()
    return kind(
        **{key: _value(getattr(defaults, key), value, f"{where}, {key}") for key, value in table.items()}
    )


def _check(table: Mapping[str, Any], known: Any, where: str) -> None:
    for key in table:
        if key not in known:
            raise InputError(f"{where}: {unknown('key', key, known)}")


def _value(default: Any, value: Any, where: str) -> Any:
    if is_dataclass(default) and isinstance(value, dict):
        return _fill(type(default), value, where)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(default, tuple) and isinstance(value, list):
        return _sequence(default, value, where)
    if type(value) is not type(default):
        raise InputError(f"{where}: expected {type(default).__name__}, not {str(value)[:40]!r}.")
    return value


def _sequence(default: tuple[Any, ...], values: list[Any], where: str) -> tuple[Any, ...]:
    """Of numbers like the default's, and as many; of texts or whole numbers where the default is empty."""
    if default and len(values) != len(default):
        raise InputError(f"{where}: expected {len(default)} values, not {len(values)}.")
    if default:
        return tuple(_value(a, b, where) for a, b in zip(default, values, strict=True))
    if not all(isinstance(value, str) for value in values) and not all(
        type(value) is int and value > 0 for value in values
    ):
        raise InputError(f"{where}: expected a list of texts, or of whole numbers above 0.")
    return tuple(values)
