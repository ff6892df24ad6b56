"""What the field commonly says of inpainting, each belief beside the rows of `results/` that bear on it.

A belief is tried by comparisons of which each is for it, against it, or undecided; the verdict follows from
these alone, and every sentence is computed from the rows.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Literal

import pandas as pd

from benchmark import results
from benchmark.cells import read_json, split_entry
from benchmark.metrics import METRICS
from benchmark.report.stats import MIN_WINNER, Difference, mean_difference
from benchmark.report.summary import FULL, by_hole, figures_of, over_answers, paired
from benchmark.report.tables import number, reach
from benchmark.results import WHOLE_SET, Results
from inpainters.errors import InputError
from inpainters.masks import BINS
from inpainters.registry import METHODS
from inpainters.weights.files import CHECKPOINTS

Bearing = Literal["for", "against", "undecided"]
Judgement = Literal["Supported", "Mixed", "Not supported", "Not enough evidence"]
RULE = (
    "A comparison is for a belief or against it where the 95 % interval of its paired "
    "differences leaves out 0 and "
    f"Wilcoxon's signed-rank test agrees, over {MIN_WINNER} photographs or more; else it is "
    f"undecided. Supported: half of "
    "the comparisons or more are for the belief, and none against it. Not supported: the other "
    "way round. Mixed: "
    "there are some of both. Of a family of methods the best is compared, chosen on the same holes."
)
EVIDENCE = (
    *(f"{name}/scores.parquet" for name in ("photos", "answers", "center_box")),
    "detail/detail.csv",
    "ablations/ablations.csv",
)
"""The files below `results/` that verdicts hang on."""
WITH_DISCRIMINATOR = ("context_encoder", "contextual_attention", "gated_conv", "pen_net", "lama")
"""The one-pass networks that learned against a discriminator in their papers."""
ONE_PASS = (*WITH_DISCRIMINATOR, "partial_conv")
DIFFUSING = ("replacement", "repaint", "ddnm", "dpm_solver", "latent_diffusion")
COPYING = "patchmatch"
WITHOUT_LEARNING = ("telea", "navier_stokes", "biharmonic", "fsr", "shift_map", "patchmatch")
JUDGE = ("haarpsi", "whole")
"""The metric that decides: no network here was trained by it, and it follows people's opinions better than
PSNR (Reisenhofer et al. 2018).
"""
OF_SETS = ("kd_squeeze_u", "whole")
"""How near the fills as a set are to the originals: no fill has to be its own original."""
EDGE = ("l1", "band")


@dataclass(frozen=True)
class Trial:
    """One comparison: how much better the one side is, in its metric's own unit."""

    label: str
    difference: Difference
    better: str
    """What a value above 0 says."""
    source: str
    """The results that it was computed from."""
    metric: str
    link: Mapping[str, str] = field(default_factory=dict)
    """Where its pictures are, as the page's query."""
    sign: int = 1
    """1 where a value above 0 is for the belief."""

    @property
    def side(self) -> Bearing:
        found = self.difference
        if not found.told_apart or found.value.photographs < MIN_WINNER:
            return "undecided"
        return "for" if found.value.mean * self.sign > 0 else "against"

    @property
    def told(self) -> str:
        """The difference with half the width of its interval."""
        value = self.difference.value
        return f"{number(value.mean)} ± {number(reach(value))}".replace("-", "−")


@dataclass(frozen=True)
class Claim:
    """A belief, and what was found."""

    name: str
    belief: str
    trials: tuple[Trial, ...]
    sentences: tuple[str, ...] = ()
    """What else the rows say."""
    lacking: str = ""
    """Why there is no comparison, and what would bring some."""

    @property
    def verdict(self) -> Judgement:
        found, half = self.sides, len(self.trials) / 2
        if found["for"] and found["against"]:
            return "Mixed"
        if max(found["for"], found["against"]) < max(half, 1):
            return "Not enough evidence"
        return "Supported" if found["for"] else "Not supported"

    @property
    def sides(self) -> Counter[Bearing]:
        """How many comparisons fell on each side."""
        return Counter(trial.side for trial in self.trials)

    @property
    def counted(self) -> str:
        """How the comparisons fell, as a sentence."""
        if not self.trials:
            return self.lacking
        found, n = self.sides, len(self.trials)
        words: dict[Bearing, str] = {"for": "for it", "against": "against it", "undecided": "undecided"}
        said = [f"{found[side]} {text}" for side, text in words.items() if found[side]]
        return f"{n} comparison{'s' * (n > 1)}: {', '.join(said)}."


