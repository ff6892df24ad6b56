"""What the Inside tab shows, with made-up methods."""

from collections import deque

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.actions import inside
from demo.server.inspection import Inspection
from demo.server.pictures import open_picture
from demo.server.visit import Session
from demo.views import inside as view
from inpainters.errors import InputError
from inpainters.methods.diffusion import schedules

SIZE = (80, 120)


HOLE = (slice(20, 60), slice(40, 80))


pytestmark = pytest.mark.usefixtures("made_up")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "photo.png"
    PilImage.fromarray(np.random.default_rng(0).integers(0, 256, (*SIZE, 3), np.uint8)).save(path)
    return path


def test_values_name_methods_reasons_and_the_hole_from_compare(app, photo, made_up):
    session, visit = Session(app.store), Inspection(app.store)
    assert view.inside(app, visit, session)["sources"][0]["id"] == "coffee"
    session.begin(open_picture(app.store, photo, "photo.png"))
    value = view.inside(app, visit, session)
    assert value["sources"][0] | {"src": ""} == {
        "id": "compare",
        "title": "Hole from Compare: photo.png",
        "src": "",
        "why": "Paint a hole in Compare first.",
    }
    assert [(one["id"], bool(one["why"])) for one in value["methods"]] == [
        (name, name == "weightless") for name in made_up.CLASSES
    ]
    with pytest.raises(InputError, match="nothing inside"):
        inside.take_pick(visit, session, {"method": "telea"})
    with pytest.raises(InputError, match="did you mean 'coffee'"):
        inside.take_pick(visit, session, {"source": "cofee"})
    inside.take_pick(visit, session, {"method": "weightless"})
    assert view.inside(app, visit)["why"] == made_up.WHY
    with pytest.raises(InputError, match="needs weights"):
        inside.start_explanation(app, visit, deque(maxlen=1))


def test_a_hole_that_has_expired_has_no_price_and_is_opened_again(app):
    visit = Inspection(app.store, "filling")
    inside.take_pick(visit, None, {"source": "chelsea"})
    (_, mask), title = visit.pixels(), view.inside(app, visit)["run"]
    app.store.drop([visit.mask])
    assert title != "Run"
    assert view.inside(app, visit)["run"] == "Run"
    inside.come(visit, None, "")
    assert np.array_equal(visit.pixels()[1], mask)
    assert (visit.source, view.inside(app, visit)["run"]) == ("chelsea", title)
    visit.close()


def test_the_schedule_is_known_before_the_run_and_is_the_walk(app):
    visit = Inspection(app.store, "repaint")
    inside.take_pick(visit, None, {"source": "chelsea"})
    for preset, steps, calls in (("balanced", 820, 460), ("paper", 4570, 2410)):
        inside.take_pick(visit, None, {"preset": preset})
        drawn = view.inside(app, visit)["schedule"]
        own, beside = drawn["lines"]
        assert (drawn["steps"], own["calls"], len(own["points"]) < 500) == (steps, calls, True)
        chosen = schedules.SCHEDULES["repaint"].presets[preset]
        assert beside == {"title": "Replacement", "calls": chosen.steps, "points": beside["points"]}
        # Each level stands `1000 // steps` timesteps above the one below; the clean picture is 0.
        stride = 1000 // chosen.steps
        walked = [(to * stride + 1 if to >= 0 else 0) for _, to in schedules.walk("repaint", chosen)]
        places, timesteps = zip(*own["points"], strict=True)
        assert np.array_equal(np.interp(range(1, steps + 1), places, timesteps).round(6), walked)
        assert own["points"][0] == [0, (chosen.steps - 1) * stride + 1]
        places, timesteps = zip(*beside["points"], strict=True)
        straight = [level * stride + 1 for level in range(chosen.steps - 2, -1, -1)] + [0]
        assert np.array_equal(np.interp(range(1, chosen.steps + 1), places, timesteps).round(6), straight)
    inside.take_pick(visit, None, {"method": "filling"})
    assert view.inside(app, visit)["schedule"] is None
    visit.close()


def test_presets_say_what_they_cost_and_travel_in_the_link(app):
    visit = Inspection(app.store, "repaint")
    inside.take_pick(visit, None, {"source": "chelsea"})
    shown = view.inside(app, visit)
    assert [one["id"] for one in shown["presets"]] == ["preview", "balanced", "paper"]
    assert [one["costs"][0] for one in shown["presets"]] == [
        "72 calls",
        "560 calls",
        "2,660 calls",
    ]  # replacement's among them
    assert shown["run"] == f"Run · {shown['presets'][0]['costs'][1]}"
    assert "o=" not in shown["query"]
    inside.take_pick(visit, None, {"preset": "balanced"})
    shown = view.inside(app, visit)
    assert (shown["preset"], shown["run"]) == ("balanced", f"Run · {shown['presets'][1]['costs'][1]}")
    asked = dict(part.split("=") for part in shown["query"][1:].split("&"))
    other = Inspection(app.store)
    inside.restore_inspection(other, asked)
    assert (other.method, other.preset, other.source) == ("repaint", "balanced", "chelsea")
    job = inside.start_explanation(app, other, deque(maxlen=1)).jobs[0]
    assert job.options == {"preset": "balanced"}
    with pytest.raises(InputError, match="did you mean 'paper'"):
        inside.take_pick(visit, None, {"preset": "papr"})
    inside.take_pick(visit, None, {"method": "replacement"})
    assert view.inside(app, visit)["preset"] == "preview"
    inside.take_pick(visit, None, {"method": "filling"})
    assert view.inside(app, visit)["presets"] == []
    with pytest.raises(InputError, match="has no presets"):
        inside.take_pick(visit, None, {"preset": "paper"})
    for one in (visit, other):
        one.close()
