"""Recipes: one TOML file per method, checked key by key before anything runs."""

import hashlib
import inspect
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import (
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic.dataclasses import dataclass

from inpainters.errors import InputError, unknown
from inpainters.training.checks import (
    Above0,
    Count,
    Decays,
    Share,
    Shares,
    Side,
    Some,
    Texts,
    Widths,
    choice,
    complaint,
    refuse,
    rule,
)
from inpainters.weights.table import WEIGHTS

if TYPE_CHECKING:
    from torch import nn

OBJECTIVES: dict[str, tuple[str, tuple[str, ...]]] = {
    "inpainting": ("inpainters.training.loop:Trainer", ("image", "mask")),
    "denoising": ("inpainters.training.denoising:DenoisingTrainer", ("noisy", "timestep")),
    "latent_inpainting": ("inpainters.training.denoising:LatentTrainer", ("noisy", "timestep", "context")),
    "hole_denoising": (
        "inpainters.training.denoising:PaletteTrainer",
        ("noisy", "timestep", "context"),
    ),
    "autoencoding": ("inpainters.training.autoencoding:AutoencodingTrainer", ("image",)),
}
"""What a network is trained for -> `module:class` of the trainer,
and what the network's `forward` takes first.
"""
DISCRIMINATORS: dict[str, str] = {
    "sn_patch_gan": "inpainters.networks.discriminators:SNPatchGAN",
    "centre": "inpainters.networks.discriminators:CentreDiscriminator",
}
"""Name in `[discriminator]` -> `module:class`, whose `forward(image, mask[, guide])` returns scores."""
RECIPES = Path(__file__).parent / "recipes"
CLASS = "class"
"""Key of `[network]`: another class of the same module, such as a slim form of the paper's network."""
_TABLE = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=_TABLE)
class Data:
    """What the network sees."""

    crop: Side = 256
    cap: Side = 512
    """Shorter sides above this are shrunk to it when the pictures are decoded."""
    held_out: Share = 0.01
    """Share of the pictures that are kept for validation, chosen by their names."""
    workers: StrictInt = 0
    resident: StrictBool = False
    """All pictures lie on the device, and crops are cut there (`resident.py`); not with a guide."""
    guide: Share = 0.0
    """Share of the samples that come with a sketch of the hole's edges; the others' guide is 0. Where 0, the
    network is given none.
    """

    @model_validator(mode="after")
    def _cut_from_what_is_kept(self) -> Self:
        if self.cap < self.crop:
            said = "data.cap must be data.crop or more: crops are cut from pictures of that size"
            raise refuse("section", said)
        if self.resident and self.guide:
            said = "data.resident is for recipes without data.guide: sketches are drawn by the processor"
            raise refuse("section", said)
        return self


@dataclass(frozen=True, config=_TABLE)
class Masks:
    """Generators of `inpainters.masks` and their shares, and the range of the hole's share of the picture."""

    mix: Shares = Field(default_factory=lambda: {"irregular": 0.4, "brush": 0.4, "box": 0.2})
    low: StrictFloat = 0.02
    high: StrictFloat = 0.6
    window: Some = 1.0
    """Side of the centre square that holes are drawn in, as a share of the picture's; `low` and `high` are
    shares of that square.
    """
    whole: Share = 0.0
    """Share of the masks that take all of that square; below a window of 1 validation has only those."""
    bank: Annotated[StrictInt, rule(lambda count: count >= 0, "must be 0 or more")] = 0
    """Holes that all processors draw before the first step, each seen in the eight symmetries of the square;
    0 draws a new one for each crop, or where data.resident says so `resident.MASKS` beforehand.
    """
    beyond: Share = 0.0
    """Share of the masks that also lack a strip along one or two sides,
    as where a window reaches beyond its picture.
    """

    @model_validator(mode="after")
    def _range(self) -> Self:
        if not 0 <= self.low < self.high <= 1:
            raise refuse("section", "masks.low and masks.high must satisfy 0 <= low < high <= 1")
        return self


@dataclass(frozen=True, config=_TABLE)
class Optimizer:
    """AdamW; the rate rises over `warmup` steps, then stays,
    and falls to 0 in a short run of its own (`--decay`).
    """

    batch: Count = 16
    rate: Above0 = 5e-4
    betas: Decays = (0.9, 0.99)
    weight_decay: StrictFloat = 0.0
    warmup: StrictInt = 200
    clip: Above0 = 1.0
    """Largest norm of the gradient."""
    average: StrictFloat = 0.999
    """Decay of the moving average of the weights."""
    steps: Count = 1_000_000
    bf16: StrictBool = True
    """Networks and perceptual distance run in bf16 where that is safe (autocast)."""
    compile: StrictBool = False
    """Compile the network first, where a C++ compiler is at hand: a minute at the start, and in bf16 a third
    less per step.
    """
    capture: StrictBool = False
    """On one GPU a denoiser's step is recorded once as a CUDA graph and replayed (`captured.py`); several
    processes take their steps as usual.
    """