# --- rows -----------------------------------------------------------------------------------------


def _suites(root: Path, name: str) -> list[Results]:
    try:
        file = results.row_file(root / name)
        return list(_read(root / name, file.stat().st_mtime_ns))
    except (InputError, OSError):
        return []


@lru_cache(maxsize=4)
def _read(folder: Path, stamp: int) -> tuple[Results, ...]:
    """Kept until the rows change: several beliefs ask for the same."""
    return tuple(results.load(folder).parts())


def _title(entry: str) -> str:
    method, options = split_entry(entry)
    title = METHODS[method].title if method in METHODS else method
    return f"{title} {options}" if options else title


@dataclass(frozen=True)
class _Column:
    """The holes of a suite, of one bin where it is named, by one metric."""

    suite: Results
    measure: tuple[str, str]
    label: str = ""

    @cached_property
    def wide(self) -> pd.DataFrame:
        """One line per hole, one column per entry, turned so that larger is better."""
        metric = self.measure[0]
        if self.measure not in self.suite.measured:
            return pd.DataFrame()
        rows = over_answers(figures_of(self.suite, *self.measure))
        rows = rows[rows["image_id"] != WHOLE_SET]
        rows = rows[rows["bin"] == self.label] if self.label else rows
        sign = 1.0 if METRICS[metric].better == "higher" else -1.0
        return by_hole(rows.assign(hole=rows["bin"] + "/" + rows["image_id"], value=sign * rows["value"]))

    def entries(self, methods: Sequence[str]) -> list[str]:
        """Those of the methods, at their defaults, that filled nearly all holes."""
        full = set(self.wide.columns[self.wide.notna().sum() >= FULL * len(self.wide)])
        return [name for name in methods if name in full]

    def best(self, methods: Sequence[str]) -> str | None:
        """The one of the methods with the best mean."""
        means = self.wide[self.entries(methods)].mean() if len(self.wide) else pd.Series(dtype=float)
        return str(means.idxmax()) if len(means) else None

    def trial(self, one: str | None, other: str | None, sign: int) -> list[Trial]:
        """The comparison of two entries, where both are there."""
        if one is None or other is None:
            return []
        where = f"{self.suite.mask_set}, {self.label} %" if self.label else self.suite.mask_set
        text = f"{_title(one)} against {_title(other)}, {where}"
        found = paired(self.wide, one, other)
        return [Trial(text, found, f"{_title(one)} is better", self.source, self.name, self.link, sign)]

    @property
    def name(self) -> str:
        return ", ".join(self.measure)

    @property
    def source(self) -> str:
        return f"{self.suite.suite}, `{self.suite.mask_set}` holes"

    @property
    def link(self) -> dict[str, str]:
        query = {"t": "leaderboard", "suite": self.suite.suite, "holes": self.suite.mask_set}
        return query | dict(zip(("metric", "region"), self.measure, strict=True))


# --- beliefs --------------------------------------------------------------------------------------


def _copies(root: Path) -> Claim:
    trials: list[Trial] = []
    for suite in _suites(root, "photos"):
        column = _Column(suite, JUDGE)
        for name in column.entries(ONE_PASS) if column.entries([COPYING]) else []:
            trials += column.trial(name, COPYING, -1)
    drawn = _detail(root)
    sentences = []
    if drawn is not None:
        sentences.append(
            f"Where a hole was drawn small and got detail from the surroundings, it lies "
            f"{drawn['distance'].mean():.1f} grey levels from what the network had drawn; "
            f"PatchMatch's own answer, which only copies, lies "
            f"{drawn['beside'].mean():.1f} from it ({len(drawn)} fills of `detail`)."
        )
    return Claim(
        "copies",
        "Inpainting just copies nearby texture.",
        tuple(trials),
        tuple(sentences),
        "It takes a method that only copies, beside networks: `python -m benchmark run photos`.",
    )


def _detail(root: Path) -> pd.DataFrame | None:
    try:
        rows = pd.read_csv(root / "detail" / "detail.csv")
        return rows[(rows["hold"] == -1) & rows["beside"].notna() & rows["distance"].notna()]
    except (OSError, ValueError, KeyError):
        return None


