"""Made tables in which a wrong rule would crown the wrong method."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.report import agreement, tables
from benchmark.report.column import Size, TableFigure, paired
from benchmark.report.latex import latex
from benchmark.report.stats import Interval
from benchmark.report.summary import column_of, sizes_of, summarise
from benchmark.results import WHOLE_SET, Plain, Results
from benchmark.rows import SCORE_COLUMNS

Values = Mapping[str, Mapping[str, float]]
"""Method -> photograph -> value."""


def made(
    values: Values, metric: str = "l1", label: str = "1-10", crops: Sequence[str] = ("full",)
) -> Results:
    """Results with these values of one metric in the hole; each photograph has so many crops, all alike."""
    return of(rows(values, metric, label, crops))


def rows(
    values: Values, metric: str = "l1", label: str = "1-10", crops: Sequence[str] = ("full",)
) -> list[dict[str, Any]]:
    key = {"suite": "made", "dataset": "d", "mask_set": "m", "bin": label, "options": "{}", "seed": 0}
    figure = {"metric": metric, "region": "hole", "reason": ""}
    return [
        {**key, **figure, "image_id": f"{photograph}@{crop}", "method": method, "value": value}
        for method, column in values.items()
        for photograph, value in column.items()
        for crop in crops
    ]


def of(lines: list[dict[str, Any]]) -> Results:
    frame = pd.DataFrame(lines, columns=SCORE_COLUMNS)
    meaning = SimpleNamespace(dataset=SimpleNamespace(name="made"), suite="made", mask_sets=())
    manifest: Any = SimpleNamespace(meaning=meaning)
    filled = frame[frame["value"].notna() & (frame["image_id"] != WHOLE_SET)]
    timings = filled.assign(entry=filled["method"], photograph=filled["image_id"].str.split("@").str[0])
    return Results(Path("made"), manifest, Plain(frame), timings)


def spread(mean: float, count: int, seed: int = 0, width: float = 0.02) -> dict[str, float]:
    """So many photographs with values around `mean`."""
    noise = np.random.default_rng(seed).normal(0, width, count)
    return {f"p{i:03}": mean + float(value) for i, value in enumerate(noise)}


def figures(values: Values, metric: str = "l1") -> dict[str, TableFigure]:
    found = summarise(made(values, metric), metric, "hole")
    return {entry: cell for (entry, label), cell in found.items() if label == "1-10"}


def test_easier_pictures_make_no_winner() -> None:
    """fsr has the lower mean, but only as it filled the easy half; on those telea beats it every time."""
    easy, hard = spread(0.1, 40), {f"q{i}": 0.5 for i in range(40)}
    found = figures({"telea": easy | hard, "fsr": {name: v + 0.01 for name, v in easy.items()}})
    assert found["fsr"].value.mean < found["telea"].value.mean
    assert found["fsr"].apart
    assert not found["fsr"].best
    assert found["fsr"].rival is not None
    assert found["fsr"].rival.entry == "telea"
    assert found["fsr"].rival.difference.value.mean == pytest.approx(0.01)
    assert found["fsr"].rival.difference.told_apart


def test_means_of_a_column_are_over_the_same_pictures() -> None:
    """biharmonic failed on one picture, which was the hard one: it gains nothing by that."""
    full = spread(0.1, 29) | {"p999": 5.0}
    found = figures({"telea": full, "biharmonic": {n: v + 0.05 for n, v in full.items() if n != "p999"}})
    assert found["telea"].winner
    assert (found["telea"].value.n, found["biharmonic"].value.n) == (29, 29)
    assert found["telea"].value.mean < 0.2


def test_one_bin_alone_has_the_figures_that_it_has_among_all() -> None:
    values = {"telea": spread(0.1, 25), "fsr": spread(0.2, 25, seed=1)}
    lines = [*rows(values), *rows({"fsr": spread(0.1, 9), "telea": spread(0.3, 9)}, label="10-20")]
    whole, alone = of(lines), of(lines)
    parts = [summarise(alone, "l1", "hole", label) for label in ("1-10", "10-20", "all")]
    assert [len(part) for part in parts] == [2, 2, 2]
    assert parts[0] | parts[1] | parts[2] == summarise(whole, "l1", "hole")
    assert summarise(whole, "l1", "hole", "10-20") == parts[1]


@pytest.mark.parametrize(("photographs", "wins"), [(19, False), (20, True)])
def test_a_winner_needs_twenty_photographs(photographs: int, wins: bool) -> None:
    column = spread(0.1, photographs)
    values = {"telea": column, "fsr": {name: value + 0.1 for name, value in column.items()}}
    found = figures(values)["telea"]
    assert found.best
    assert not found.tied
    assert found.winner is wins
    assert ("**" in tables.text(found)) is wins


def test_holes_of_one_photograph_are_no_photographs() -> None:
    column = spread(0.1, 10)
    values = {"telea": column, "fsr": {name: value + 0.1 for name, value in column.items()}}
    results = made(values, crops=("full", "left", "right"))
    found = summarise(results, "l1", "hole")["telea", "1-10"]
    assert (found.value.n, found.value.photographs) == (30, 10)
    assert not found.winner
    assert sizes_of(results)["telea", "1-10"] == Size(30, 10)
    assert "| Telea | 10 (30) |" in tables.markdown(results)


def test_a_mean_that_rests_on_few_pictures_wins_nothing() -> None:
    """telea is slightly worse nearly everywhere, and by far better on one picture in twelve."""
    column = spread(0.5, 60)
    other = {name: value + (-0.4 if i % 12 == 0 else 0.005) for i, (name, value) in enumerate(column.items())}
    found = figures({"fsr": column, "telea": other})
    assert found["telea"].best
    assert not found["telea"].winner
    assert found["fsr"].tied


def test_methods_without_a_picture_in_common_stand_apart() -> None:
    """Each filled pictures of its own: both keep their figures, and neither is best."""
    found = figures({"telea": spread(0.1, 30), "fsr": {f"q{i}": 0.5 for i in range(30)}})
    assert [cell.value.n for cell in found.values()] == [30, 30]
    assert all(cell.apart and not cell.reason and not cell.best for cell in found.values())
    bins = of(rows({"telea": spread(0.1, 30)}) + rows({"fsr": spread(0.5, 30)}, label="50-60"))
    assert "| Telea | 30 | *0.0976" in tables.markdown(bins)


def test_a_difference_of_rounding_is_none() -> None:
    column = spread(0.1, 40)
    found = figures({"telea": column, "fsr": {name: value + 1e-17 for name, value in column.items()}})
    assert all(cell.tied for cell in found.values())


def test_a_picture_that_failed_is_not_counted() -> None:
    """Half of fsr's pictures failed: its distance of sets rests on the other half and compares with none."""
    lines = rows({name: spread(0.1, 40) for name in ("telea", "fsr")})
    for line in lines:
        if line["method"] == "fsr" and line["image_id"] < "p020":
            line.update(value=np.nan, reason="It failed.")
    sets = rows({"telea": {"*": 10.0}, "fsr": {"*": 5.0}}, "fd_squeeze")
    results = of(lines + [line | {"image_id": WHOLE_SET, "region": "whole"} for line in sets])
    assert sizes_of(results)["fsr", "1-10"] == Size(20, 20)
    found = summarise(results, "fd_squeeze", "whole")
    assert [found[name, "1-10"].apart for name in ("telea", "fsr")] == [False, True]


