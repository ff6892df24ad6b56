"""The crossing: verdicts on made-up rows whose winner is known."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.report.summary import summarise
from benchmark.results import Plain, Results
from benchmark.studies import crossing
from inpainters.errors import InputError

RNG = np.random.default_rng(0)
SMALL, LARGE = "1-10", "50-60"


def rows(distances):
    """Rows of 40 photographs: `distances[bin][entry]` is the mean, the noise is the picture's own and a
    little of the method's.
    """
    found = []
    for label, means in distances.items():
        for number in range(40):
            picture = RNG.normal(0, 0.1)
            for entry, mean in means.items():
                for metric, region in crossing.MEASURES:
                    value = mean + picture + RNG.normal(0, 0.002)
                    value = 30 - value if metric == "psnr" else value
                    key = {"entry": entry, "bin": label, "seed": 0, "metric": metric, "region": region}
                    found.append(
                        {**key, "image_id": f"p{number}@full", "photograph": f"p{number}", "value": value}
                    )
    return crossing._holes(pd.DataFrame(found))


@pytest.fixture
def crossed():
    """A network wins on small holes, diffusion on large ones; replacement is worse, Telea worst."""
    low, high = {"gated_conv": 0.10, "repaint": 0.12}, {"gated_conv": 0.40, "repaint": 0.35}
    rest = {"telea": 0.6, "replacement": 0.5}
    return rows({SMALL: {**low, **rest}, LARGE: {**high, **rest}})


@pytest.mark.parametrize("metric", ["lpips_squeeze", "psnr", "kd_squeeze_u"])
def test_the_winner_changes_with_the_hole(crossed, metric):
    """For PSNR, where higher is better, the same one wins."""
    small, large = crossing.leaders(crossed, metric, "hole")
    assert small.duel.winner == "gated_conv"
    assert large.duel.winner == "repaint"
    assert large.heads == {"diffusion": "repaint", "one pass": "gated_conv", "untrained": "telea"}


def test_what_chance_explains_has_no_winner():
    found = rows({SMALL: {"gated_conv": 0.1, "repaint": 0.1}})
    noisy = found.assign(value=found["value"] + RNG.normal(0, 0.2, len(found)))
    assert crossing.leaders(noisy, "lpips_squeeze", "hole")[0].duel.winner == ""


def test_a_mean_that_rests_on_few_pictures_and_few_photographs_win_nothing():
    """repaint is slightly worse nearly everywhere, and far better on one picture in twelve."""
    found = rows({SMALL: {"gated_conv": 0.1, "repaint": 0.105}})
    ours = found["entry"] == "repaint"
    lucky = ours & found["image_id"].isin([f"p{i}@full" for i in range(0, 40, 6)])
    uneven = found.assign(value=found["value"].where(~lucky, found["value"] - 0.4))
    (one,) = crossing.leaders(uneven, "lpips_squeeze", "hole")
    assert one.duel.difference.value.high < 0
    assert one.duel.winner == ""
    clear = rows({SMALL: {"gated_conv": 0.1, "repaint": 0.2}})
    for count, winner in ((19, ""), (20, "gated_conv")):
        few = clear[clear["photograph"].isin([f"p{i}" for i in range(count)])]
        (one,) = crossing.leaders(few, "lpips_squeeze", "hole")
        assert one.duel.winner == winner
    four = clear[clear["photograph"].isin([f"p{i}" for i in range(4)])]
    assert "nan" not in crossing.crossing_markdown(four, "made up")[0]


def test_an_entry_with_few_pictures_leads_nothing(crossed):
    few = crossed[(crossed["entry"] != "repaint") | (crossed["image_id"] < "p2")]
    assert all(
        column.heads["diffusion"] == "replacement"
        for column in crossing.leaders(few, "lpips_squeeze", "hole")
    )


def test_the_page_says_who_wins_where(crossed):
    text, duels = crossing.crossing_markdown(crossed, "made up")
    assert "1-10 %: Gated convolution beats RePaint." in text
    assert "50-60 %: RePaint beats Gated convolution." in text
    assert {(d.first, d.second) for d in duels if d.metric == "seam" and d.second != "gated_conv"} == {
        ("repaint", "replacement")
    }
    assert {d.second for d in duels if d.metric == "kd_squeeze_u" and d.first == "replacement"} == {"telea"}
    assert crossing.figure(crossed) == crossing.figure(crossed)


def scored(metrics):
    """Results of three entries on 12 photographs in one bin, with values of these metrics."""
    found = []
    for metric, region in metrics:
        for number in range(12):
            for method in ("telea", "repaint", "gated_conv"):
                key = {
                    "suite": "s",
                    "dataset": "d",
                    "mask_set": "m",
                    "bin": SMALL,
                    "options": "{}",
                    "seed": 0,
                }
                place = {"image_id": f"p{number}@full", "method": method, "metric": metric, "region": region}
                found.append({**key, **place, "value": RNG.normal(), "reason": ""})
    return Results(Path("made up"), {}, Plain(pd.DataFrame(found)), pd.DataFrame())


def test_the_crossing_and_the_table_show_one_value():
    found = scored(crossing.MEASURES)
    rows = crossing._rows(found)
    for metric, region in crossing.MEASURES:
        table, means = summarise(found, metric, region), crossing.entry_means(rows, metric, SMALL)
        assert {entry: one.mean for entry, one in means.items()} == pytest.approx(
            {entry: cell.value.mean for (entry, label), cell in table.items() if label == SMALL}
        )
        assert len(means) == 3


def test_rows_without_the_distance_of_sets_are_refused_with_the_command():
    with pytest.raises(InputError, match=r"no value of kd_squeeze_u: `python -m benchmark score`"):
        crossing._rows(scored(crossing.PAIRED))


def test_holes_of_two_kinds_are_two_studies(tmp_path, monkeypatch):
    frame = scored(crossing.MEASURES).source.frame
    other = frame.assign(mask_set="object", value=frame["value"] + 7)
    both = Results(tmp_path, {}, Plain(pd.concat([frame, other])), frame.iloc[:0])
    monkeypatch.setattr(crossing.results, "load", lambda folder: both)
    assert crossing.main([str(tmp_path)]) == crossing.main([str(tmp_path), "--masks", "object"]) == 0
    assert crossing.main([str(tmp_path), "--masks", "objects"]) == 2
    names = {f"crossing_{kind}.{suffix}" for kind in ("m", "object") for suffix in ("md", "csv", "svg")}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert "(crossing_object.svg)" in (tmp_path / "crossing_object.md").read_text("utf-8")
    first, second = (crossing._rows(both.part(name))["value"] for name in ("m", "object"))
    assert (second - first).tolist() == pytest.approx([7] * len(first))