@dataclass(frozen=True, config=_TABLE)
class Losses:
    """Weights of the losses; those of 0 are not computed."""

    distance: Annotated[StrictStr, choice("l1", "l2")] = "l1"
    """ "l1" or "l2" (squared) between pixels."""
    per: Annotated[StrictStr, choice("region", "picture")] = "region"
    """Pixel losses and boundary variation are divided by the pixels of their "region", or of the whole
    "picture" (Liu 2018).
    """
    hole: StrictFloat = 1.0
    valid: StrictFloat = 0.1
    coarse: StrictFloat = 0.5
    """On the stages before the last, averaged."""
    discount: Some = 1.0
    """Weight in the hole per pixel of distance to what is known (Yu 2018: 0.99)."""
    network: Annotated[StrictStr, choice("lpips_squeeze", "squeezenet", "vgg16", "none")] = "lpips_squeeze"
    """The perceptual network: "lpips_squeeze", "squeezenet", "vgg16" or "none"."""
    perceptual: StrictFloat = 1.0
    perceptual_from: Share = 0.1
    """Share of the perceptual weight at step 0; it rises to 1 over `perceptual_rise` steps (a full one at
    once draws grids).
    """
    perceptual_rise: StrictInt = 2000
    style: StrictFloat = 0.0
    """Of the perceptual network's Gram matrices."""
    style_from: StrictInt = 0
    """Step at which it joins."""
    raw: StrictBool = False
    """Perceptual and style losses are of the composite, and of the raw output too (Liu 2018)."""
    boundary: StrictFloat = 0.0
    adversarial: StrictFloat = 0.0
    adversarial_from: StrictInt = 0
    """Step at which the discriminator joins."""
    features: StrictFloat = 0.0
    """On the features that the discriminator has of the composite and of the photograph."""
    denoising: StrictFloat = 0.0
    """Squared error of what a denoiser predicts."""
    min_snr: StrictFloat = 5.0
    """Bound of that error's weight by the signal-to-noise ratio (Hang et al. 2023); 0 weighs all alike."""

    @model_validator(mode="after")
    def _weights(self) -> Self:
        if any(isinstance(weight, float) and weight < 0 for weight in vars(self).values()):
            raise refuse("section", "the weights of [losses] must be 0 or more")
        return self


@dataclass(frozen=True, config=_TABLE)
class Discriminator:
    """The other player, where `losses.adversarial` is not 0;
    Adam, whose rate rises and falls with the generator's.
    """

    name: Annotated[StrictStr, choice(*DISCRIMINATORS)] = "sn_patch_gan"
    loss: Annotated[StrictStr, choice("hinge", "cross_entropy")] = "hinge"
    widths: Widths = ()
    """Channels per layer; the paper's where empty."""
    r1: Annotated[StrictFloat, rule(lambda weight: weight >= 0, "must be 0 or more")] = 0.0
    """Weight of the penalty on its gradient at photographs."""
    hole_only: StrictBool = False
    """Only the scores over the hole count: what is known is the same in composite and photograph."""
    spectral: StrictBool = True
    """Spectral normalisation; it holds logits near 0, where cross entropy learns little, so not with R1."""
    rate: Above0 = 1e-4
    betas: Decays = (0.5, 0.999)


@dataclass(frozen=True, config=_TABLE)
class Every:
    """Minutes between checkpoints; steps between log rows, picture grids and validations."""

    checkpoint_minutes: StrictFloat = 4.0
    log: Count = 20
    picture: Count = 500
    validate: Count = 500
    validation_pictures: StrictInt = 48