def test_many_methods_need_more_to_be_told_apart() -> None:
    """A difference that would stand alone does not where twelve were tried."""
    column = spread(0.2, 40, width=0.05)
    noise = {seed: spread(0.0, 40, seed, 0.03) for seed in range(1, 13)}
    like = {
        f"m{seed:02}": {name: value + noise[seed][name] + 0.012 for name, value in column.items()}
        for seed in noise
    }
    alone = [not figures({"telea": column, name: one})["telea"].tied for name, one in like.items()]
    together = figures({"telea": column, **like})
    assert sum(alone) > sum(not together[name].tied for name in like)


def test_places_are_shared_by_those_that_tie() -> None:
    column = spread(0.1, 40)
    near = {name: value + (0.001 if i % 2 else -0.0009) for i, (name, value) in enumerate(column.items())}
    far = {name: value + 0.2 for name, value in column.items()}
    results = made({"telea": column, "biharmonic": near, "mean_fill": far})
    assert column_of(results, "l1", "hole").groups() == [["telea", "biharmonic"], ["mean_fill"]]
    assert tables.ranking(column_of(results, "l1", "hole")) == ["1. Telea", "1. Biharmonic", "3. Mean fill"]


def test_the_order_of_two_metrics_is_compared_and_the_fallen_are_named() -> None:
    """gated_conv was trained by SqueezeNet: first by its distance, last by the others."""
    order = ("telea", "biharmonic", "fsr", "patchmatch", "gated_conv")
    lines = []
    for metric, sign, ours in (("lpips_squeeze", 1, 0.01), ("l1", 1, 0.9), ("psnr", -1, -0.9)):
        values = {m: spread(sign * 0.1 * i, 8, width=0.001) for i, m in enumerate(order, 1)}
        lines += rows(values | {"gated_conv": spread(ours, 8, width=0.001)}, metric)
    places = agreement.places(of(lines))
    assert places["lpips_squeeze"].to_dict() == {
        "biharmonic": 3, "fsr": 4, "gated_conv": 1, "patchmatch": 5, "telea": 2,
    }  # fmt: skip
    found = agreement.correlations(places)
    assert found.loc["l1", "psnr"] == pytest.approx(1)
    assert found.loc["l1", "lpips_squeeze"] == pytest.approx(0)
    assert agreement.fallen(places) == [
        "Gated convolution † comes 1st of 5 in the median of `lpips_squeeze`, and 5th in that of the 2 "
        "metrics that do not look through SqueezeNet."
    ]


