"""The Arena as the page shows it: a pair without names, what it was, ratings, and which metrics agree."""

import math
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from pathlib import Path

from benchmark.inputs.masksets import holes_title
from benchmark.metrics import METRICS
from benchmark.ratings import Agreement, Rating, Vote, agreement_with_votes, ratings, steadiness
from benchmark.report.digits import number
from benchmark.report.layout import LEADING
from benchmark.report.summary import named
from demo.server.arena import Pair, ShownPair, kinds_to_vote, values_of_holes
from demo.server.store import url
from demo.server.suites import family_of, open_suite, stamp_of, values_at
from demo.server.visit import App
from inpainters.families import FAMILIES

QUESTION = "Which fill would you believe?"
NOBODY = "Nobody has voted yet: ratings appear with the first votes."


def pair_html(shown: ShownPair, name: str, below: tuple[str, str] = ("A", "B")) -> str:
    """Two fills and the hole between them; `below` is what stands under the fills. Nothing tells the methods
    apart before the vote: `name` is what the page calls the pair.
    """
    figures = (
        (shown.one, "Fill A", below[0], "a"),
        (shown.masked, "The hole", "The hole", "hole"),
        (shown.other, "Fill B", below[1], "b"),
    )
    parts = "".join(
        f'<figure data-side="{side}"><img src="{url(token)}" alt="{said}">'
        f"<figcaption>{text}</figcaption></figure>"
        for token, said, text, side in figures
    )
    return f'<div class="pair" data-pair="{escape(name)}">{parts}</div>'


def revealed(app: App, pair: Pair) -> tuple[str, str]:
    """What is told of the two after the vote: their names and figures."""
    results = open_suite(app.results, pair.suite, pair.kind)
    found = []
    for entry in (pair.one, pair.other):
        sign = FAMILIES[family_of(entry)].sign
        values = []
        for metric, region in LEADING:
            value = values_at(results, metric, region, pair.label, pair.image_id).get(entry)
            if value is not None:
                values.append(f"{METRICS[metric].title} {number(value)}")
        found.append(f"<strong>{sign} {escape(named(entry))}</strong><br>{escape(', '.join(values))}")
    return found[0], found[1]


def standing(app: App, votes: Sequence[Vote], kind: str) -> str:
    """Ratings and what metrics have to do with them, for one kind of holes."""
    own = tuple(vote for vote in votes if vote.kind == kind)
    if not own:
        return f"<p>{NOBODY}</p>"
    suite, _ = kinds_to_vote(app.results)
    return _standing(app.results, suite, stamp_of(app.results, suite), kind, own)


@lru_cache(maxsize=4)
def _standing(root: Path, suite: str, stamp: int, kind: str, own: tuple[Vote, ...]) -> str:
    found = ratings(own)
    same, pairs = steadiness(own)
    bad = sum(vote.choice == "bad" for vote in own)
    voters = len({vote.voter for vote in own})
    said = [
        f"{len(own)} votes of {voters} voter{'s' * (voters != 1)} on holes of the kind "
        f"{holes_title(kind)}, {bad} of them for neither."
    ]
    if pairs:
        said.append(f"Of {pairs} pairs that came twice to one voter, {same} were judged alike.")
    results = open_suite(root, suite, kind)
    agreed = agreement_with_votes(
        found, own, values_of_holes(results, kind), {name: spec.better for name, spec in METRICS.items()}
    )
    return f"<p>{escape(' '.join(said))}</p>{_ratings_table(found)}{_agreement_table(agreed)}"


def _ratings_table(found: Sequence[Rating]) -> str:
    if not found:
        return ""
    ends = [end for one in found for end in (one.low, one.value, one.high) if not math.isnan(end)]
    low, high = min(ends), max(ends)
    wide = max(high - low, 1.0)
    rows = "".join(
        f"<tr><td>{FAMILIES[family_of(one.method)].sign} {escape(named(one.method))}</td>"
        f"<td>{one.value:.0f}</td><td>{_drawn(one, low, wide)}</td>"
        f"<td>{'–' if math.isnan(one.low) else f'{one.low:.0f} to {one.high:.0f}'}</td>"
        f"<td>{one.votes}</td></tr>"
        for one in found
    )
    head = "<tr><th>Method</th><th>Rating</th><th></th><th>95 % interval</th><th>Votes</th></tr>"
    return f"<h3>Ratings</h3><table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _drawn(one: Rating, least: float, wide: float) -> str:
    known = [one.value if math.isnan(end) else end for end in (one.low, one.value, one.high)]
    low, value, high = (f"{4 + 152 * (end - least) / wide:.1f}" for end in known)
    return (
        '<svg width="160" height="16" viewBox="0 0 160 16" aria-hidden="true">'
        f'<line x1="{low}" x2="{high}" y1="8" y2="8"/><circle cx="{value}" cy="8" r="4"/></svg>'
    )


def _agreement_table(found: Sequence[Agreement]) -> str:
    known = [one for one in found if one.votes]
    if not known:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(one.metric)}</code>, {escape(one.region)}</td><td>{one.share:.0%}</td>"
        f"<td>{'–' if math.isnan(one.correlation) else number(one.correlation, 2)}</td>"
        f"<td>{one.votes}</td></tr>"
        for one in known
    )
    head = (
        "<tr><th>Metric</th><th>Goes with voters</th><th>Rank correlation with "
        "ratings</th><th>Votes</th></tr>"
    )
    return (
        "<h3>Which metrics agree with voters?</h3><p>How often a metric calls that fill better "
        "which voters chose, "
        "and Spearman's correlation of its means with the ratings.</p>"
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"
    )
