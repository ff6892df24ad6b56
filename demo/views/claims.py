"""Claims as the page shows them: a card for each belief, its comparisons as intervals around zero."""

from collections.abc import Iterable
from html import escape
from urllib.parse import urlencode

from benchmark.claims import RULE, Claim, Trial
from demo.views.prose import with_code

DRAWN_WIDE, DRAWN_HIGH = 200, 16
"""Of an interval's drawing, in pixels."""
_SIDES = {"for": "for it", "against": "against it", "undecided": "not told apart"}
_MARKS = {"Supported": "✓", "Mixed": "±", "Not supported": "✕", "Not enough evidence": "?"}


def claims_page(found: Iterable[Claim]) -> str:
    """HTML of all cards; nothing in it comes from a visitor."""
    cards = "\n".join(_card(claim) for claim in found)
    return (
        '<p class="claims-lead">What is commonly said of inpainting, each belief beside the rows of '
        "<code>results/</code> that bear on it. Every word below the beliefs is computed from these rows.</p>"
        f'<div class="claims">{cards}</div><p class="claims-rule">{escape(RULE)}</p>'
    )


def _card(claim: Claim) -> str:
    verdict = claim.verdict
    sentences = "".join(f"<p>{with_code(text)}</p>" for text in (claim.counted, *claim.sentences))
    kind = verdict.lower().replace(" ", "-")
    return (
        f'<article class="claim" id="claim-{claim.name}" data-verdict="{kind}">'
        f"<h2>{escape(claim.belief)}</h2>"
        f'<p class="verdict"><span aria-hidden="true">{_MARKS[verdict]}</span> {verdict}</p>'
        f"{sentences}{_comparisons(claim.trials)}</article>"
    )


def _comparisons(trials: tuple[Trial, ...]) -> str:
    if not trials:
        return ""
    rows = "".join(_row(trial, _reach(trial, trials)) for trial in trials)
    head = "<tr><th>Comparison</th><th>Difference, 95 % interval</th><th>Outcome</th></tr>"
    n = len(trials)
    return (
        f"<details{' open' if n <= 3 else ''}><summary>{n} comparison{'s' * (n > 1)}</summary>"
        f"<table><thead>{head}</thead><tbody>{rows}</tbody></table></details>"
    )


def _reach(trial: Trial, trials: tuple[Trial, ...]) -> float:
    """What the end of the drawing stands for: the furthest end of all intervals by the same metric."""
    alike = [one.difference.value for one in trials if one.metric == trial.metric]
    ends = [abs(end) for one in alike for end in (one.low, one.high, one.mean) if end == end]
    return max(ends, default=0.0) or 1.0


def _row(trial: Trial, most: float) -> str:
    label = with_code(trial.label)
    if trial.link:
        # in a tab of its own: the page is loaded anew, and what runs or is open here would be gone
        label = f'<a href="?{escape(urlencode(trial.link))}" target="_blank" rel="noopener">{label}</a>'
    told = f"{trial.told} <small>{escape(trial.metric)}; n = {trial.difference.value.photographs}</small>"
    return (
        f'<tr data-side="{trial.side}"><td>{label}</td><td>{_interval(trial, most)}<span>{told}</span></td>'
        f"<td>{_SIDES[trial.side]}</td></tr>"
    )


def _interval(trial: Trial, most: float) -> str:
    """A line from the low to the high end, a dot at the mean, and a rule at zero."""
    value = trial.difference.value
    middle = DRAWN_HIGH / 2
    low, mean, high = (
        DRAWN_WIDE / 2 * (1 + 0.94 * (end if end == end else value.mean) / most)
        for end in (value.low, value.mean, value.high)
    )
    said = f"{trial.told}; above 0: {trial.better}"
    box = f'width="{DRAWN_WIDE}" height="{DRAWN_HIGH}" viewBox="0 0 {DRAWN_WIDE} {DRAWN_HIGH}"'
    return (
        f'<svg {box} role="img" aria-label="{escape(said)}">'
        f"<title>{escape(said)}</title>"
        f'<line class="zero" x1="{DRAWN_WIDE / 2}" x2="{DRAWN_WIDE / 2}" y1="0" y2="{DRAWN_HIGH}"/>'
        f'<line class="span" x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}"/>'
        f'<circle cx="{mean:.1f}" cy="{middle}" r="4"/></svg>'
    )