def test_one_lucky_place_among_several_is_no_fall() -> None:
    """Third by the network it was trained with, as by the others: that it was first once says nothing."""
    ranks = {"lpips_squeeze": 1, "fd_squeeze": 3, "kd_squeeze_u": 4, "l1": 3, "psnr": 2, "ssim": 3}
    assert agreement.fallen(pd.DataFrame(ranks, index=["gated_conv"])) == []


def test_a_distance_of_sets_is_biased_by_few_photographs_however_many_holes_they_have() -> None:
    for photographs, biased in ((400, True), (2048, False)):
        value = Interval(1.0, np.nan, np.nan, 2400, photographs)
        figure = TableFigure("telea", "all", "fd_squeeze", "whole", value)
        assert figure.biased is biased
        assert ("*" in tables.text(figure)) is biased


def test_a_hole_with_a_failed_answer_says_why_it_has_no_mean() -> None:
    lines = rows({"patchmatch": {"a": 0.5}})
    failed = {"seed": 1, "value": np.nan, "reason": "It failed."}
    found = summarise(of([*lines, *({**line, **failed} for line in lines)]), "l1", "hole")
    assert found["patchmatch", "1-10"].reason == "It failed."


@pytest.mark.parametrize(
    ("place", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (4.5, "4.5th")]
)
def test_places_in_words(place: float, word: str) -> None:
    assert agreement.ordinal(place) == word


def test_holes_of_two_kinds_never_share_a_column() -> None:
    """telea is best in irregular holes and worst in those of objects; each part is as if it stood alone."""
    near, far = spread(0.1, 30), spread(0.3, 30)
    kinds = {"irregular": {"telea": near, "fsr": far}, "object": {"telea": far, "fsr": near}}
    lines = [
        {**row, "mask_set": kind}
        for kind, values in kinds.items()
        for label in ("1-10", "10-20")
        for row in rows(values, label=label)
    ]
    both = of(lines)
    for pooled in (lambda: summarise(both, "l1", "hole"), lambda: sizes_of(both)):
        with pytest.raises(ValueError, match="several mask sets"):
            pooled()
    texts = []
    for part, kind, best in zip(both.parts(), kinds, ("telea", "fsr"), strict=True):
        alone = of([row for row in lines if row["mask_set"] == kind])
        found, wanted = summarise(part, "l1", "hole"), summarise(alone, "l1", "hole")
        assert found == wanted
        assert found[best, "all"].winner
        assert sizes_of(part)["telea", "all"] == Size(60, 30)
        texts.append(tables.markdown(alone).partition("## ")[2])
    text = tables.markdown(both)
    assert [line for line in text.splitlines() if line.startswith("# ")] == [
        "# made", "# Holes: irregular", "# Holes: object"
    ]  # fmt: skip
    assert all(one.strip() in text for one in texts)
    assert text.count("| method | n |") == 2
    assert r"suite made, object holes" in latex(both)
    assert latex(both).count("\\clearpage") == 1  # between the two
    assert "holes" not in latex(alone)