def _gans(root: Path) -> Claim:
    trials: list[Trial] = []
    for suite in _suites(root, "photos"):
        for measure in (JUDGE, OF_SETS):
            for column in (_Column(suite, measure, label) for label in BINS):
                trials += column.trial(column.best(WITH_DISCRIMINATOR), column.best(DIFFUSING), 1)
    return Claim(
        "gans",
        "Networks trained against a discriminator (GANs) always beat diffusion.",
        tuple(trials),
        (_training(),),
        "It takes networks and samplers on the same holes: `python -m benchmark run photos`.",
    )


def _deterministic(root: Path) -> Claim:
    trials: list[Trial] = []
    for suite in _suites(root, "answers"):
        column = _Column(suite, ("diversity_lpips_squeeze", "hole"))
        for name in column.entries(list(METHODS)):
            photographs = column.wide.index.get_level_values("photograph").to_numpy(str)
            found = mean_difference(column.wide[name].to_numpy(float), photographs)
            text = f"{_title(name)}: how far its answers to one hole lie apart"
            trials.append(
                Trial(text, found, "the answers differ", column.source, column.name, column.link, -1)
            )
    fixed = [spec.title for spec in METHODS.values() if not spec.stochastic]
    drawn = [spec.title for spec in METHODS.values() if spec.stochastic]
    sentence = (
        f"By their rows, {len(fixed)} methods give one answer whatever the seed ({_listed(fixed)}), and "
        f"{len(drawn)} draw another with each ({_listed(drawn)})."
    )
    return Claim(
        "deterministic",
        "A hole has one fill: the output is deterministic.",
        tuple(trials),
        (sentence,),
        "It takes several answers to each hole: `python -m benchmark run photos --answers 4`.",
    )


def _listed(titles: Sequence[str], most: int = 4) -> str:
    more = len(titles) - most
    return ", ".join(titles[:most]) + (f" and {more} more" if more > 0 else "")


def _partial(root: Path) -> Claim:
    trials: list[Trial] = []
    sentences: list[str] = []
    for suite in _suites(root, "photos"):
        if suite.mask_set != "irregular":
            continue
        error = {}
        others = [name for name in ONE_PASS if name != "partial_conv"]
        for column in (_Column(suite, EDGE, label) for label in BINS):
            if column.entries(["partial_conv"]):
                trials += column.trial("partial_conv", column.best(others), 1)
                error[column.label] = -float(column.wide["partial_conv"].mean())
        if len(error) > 1:
            (first, least), *_, (last, most) = error.items()
            sentences.append(
                f"Along the hole's edge its error grows from {number(least)} where {first} % are missing to "
                f"{number(most)} where {last} % are ({' in the '.join(EDGE)})."
            )
    return Claim(
        "partial",
        "Partial convolutions solved irregular holes.",
        tuple(trials),
        tuple(sentences),
        "It takes them beside other networks on irregular holes: `python -m benchmark run photos`.",
    )


def _rectangles(root: Path) -> Claim:
    """Paired by photograph: how far the context encoder lies behind on irregular holes, less how far in the
    box that it was made for.
    """
    method, trials = "context_encoder", []
    behind: dict[str, dict[str, pd.Series]] = {}
    for folder, kind in (("center_box", "box"), ("photos", "irregular")):
        for suite in _suites(root, folder):
            column = _Column(suite, JUDGE)
            if kind not in suite.mask_set or not column.entries([method]):
                continue
            for other in column.entries([name for name in ONE_PASS if name != method]):
                gap = (column.wide[other] - column.wide[method]).groupby("photograph").mean()
                behind.setdefault(other, {})[kind] = gap
    for other, gaps in behind.items():
        if len(gaps) == 2:
            more = (gaps["irregular"] - gaps["box"]).dropna()
            found = mean_difference(more.to_numpy(float), more.index.to_numpy(str))
            label = f"How much further behind {_title(other)} on irregular holes than in the middle box"
            trials.append(
                Trial(label, found, "it falls back further", "photos and center_box", ", ".join(JUDGE))
            )
    return Claim(
        "rectangles",
        "Methods made for fixed rectangles fail on irregular holes.",
        tuple(trials),
        lacking="It takes the middle box on the photographs of `photos`: `python -m benchmark "
        "run center_box`.",
    )


