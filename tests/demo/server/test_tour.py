"""The tour's table: each stop leads to a state that the page has."""

import re
from urllib.parse import urlencode

import numpy as np
import pytest

from benchmark.claims import claims
from demo.actions import compare, inside, links, tools
from demo.app import RESULTS
from demo.server.inspection import Inspection
from demo.server.jobs import Runner
from demo.server.samples import SAMPLES
from demo.server.showcase import showcase
from demo.server.tour import STOPS, stop_of, unknown_stop, with_stop
from demo.server.visit import App, Session
from demo.tabs import TABS
from inpainters import registry
from inpainters.imaging import encode_png

each_stop = pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.title)


@pytest.fixture
def app(store):
    app = App(store, Runner(), RESULTS)
    yield app
    app.runner.close()


@each_stop
def test_a_stop_names_what_is_there(stop):
    asked = stop.asked
    assert asked["t"] in TABS
    assert asked.keys() <= {"t", "img", "m"}
    assert urlencode(asked, safe=",") == stop.query  # nothing of it is lost on the way
    for name in filter(None, asked.get("m", "").split(",")):
        assert registry.unavailable(name) is None
        assert asked["t"] != "inside" or registry.get(name).explains
    assert asked.get("img", next(iter(SAMPLES))) in SAMPLES
    assert stop.runs == (asked["t"] == "inside")
    named = [claim.name for claim in claims(RESULTS)]
    assert not stop.look.startswith("#claim-") or stop.look.removeprefix("#claim-") in named


@each_stop
def test_its_words_are_few_and_name_no_figure(stop):
    assert 2 <= len(re.findall(r"[.?!](?: |$)", stop.text)) <= 4
    assert not re.search(r"\d", stop.title + stop.text)
    assert len(stop.text) < 380  # six lines where the window is narrow


def test_the_tour_goes_through_compare_inside_and_claims():
    assert len(STOPS) == 6
    tabs = [stop.asked["t"] for stop in STOPS]
    assert list(dict.fromkeys(tabs)) == ["compare", "inside", "claims"]


@pytest.mark.parametrize("given", ["0", "7", "99", "x", "-1", "1.0", "²", "", "1" * 5000, None])
def test_another_stop_is_none_and_noted(given):
    assert stop_of(given) is None
    asked = {"tour": given} if given else {}
    assert with_stop(asked) == asked
    assert bool(unknown_stop(asked)) == bool(given)
    assert len(unknown_stop(asked)) < 120


def test_what_stands_in_the_address_counts_before_what_the_stop_asks_for():
    asked = with_stop({"tour": "3", "m": "gated_conv"})
    assert asked == {"tour": "3", "t": "inside", "img": "chelsea", "m": "gated_conv"}


def test_an_unknown_stop_is_said_in_compare(app):
    reply = links.restore_session(app, Session(app.store), {"tour": "99"})
    assert reply.error
    assert "'99'" in reply.note


def test_a_stop_in_compare_shows_the_finished_example_and_leaves_it_where_it_is(app):
    session, stop = Session(app.store), STOPS[0]
    first = links.visit_stop(app, session, stop.asked)
    shown = session.round
    assert first.mask == showcase(app.store, RESULTS).mask
    assert shown.best
    assert set(session.chosen) == set(stop.asked["m"].split(","))
    assert links.visit_stop(app, session, stop.asked).mask is None
    assert session.round is shown
    tools.use_tool(app, session, {"kind": "sample", "id": "coffee"})
    links.visit_stop(app, session, stop.asked)
    assert session.round.best


def test_an_upload_that_was_not_filled_stays_and_a_filled_one_goes_into_the_history(app, tmp_path):
    session = Session(app.store)
    path = tmp_path / "own.png"
    path.write_bytes(encode_png(np.zeros((40, 60, 3), np.uint8)))
    compare.open_photo(app, session, path, "own.png")
    own = session.round
    assert links.visit_stop(app, session, STOPS[0].asked).note == links.OWN_STAYS
    assert session.round is own
    own.answers["telea"] = own.picture.token
    links.visit_stop(app, session, STOPS[0].asked)
    assert session.round.best
    assert session.past == [own]


def test_a_stop_in_inside_keeps_what_was_run_on_just_that(app):
    look, asked = Inspection(app.store), STOPS[2].asked
    inside.come_to_stop(look, asked)
    assert (look.source, look.method) == (asked["img"], asked["m"])
    look.batch = ran = object()
    inside.come_to_stop(look, asked)
    assert look.batch is ran
    look.batch = None
    inside.come_to_stop(look, STOPS[3].asked)
    assert look.method == STOPS[3].asked["m"]