def test_an_overview_without_a_column_says_what_would_fill_it() -> None:
    text = tables.markdown(made({"telea": spread(0.1, 8)}))
    assert "`l1`, hole ↓" in text
    assert "`lpips_squeeze`, hole ↓ |" not in text
    assert "Without a column here: `lpips_squeeze`, `psnr`, `ssim`, `haarpsi`" in text
    assert "not scored yet, run `python -m benchmark score`" in text


def test_exact_fills_never_make_a_method_rank_lower() -> None:
    """telea restores half of the pictures exactly and is 1 dB worse elsewhere."""
    names = [f"p{i:02}" for i in range(40)]
    wide = {name: 40.0 + i % 3 for i, name in enumerate(names)}
    found = figures(
        {"telea": {n: np.inf if i % 2 else v - 1 for i, (n, v) in enumerate(wide.items())}, "fsr": wide},
        "psnr",
    )
    assert found["telea"].value.n == found["fsr"].value.n == 40
    assert found["telea"].winner
    rest = [v - 1 for i, v in enumerate(wide.values()) if not i % 2]
    assert found["telea"].value.mean == pytest.approx((60 * 20 + sum(rest)) / 40)
    assert np.isfinite(found["telea"].value.high)
    assert (found["telea"].left_out, found["fsr"].left_out) == (0, 0)


def test_no_value_counts_for_more_than_an_exact_fill() -> None:
    """A picture at 75 dB is no better than an exact one."""
    found = figures({"telea": {"a": 75.0, "b": 30.0}, "fsr": {"a": np.inf, "b": 30.0}}, "psnr")
    assert found["telea"].value.mean == found["fsr"].value.mean == 45.0


def test_what_a_mean_leaves_out_is_counted_beside_it() -> None:
    full = spread(0.1, 29)
    lacking = {n: v + 0.05 for n, v in full.items()} | {"p999": np.nan, "p998": np.nan}
    results = made({"telea": full | {"p999": 5.0, "p998": 0.1}, "biharmonic": lacking, "fsr": full})
    found = {
        entry: cell for (entry, label), cell in summarise(results, "l1", "hole").items() if label == "1-10"
    }
    assert {entry: cell.left_out for entry, cell in found.items()} == {"telea": 2, "biharmonic": 2, "fsr": 0}
    assert {entry: cell.value.n for entry, cell in found.items()} == dict.fromkeys(found, 29)
    assert tables.text(found["telea"]).endswith(" (−2)")
    assert "(" not in tables.text(found["fsr"])
    assert "($-2$)" in latex(results)


def with_two_bins_and_sets() -> Results:
    """telea is best by far in 1-10 and level with biharmonic in 10-20; fsr has two photographs."""
    alike = {name: value + 0.001 * (-1) ** i for i, (name, value) in enumerate(spread(0.1, 25).items())}
    best = {"telea": spread(0.1, 25), "biharmonic": spread(0.3, 25), "fsr": spread(0.1, 2)}
    lines = [*rows(best), *rows({"telea": spread(0.1, 25), "biharmonic": alike}, label="10-20")]
    lines += rows({"mine_{1}": alike}, label="10-20")
    for line in lines:
        line["options"] = '{"k":"50%_$^~\\\\<"}' if line["method"] == "mine_{1}" else "{}"
    whole = [{**line, "region": "whole", "value": line["value"] / 10} for line in lines]
    key = {**lines[0], "metric": "fd_squeeze", "region": "whole", "image_id": WHOLE_SET}
    sets = [{**key, "method": name, "value": value} for name, value in (("telea", 12.0), ("fsr", 3.0))]
    return of([*lines, *whole, *sets])