def _half(root: Path) -> Claim:
    trials: list[Trial] = []
    for suite in _suites(root, "photos"):
        column = _Column(suite, JUDGE, list(BINS)[-1])
        for other in column.entries((*WITHOUT_LEARNING, *DIFFUSING)):
            trials += column.trial(column.best(ONE_PASS), other, -1)
    return Claim(
        "half",
        "Convolutional networks fall behind where more than half is missing.",
        tuple(trials),
        lacking="It takes holes of 50 to 60 %: `python -m benchmark run photos`.",
    )


def _ablation(
    root: Path,
    name: str,
    belief: str,
    ablation: str,
    pair: tuple[str, str],
    tries: Mapping[str, tuple[str, Callable[[pd.Series], pd.Series]]],
) -> Claim:
    """Of two trainings that differ in one thing. `tries`: metric -> what is compared, and what makes it
    larger where it is better.
    """
    first, second = pair
    trials, means = [], []
    try:
        rows = pd.read_csv(root / "ablations" / "ablations.csv")
        rows = rows[rows["ablation"] == ablation]
    except (OSError, ValueError, KeyError):
        rows = pd.DataFrame(columns=["variant", "picture", "metric", "value"])
    for metric, (what, better) in tries.items():
        wide = rows[rows["metric"] == metric].pivot_table(index="picture", columns="variant", values="value")
        if {first, second} <= set(wide.columns):
            one, other = float(wide[first].mean()), float(wide[second].mean())
            means.append(f"{what} {number(one)} and {number(other)}")
            apart = better(wide[first]) - better(wide[second])
            found = mean_difference(apart.to_numpy(float), wide.index.to_numpy(str))
            trials.append(
                Trial(f"{what}: {first} against {second}", found, f"{first} is better", "ablations", metric)
            )
    lacking = "It takes two trainings: `python -m inpainters.training.ablations`."
    sentences = (f"Means of {first} and {second}: {'; '.join(means)}.",) if means else ()
    return Claim(name, belief, tuple(trials), sentences, lacking)


def _training() -> str:
    """How long the weights behind these figures learned, from their cards."""
    hours = {}
    for path in sorted(CHECKPOINTS.glob("*.json")):
        card = read_json(path) or {}
        hours[str(card.get("method"))] = float(card.get("hours") or 0)
    one_pass = [hours[name] for name in WITH_DISCRIMINATOR if name in hours]
    if not one_pass or "denoiser" not in hours:
        return "With other weights it may come out otherwise."
    return (
        f"All have this project's weights: the networks learned for {min(one_pass):g} to {max(one_pass):g} "
        f"hours of one core, the denoiser of the samplers for {hours['denoiser']:g}. With the "
        f"papers' weights "
        "it may come out otherwise."
    )


def _less(values: pd.Series) -> pd.Series:
    return -values


def _near_one(values: pd.Series) -> pd.Series:
    return -(values - 1).abs()


def _near_zero(values: pd.Series) -> pd.Series:
    return -values.abs()


_BELIEFS: tuple[Callable[[Path], Claim], ...] = (
    _copies,
    _gans,
    _deterministic,
    _partial,
    _rectangles,
    _half,
    partial(
        _ablation,
        name="l1",
        belief="L1 gives sharper fills than L2.",
        ablation="distance",
        pair=("l1", "l2"),
        tries={
            "variation": ("Total variation over the original's", _near_one),
            "lpips_squeeze": ("LPIPS (SqueezeNet)", _less),
        },
    ),
    partial(
        _ablation,
        name="seam",
        belief="Total variation on the hole's edge takes the seam away.",
        ablation="boundary",
        pair=("with", "without"),
        tries={"seam": ("The step across the edge less the original's", _near_zero)},
    ),
    partial(
        _ablation,
        name="stages",
        belief="A second network adds the detail that a coarse one leaves out.",
        ablation="stages",
        pair=("both", "coarse"),
        tries={
            "variation": ("Total variation over the original's", _near_one),
            "lpips_squeeze": ("LPIPS (SqueezeNet)", _less),
        },
    ),
)


def claims(root: Path) -> Iterator[Claim]:
    """The beliefs with what the results below `root` say of them."""
    for believe in _BELIEFS:
        yield believe(root)
