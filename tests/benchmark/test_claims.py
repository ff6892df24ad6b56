"""Beliefs are judged by the rows: another table, another verdict."""

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmark.claims import JUDGE, RULE, Claim, Trial, claims
from benchmark.report.stats import MIN_WINNER, Difference, Interval

ROOT = Path(__file__).parents[2] / "results"


@pytest.fixture(scope="module")
def committed():
    return {claim.name: claim for claim in claims(ROOT)}


def test_what_survives_of_a_drawing_is_told_where_it_was_measured(committed):
    assert "grey levels from what the network had drawn" in " ".join(committed["copies"].sentences)


@pytest.fixture
def copied(tmp_path):
    """The folders that beliefs look at, to be edited."""
    for name in ("photos", "answers", "ablations", "detail"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("figures", "*.html", "*.zip")
        )
    return tmp_path


def rewritten(folder, change):
    table = pq.read_table(folder / "scores.parquet")
    frame = change(table.to_pandas())
    pq.write_table(
        pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False), folder / "scores.parquet"
    )


def trial(mean, low, high, *, n=MIN_WINNER, p=0.001, sign=1):
    return Trial("", Difference(Interval(mean, low, high, n, n), p), "", "", "psnr", sign=sign)


FOR, AGAINST, OPEN = trial(1.0, 0.5, 1.5), trial(-1.0, -1.5, -0.5), trial(0.1, -0.2, 0.4, p=1.0)


@pytest.mark.parametrize(
    ("trials", "verdict"),
    [
        ([], "Not enough evidence"),
        ([OPEN], "Not enough evidence"),
        ([FOR], "Supported"),
        ([AGAINST], "Not supported"),
        ([FOR, OPEN], "Supported"),
        ([FOR, OPEN, OPEN], "Not enough evidence"),
        ([AGAINST, OPEN, OPEN], "Not enough evidence"),
        ([FOR, AGAINST, FOR], "Mixed"),
        ([trial(1.0, 0.5, 1.5, sign=-1)], "Not supported"),
        ([trial(1.0, 0.5, 1.5, n=MIN_WINNER - 1)], "Not enough evidence"),
        ([trial(1.0, 0.5, 1.5, p=0.2)], "Not enough evidence"),
    ],
)
def test_the_verdict_follows_from_the_comparisons(trials, verdict):
    claim = Claim("x", "X.", tuple(trials), lacking="It takes more.")
    assert claim.verdict == verdict
    assert claim.counted == ("It takes more." if not trials else claim.counted)
    assert "half of the comparisons" in RULE


def test_the_sentence_counts_the_sides():
    assert Claim("x", "X.", (FOR, FOR, AGAINST)).counted == "3 comparisons: 2 for it, 1 against it."
    assert Claim("x", "X.", (OPEN,)).counted == "1 comparison: 1 undecided."


def test_every_belief_has_its_evidence_among_the_committed_results(committed):
    assert len(committed) == 9
    for claim in committed.values():
        assert claim.counted.endswith(".")
        assert claim.trials, claim.lacking
        for one in claim.trials:
            assert one.source
            assert one.difference.value.n > 0


def test_a_belief_turns_where_its_rows_are_turned(copied, committed):
    assert committed["copies"].verdict == "Not supported"
    column = "@".join(JUDGE)

    def swapped(frame):
        copying = frame["method"] == "patchmatch"
        return frame.assign(**{column: frame[column].where(~copying, 0.999)})

    rewritten(copied / "photos", swapped)
    found = {claim.name: claim for claim in claims(copied)}
    assert found["copies"].verdict == "Supported"
    assert found["half"].sides["for"] > 0  # PatchMatch fills more than half best now
    assert found["half"].verdict == "Mixed"
    assert found["l1"] == committed["l1"]


def test_answers_that_are_all_alike_make_it_deterministic(copied):
    rewritten(copied / "answers", lambda frame: frame.assign(**{"diversity_lpips_squeeze@hole": 0.0}))
    found = {claim.name: claim for claim in claims(copied)}
    assert found["deterministic"].verdict == "Not enough evidence"
    assert {one.difference.value.mean for one in found["deterministic"].trials} == {0.0}


def test_ablations_turn_with_their_table(copied):
    file = copied / "ablations" / "ablations.csv"
    rows = pd.read_csv(file)
    turned = rows["variant"].replace({"both": "coarse", "coarse": "both"})
    rows.assign(variant=turned).to_csv(file, index=False)
    found = {claim.name: claim for claim in claims(copied)}
    assert found["stages"].verdict == "Not supported"


def test_an_error_that_falls_is_not_said_to_grow(copied):
    def turned(frame):
        ratio = pd.to_numeric(frame["bin"].str.split("-").str[0], errors="coerce")
        return frame.assign(**{"l1@band": 0.5 - ratio / 200})

    rewritten(copied / "photos", turned)
    (told,) = next(claim for claim in claims(copied) if claim.name == "partial").sentences
    assert "grows" not in told
    assert "its error is 0.495 where 1-10 % are missing, and 0.250 where 50-60 % are" in told


def test_without_results_every_belief_says_what_it_takes(tmp_path):
    for claim in claims(tmp_path):
        assert claim.verdict == "Not enough evidence"
        assert claim.counted == claim.lacking