def tables_of(text: str) -> dict[str, tuple[str, list[list[str]]]]:
    """What a caption begins with -> the caption and its table's rows."""
    found = {}
    for part in text.split(r"\begin{table*}")[1:]:
        caption = part.split(r"\caption{")[1].split("\n")[0]
        lines = [line.removesuffix(r" \\") for line in part.splitlines() if line.endswith(r"\\")]
        found[caption.split(" $")[0]] = caption, [line.split(" & ") for line in lines]
    return found


def test_latex_has_intervals_n_and_marks_and_its_captions_say_what_they_are() -> None:
    results = with_two_bins_and_sets()
    found = tables_of(latex(results))
    assert [*found] == ["l1 in the hole", "l1 of the whole picture", r"fd\_squeeze of the whole picture"]
    caption, (head, n, *lines) = found["l1 in the hole"]
    assert head == ["method", "1--10", "10--20"]
    assert n == ["$n$", "25", "25"]
    cells = {name: figures for name, *figures in lines}
    shown = summarise(results, "l1", "hole")
    bold, tied, few = (
        tables.text(shown[key]) for key in (("telea", "1-10"), ("telea", "10-20"), ("fsr", "1-10"))
    )
    assert "± 0.00" in bold
    assert cells["Telea"] == [
        bold.replace("**", r"\textbf{", 1).replace(" ± ", r"}\,{\scriptsize$\pm$\,").replace("**", "}"),
        tied.replace(" ± ", r"\,{\scriptsize$\pm$\,").replace(" =", "}$^{=}$"),
    ]
    assert cells["Biharmonic"][0].startswith(r"0.2")
    assert cells["Biharmonic"][1].endswith("$^{=}$")
    assert few.endswith("* (n=2)")
    assert cells["FSR"] == [rf"\textit{{{few.split('*')[1]}}} ($n$=2)", "--"]
    for words in ("interval reaches", r"\textbf{Bold}", "$^{=}$: not told apart", r"\textit{Slanted}"):
        assert words in caption
    assert found["l1 of the whole picture"][1][2][1].startswith(r"\textbf{0.00")
    caption, (_, n, *lines) = found[r"fd\_squeeze of the whole picture"]
    assert [line for line in lines if line[0] == "Telea"] == [["Telea", r"\textit{12.00}", "--"]]
    assert "biased upwards" in caption
    assert "interval" not in caption
    assert "Bold" not in caption


def test_latex_is_whole_whatever_a_method_is_called() -> None:
    text = latex(with_two_bins_and_sets())
    assert text.isascii()
    assert text.startswith(r"% Needs \usepackage{booktabs,adjustbox}.")
    assert text.count(r"\begin{") == text.count(r"\end{") == 9
    for _, lines in tables_of(text).values():
        assert {len(line) for line in lines} == {3}
    for line in text.splitlines()[1:]:
        bare = re.sub(r"\\[\\{}$&%_#^~]", "", line)
        assert bare.count("{") == bare.count("}"), line
        assert bare.count("$") % 2 == 0, line
        assert not set("%&") & set(bare.replace(" & ", "")), line
        assert "_" not in bare, line
    assert r"mine\_\{1\}, k 50\%\_\$\^{}\~{}\textbackslash{}$<$" in text


def test_pairs_leave_out_what_one_has_not_and_two_infinities_are_equal() -> None:
    index = pd.MultiIndex.from_tuples(
        [(f"h{i}", 0, f"p{i}") for i in range(8)], names=["hole", "seed", "photograph"]
    )
    wide = pd.DataFrame(
        {"a": [np.inf, np.nan, *np.arange(1.0, 7)], "b": [np.inf, 3.0, *np.arange(6.0)]}, index
    )
    found = paired(wide, "a", "b").value
    assert (found.n, found.mean) == (7, pytest.approx(6 / 7))