@dataclass(frozen=True, config=_TABLE)
class Recipe:
    """All that fixes a training run but its data folders and its device."""

    method: StrictStr
    """Name of the weights: the method's, where they serve one alone."""
    objective: Annotated[StrictStr, choice(*OBJECTIVES)] = "inpainting"
    title: StrictStr = ""
    paper: StrictStr = ""
    departures: Texts = ()
    """From the paper, one sentence each, for the card."""
    limits: Texts = ()
    """What it cannot do, one sentence each, for the card."""
    terms: dict[StrictStr, StrictStr] = Field(default_factory=dict)
    """Data folder's name -> what it is and its terms, for the card."""
    seed: StrictInt = 0
    stages: StrictInt = 0
    """Only so many of the network's stages are trained and scored; all where 0."""
    begin: StrictStr = ""
    """The bundled weights that a run begins with where none of its own are bundled yet: a denoiser's."""
    fresh: Texts = ()
    """Parts of the network that begin with fresh weights where the others begin with the bundled ones; once,
    until weights that began so are bundled.
    """
    network: dict[StrictStr, Any] = Field(default_factory=dict)
    data: Data = Data()
    masks: Masks = Masks()
    optimizer: Optimizer = Optimizer()
    losses: Losses = Losses()
    discriminator: Discriminator = Discriminator()
    every: Every = Every()

    @model_validator(mode="after")
    def _numbers(self) -> Self:
        if self.losses.features and (self.discriminator.name == "centre" or not self.losses.adversarial):
            said = 'losses.features needs losses.adversarial and a discriminator of the kind "sn_patch_gan"'
            raise refuse("section", said)
        if self.seed < 0 or self.stages < 0 or not 0 <= self.optimizer.average < 1:
            said = "seed and stages must be 0 or more, and optimizer.average at least 0 and below 1"
            raise refuse("section", said)
        plain = self.losses.network == "none" and not (self.losses.adversarial or self.data.guide)
        if self.optimizer.capture and not (plain and "denoising" in self.objective):
            said = (
                'optimizer.capture needs a denoising objective and losses.network = "none", and neither '
                "losses.adversarial nor data.guide"
            )
            raise refuse("section", said)
        return self

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
        if not self.discriminator.spectral:
            keys["spectral"] = False
        if self.discriminator.widths:
            keys["widths"] = self.discriminator.widths
        return _built(_imported(DISCRIMINATORS[self.discriminator.name]), keys, "discriminator")

    def settings(self) -> dict[str, Any]:
        """What a card has of the recipe, as plain values: all that changes what is learned."""
        given = TypeAdapter(Recipe).dump_python(self, mode="json")
        del given["optimizer"]["capture"]  # how a step is asked for
        kept = ("network", "masks", "losses", "optimizer", "discriminator", "stages", "fresh", "seed")
        return {
            "crop": self.data.crop,
            "cap": self.data.cap,
            "guide": self.data.guide,
            "batch": self.optimizer.batch,
            **{name: given[name] for name in kept},
        }

    @property
    def digest(self) -> str:
        """Of all that changes what is trained: its words, how often it reports, and how a step is asked for
        are not in it.
        """
        left_out = {"title", "paper", "departures", "limits", "terms", "every"}
        recipe = replace(self, optimizer=replace(self.optimizer, capture=False))
        given = TypeAdapter(Recipe).dump_python(recipe, mode="json", exclude=left_out, exclude_defaults=True)
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:16]


def load_recipe(name: str, *, device: str = "cpu", slim: bool = False) -> Recipe:
    """Read a recipe by its name or path; on the CPU its `[cpu]` section overrides the rest. So it does on a
    GPU where the network is to be as `slim`, and what `[gpu]` says on top of it.

    Raises InputError for a recipe that is not there, is not TOML,
    or has a key or a value that cannot be used.
    """
    path = Path(name) if name.endswith(".toml") else RECIPES / f"{name}.toml"
    if not path.is_file():
        raise unknown("recipe", name, (p.stem for p in RECIPES.glob("*.toml")))
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"The recipe '{path.name}' is not valid TOML: {error}.") from None
    cpu, gpu = table.pop("cpu", {}), table.pop("gpu", {})
    for section, where in ((cpu, "[cpu]"), (gpu, "[gpu]")):
        if not isinstance(section, dict):
            raise InputError(f"{path.name}: {where} is a section, with the keys that differ there.")
    small = merged(table, cpu)
    found = [parse(given, path.name) for given in (table, small, merged(small, gpu))]
    return found[1 if device == "cpu" else 2 if slim else 0]


def parse(table: Mapping[str, Any], name: str = "recipe") -> Recipe:
    """A recipe from a table; raises InputError with a suggestion for an unknown key."""
    try:
        recipe = TypeAdapter(Recipe).validate_python(dict(table))
    except ValidationError as error:
        raise InputError(complaint(error, Recipe, name)) from None
    network = network_class(recipe.method, recipe.network.get(CLASS), OBJECTIVES[recipe.objective][1])
    known = [*inspect.signature(network).parameters, CLASS]
    if strange := [key for key in recipe.network if key not in known]:
        raise InputError(f"{name}, [network]: {unknown('key', strange[0], known)}")
    if recipe.data.guide and "guide" not in inspect.signature(network.forward).parameters:
        raise InputError(f"{name}: {network.__name__} takes no guide; leave out data.guide.")
    return recipe


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


def trained() -> dict[str, str]:
    """Weights that a recipe can train -> `module:class` of their network; what its `forward` takes depends on
    what it is trained for.
    """
    return {row.name: row.network for row in WEIGHTS.values() if row.network}


def network_class(
    method: str, name: str | None = None, takes: Sequence[str] = ("image", "mask")
) -> "type[nn.Module]":
    """The class of a method's network: that of its row in WEIGHTS, or the class of that module called `name`;
    its `forward` `takes` these.

    Raises InputError with a suggestion for an unknown method or class.
    """
    known = trained()
    if method not in known:
        raise unknown("method", method, known)
    place, _, attribute = known[method].partition(":")
    module = import_module(place)
    classes: dict[str, Any] = {
        key: value for key, value in vars(module).items() if inspect.isclass(value) and _takes(value, takes)
    }
    if (name or attribute) not in classes:
        raise unknown(f"network class of {method}", str(name), classes)
    found: type[nn.Module] = classes[name or attribute]
    return found


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
