"""Every method has its card: what it is, what it costs, and what it did best and worst."""

from html.parser import HTMLParser

import pytest

from demo.app import RESULTS
from demo.server.jobs import Runner
from demo.server.outcomes import outcomes
from demo.server.purposes import PURPOSES
from demo.server.store import Store
from demo.server.visit import App
from demo.views.methods import diagram, methods_page
from inpainters import registry
from inpainters.families import FAMILIES


class Tags(HTMLParser):
    EMPTY = ("img", "input", "path")

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in self.EMPTY:
            assert self.open.pop() == tag


@pytest.fixture(scope="module")
def app():
    app = App(Store(), Runner(), RESULTS)
    yield app
    app.runner.close()
    app.store.close()


@pytest.fixture(scope="module")
def page(app):
    text, tags = methods_page(app), Tags()
    tags.feed(text)
    assert tags.open == []
    return text, tags.found


@pytest.mark.slow
def test_each_method_has_a_card_that_says_what_it_is(page):
    text, tags = page
    cards = {attrs["id"]: attrs for tag, attrs in tags if tag == "article"}
    assert set(cards) == {*(f"method-{name}" for name in registry.METHODS), "method-yours"}
    for name, spec in registry.METHODS.items():
        assert cards[f"method-{name}"]["data-family"] == spec.family
        suited = {purpose for purpose, one in PURPOSES.items() if name in one.choose()}
        assert set(cards[f"method-{name}"]["data-purposes"].split()) == suited
        tried = {"class": "try", "href": f"?t=compare&m={name}", "target": "_blank", "rel": "noopener"}
        assert ("a", tried) in tags or registry.unavailable(name)
    assert "my_module:my_method" in text


def test_what_is_not_ready_says_what_is_lacking_and_is_not_offered(page):
    text, tags = page
    lacking = [name for name in registry.METHODS if registry.unavailable(name)]
    tried = {attrs["href"].partition("m=")[2] for _, attrs in tags if attrs.get("class") == "try"}
    assert tried == registry.METHODS.keys() - set(lacking)
    assert text.count('<p class="why">') == len(lacking)


def test_the_filters_name_each_family_and_purpose_once(page):
    _, tags = page
    radios = [attrs for tag, attrs in tags if tag == "input"]
    assert {one["id"] for one in radios if one["name"] == "methods-purpose"} == {
        f"methods-purpose-{name}" for name in ("any", *PURPOSES) if name != "all"
    }
    assert [one["id"] for one in radios if "checked" in one] == ["methods-family-any", "methods-purpose-any"]


def test_families_have_drawings_with_their_words():
    drawn = {name: diagram(name) for name in FAMILIES if name != "guest"}
    assert all(text.startswith("<svg") and "aria-label" in text for text in drawn.values())
    assert len(set(drawn.values())) == len(drawn)
    assert diagram("guest") == ""


def test_the_best_and_the_worst_fill_stand_beside_their_holes(app, page):
    found = outcomes(app.store, app.results)
    assert "patchmatch" in found
    for pair in found.values():
        for one in pair:
            assert app.store.path(one.masked)
            assert app.store.path(one.fill)
    best, worst = found["telea"]
    assert best.said.startswith("Its best fill of quick")
    assert worst.said.startswith("Its worst fill of quick")
    assert page[0].count("<figure>") == sum(map(len, found.values()))


@pytest.mark.slow
def test_pictures_that_the_store_dropped_are_put_there_again(app):
    first = outcomes(app.store, app.results)
    app.store.path(first["telea"][0].fill).unlink()
    again = outcomes(app.store, app.results)
    assert app.store.path(again["telea"][0].fill)


def test_without_results_cards_have_no_pictures(tmp_path):
    app = App(Store(), Runner(), tmp_path)
    assert outcomes(app.store, tmp_path) == {}
    assert "<figure>" not in methods_page(app)
    app.runner.close()
    app.store.close()
