"""Cards hold what the claims say, escaped, with a link to the pictures."""

from html.parser import HTMLParser

from benchmark.claims import Claim, Trial
from benchmark.report.stats import Difference, Interval
from demo.views.claims import DRAWN_WIDE, claims_page


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("line", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("line", "circle"):
            assert self.open.pop() == tag


def shown(*claims):
    text, tags = claims_page(claims), Tags()
    tags.feed(text)
    assert tags.open == []
    return text, tags.found


def trial(mean, low, high, **more):
    return Trial(
        "A against <B>",
        Difference(Interval(mean, low, high, 40, 40), 0.001),
        "A is better",
        "photos",
        "psnr",
        **more,
    )


def test_a_card_has_its_verdict_its_sentences_and_its_intervals():
    link = {"t": "leaderboard", "suite": "photos", "metric": "psnr"}
    claim = Claim("one", "All is <well>.", (trial(1.0, 0.5, 2.0, link=link),), ("By `rows` & more.",))
    text, tags = shown(claim)
    assert "All is &lt;well&gt;." in text
    assert "By <code>rows</code> &amp; more." in text
    assert "A against &lt;B&gt;" in text
    href = "?t=leaderboard&suite=photos&metric=psnr"
    assert ("a", {"href": href, "target": "_blank", "rel": "noopener"}) in tags
    assert [attrs["data-verdict"] for tag, attrs in tags if tag == "article"] == ["supported"]
    assert [attrs["data-side"] for tag, attrs in tags if tag == "tr" and attrs] == ["for"]
    (span,) = [attrs for tag, attrs in tags if tag == "line" and attrs["class"] == "span"]
    (dot,) = [attrs for tag, attrs in tags if tag == "circle"]
    assert DRAWN_WIDE / 2 < float(span["x1"]) < float(dot["cx"]) < float(span["x2"]) <= DRAWN_WIDE


def test_without_comparisons_a_card_says_what_it_takes_and_an_unbounded_one_is_a_dot():
    text, tags = shown(Claim("none", "Nothing.", (), lacking="It takes `python -m benchmark run photos`."))
    assert "It takes <code>python -m benchmark run photos</code>." in text
    assert not [tag for tag, _ in tags if tag == "details"]
    nan = float("nan")
    _, tags = shown(Claim("few", "Few.", (trial(0.0, nan, nan),)))
    (span,) = [attrs for tag, attrs in tags if tag == "line" and attrs["class"] == "span"]
    assert span["x1"] == span["x2"] == f"{DRAWN_WIDE / 2:.1f}"
