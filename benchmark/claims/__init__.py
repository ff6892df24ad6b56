"""What the field commonly says of inpainting, each belief beside the rows of `results/` that bear on it.

A belief is tried by comparisons of which each is for it, against it, or undecided; the verdict follows from
these alone, and every sentence is computed from the rows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from benchmark.cells import read_json
from benchmark.claims.columns import HoleColumn, suites_of, title_of
from benchmark.claims.trial import RULE, Claim, Trial
from benchmark.report.digits import number
from benchmark.report.stats import mean_difference
from inpainters.masks import BINS
from inpainters.registry import METHODS
from inpainters.weights.files import CHECKPOINTS

__all__ = ["EVIDENCE", "JUDGE", "RULE", "Claim", "Trial", "claims"]

EVIDENCE = (
    *(f"{name}/scores.parquet" for name in ("photos", "answers", "center_box")),
    "detail/detail.csv",
    "ablations/ablations.csv",
)
"""The files below `results/` that verdicts hang on."""
WITH_DISCRIMINATOR = ("context_encoder", "contextual_attention", "gated_conv", "pen_net", "lama")
"""The one-pass networks that learned against a discriminator in their papers."""
ONE_PASS = (*WITH_DISCRIMINATOR, "partial_conv")
DIFFUSING = ("replacement", "repaint", "ddnm", "dpm_solver", "palette", "latent_diffusion")
COPYING = "patchmatch"
WITHOUT_LEARNING = ("telea", "navier_stokes", "biharmonic", "fsr", "shift_map", "patchmatch")
JUDGE = ("haarpsi", "whole")
"""The metric that decides: no network here was trained by it, and it follows people's opinions better than
PSNR (Reisenhofer et al. 2018).
"""
OF_SETS = ("kd_squeeze_u", "whole")
"""How near the fills as a set are to the originals: no fill has to be its own original."""
EDGE = ("l1", "band")


def _copies(root: Path) -> Claim:
    trials: list[Trial] = []
    for suite in suites_of(root, "photos"):
        column = HoleColumn(suite, JUDGE)
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
        # -1: with detail as the method's row has it (`benchmark.studies.detail.ADDED`).
        return rows[(rows["blur"] == -1) & rows["beside"].notna() & rows["distance"].notna()]
    except (OSError, ValueError, KeyError):
        return None


def _gans(root: Path) -> Claim:
    trials: list[Trial] = []
    for suite in suites_of(root, "photos"):
        for measure in (JUDGE, OF_SETS):
            for column in (HoleColumn(suite, measure, label) for label in BINS):
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
    for suite in suites_of(root, "answers"):
        column = HoleColumn(suite, ("diversity_lpips_squeeze", "hole"))
        for name in column.entries(list(METHODS)):
            photographs = column.wide.index.get_level_values("photograph").to_numpy(str)
            found = mean_difference(column.wide[name].to_numpy(float), photographs)
            text = f"{title_of(name)}: how far its answers to one hole lie apart"
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
    for suite in suites_of(root, "photos"):
        if suite.mask_sets != ["irregular"]:
            continue
        error = {}
        others = [name for name in ONE_PASS if name != "partial_conv"]
        for column in (HoleColumn(suite, EDGE, label) for label in BINS):
            if column.entries(["partial_conv"]):
                trials += column.trial("partial_conv", column.best(others), 1)
                error[column.label] = -float(column.wide["partial_conv"].mean())
        if len(error) > 1:
            (first, least), *_, (last, most) = error.items()
            sentences.append(
                f"Along the hole's edge its error is {number(least)} where {first} % are missing, and "
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
        for suite in suites_of(root, folder):
            column = HoleColumn(suite, JUDGE)
            if kind not in column.holes or not column.entries([method]):
                continue
            for other in column.entries([name for name in ONE_PASS if name != method]):
                gap = (column.wide[other] - column.wide[method]).groupby("photograph").mean()
                behind.setdefault(other, {})[kind] = gap
    for other, gaps in behind.items():
        if len(gaps) == 2:
            more = (gaps["irregular"] - gaps["box"]).dropna()
            found = mean_difference(more.to_numpy(float), more.index.to_numpy(str))
            label = f"How much further behind {title_of(other)} on irregular holes than in the middle box"
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
    for suite in suites_of(root, "photos"):
        column = HoleColumn(suite, JUDGE, list(BINS)[-1])
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
    """How much the weights behind these figures have seen, from their cards: hours say nothing where some
    learned on a GPU.
    """
    crops = {}
    for path in sorted(CHECKPOINTS.glob("*.json")):
        card = read_json(path) or {}
        crops[str(card.get("method"))] = int(card.get("crops") or 0)
    one_pass = [crops[name] for name in WITH_DISCRIMINATOR if name in crops]
    diffusing = [crops[name] for name in ("denoiser", "palette", "latent_diffusion") if name in crops]
    if not one_pass or not diffusing:
        return "With other weights it may come out otherwise."
    return (
        f"All have this project's weights: the networks in one pass learned from {min(one_pass):,} to "
        f"{max(one_pass):,} crops of photographs, those of diffusion from {min(diffusing):,} to "
        f"{max(diffusing):,}. With the papers' weights it may come out otherwise."
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
