"""The methods to choose from, with what they cost."""

from demo.server import fetching, options, samples
from demo.server.jobs import Runner
from demo.server.pictures import open_picture
from demo.server.visit import Session
from demo.views import compare as view
from demo.views import picker
from inpainters import costs, registry
from inpainters.costs import spoken
from inpainters.strategy import Hole


def test_what_a_picker_offers(store):
    rows = {
        row["id"]: row for family in picker.picker(Session(store))["families"] for row in family["methods"]
    }
    assert {
        option["name"]: (option["kind"], option["default"], option["maximum"])
        for option in rows["telea"]["options"]
    } == {"radius": ("float", 3.0, 50)}
    names = [option.name for option in options.offered(registry.get("repaint"))]
    assert names == ["preset", "steps", "precision", "compile", "detail", "jump_length", "resamplings"]


def test_what_is_not_here_stands_apart_and_says_how_its_download_goes(store, monkeypatch):
    value = picker.picker(Session(store))
    offered = [row["id"] for family in value["families"] for row in family["methods"]]
    absent = {row["id"]: row["why"] for row in value["absent"]}
    assert not absent.keys() & set(offered)
    assert absent.keys() | set(offered) == set(registry.METHODS)
    assert "fetch flux_fill" in absent["flux_fill"]
    monkeypatch.setitem(fetching._states, "flux_fill", "It is being fetched: 3 %.")
    absent = {row["id"]: row["why"] for row in picker.picker(Session(store))["absent"]}
    assert absent["flux_fill"] == "It is being fetched: 3 %."


def test_the_price_of_a_diffusion_method_counts_answers_options_and_holes(store):
    costs.forget()
    spec, session = registry.get("repaint"), Session(store)
    session.begin(open_picture(store, samples.sample_path("coffee"), "Coffee", "coffee"))
    session.hole, session.holes = {"count": 800}, [Hole(0, 0, 20, 20, 400), Hole(300, 500, 320, 520, 400)]
    prices = session.prices()
    assert prices["repaint"].calls == 2 * 57
    session.n, session.options = 4, {"repaint": {"preset": "balanced"}}
    dear = session.prices()
    assert dear["repaint"].calls == 4 * 2 * 460
    assert dear["telea"] == prices["telea"]
    assert picker.priced(spec, dear["repaint"], 4).startswith("4 × 920 network calls, about ")
    session.chosen = ["repaint"]
    ready = sum(registry.unavailable(name) is None for name in registry.METHODS)
    label = f"Run 1 of {ready} · {spoken(dear['repaint'].seconds)}"
    assert view.run_label(session, Runner(), dear)[0] == label
