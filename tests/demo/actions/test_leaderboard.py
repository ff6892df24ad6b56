"""What a visitor can do in the Leaderboard tab, over a small made suite."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.actions import leaderboard as actions
from demo.actions.tools import use_tool
from demo.server.exhibits import hole_in_view
from demo.server.jobs import Runner
from demo.server.store import Store
from demo.server.suites import Figure, open_suite
from demo.server.visit import App, Session
from demo.views.hole import hole_panes
from inpainters.errors import InputError


def test_what_can_be_selected_is_what_a_suite_has(root: Path) -> None:
    found = actions.select(root, "tiny")
    assert (found.metric, found.region) == ("lpips_squeeze", "hole")
    assert actions.metrics(root) == (["lpips_squeeze"], ["fid_inception_tm"])
    assert actions.select(root, "tiny", "fid_inception_tm", "hole").region == "whole"
    assert actions.families(root) == ["baseline", "smoothing"]
    with pytest.raises(InputError, match="broken"):
        actions.select(root, "broken")


def test_a_click_opens_a_figure_and_steps_go_round(root: Path) -> None:
    clicked = {"row": "telea", "col": "seconds"}
    figure = actions.open_figure("tiny", "psnr", "hole", ["baseline"], "best", clicked)
    assert (figure.entry, figure.label, figure.sort, figure.index) == ("telea", "all", "best", 0)
    point = {"cell": {"row": "telea", "col": "1-10"}}
    assert actions.open_figure("tiny", "psnr", "hole", [], "worst", point).label == "1-10"
    app = App(Store(), Runner(), root)
    figure = Figure("tiny", "lpips_squeeze", "hole", ("smoothing",), "telea", "1-10")
    try:
        first, last = hole_panes(app, figure)[0], hole_panes(app, actions.step(figure, -1))[0]
        assert (first[:11], last[:12]) == ("**1 of 20**", "**20 of 20**")
        assert hole_panes(app, replace(figure, index=20))[0] == first
        assert "p0" in hole_panes(app, actions.order(replace(figure, index=3), "best"))[0]
        panes = {pane["id"]: pane for pane in hole_panes(app, figure)[1]["panes"]}
        assert list(panes) == ["original", "masked", "telea"]
        assert panes["telea"]["state"] == "done"
        picture = app.store.image(panes["telea"]["src"].removeprefix("pic/"))
        assert (picture == (0, 51, 0)).all()
    finally:
        app.runner.close()
        app.store.close()


def test_holes_of_each_kind_have_figures_and_pictures_of_their_own(two_kinds: Path) -> None:
    assert actions.select(two_kinds, "tiny").mask_sets == ["irregular", "object"]
    chosen = actions.select(two_kinds, "tiny", mask_set="object")
    assert (chosen.mask_set, chosen.metric) == ("object", "lpips_squeeze")
    assert actions.select(two_kinds, "tiny", mask_set="walks").mask_set == "irregular"
    app, clicked = App(Store(), Runner(), two_kinds), {"row": "telea", "col": "1-10"}
    try:
        seen = {}
        for kind in chosen.mask_sets:
            figure = actions.open_figure(
                "tiny", "lpips_squeeze", "hole", ["smoothing"], "worst", clicked, kind
            )
            heading, shown = hole_panes(app, figure)
            assert heading.startswith("**1 of 20**")
            (pane,) = (pane for pane in shown["panes"] if pane["id"] == "telea")
            picture = app.store.image(pane["src"].removeprefix("pic/"))
            seen[kind] = picture[0, 0].tolist(), pane["chips"][0]["value"]
        assert seen == {"irregular": ([0, 51, 0], "0.390"), "object": ([0, 0, 255], "0.890")}
    finally:
        app.runner.close()
        app.store.close()


def test_what_a_link_asks_for_is_opened_where_it_is_there(two_kinds: Path) -> None:
    asked = {"t": "leaderboard", "suite": "tiny", "metric": "fid_inception_tm", "holes": "object"}
    suite, found = actions.linked_choice(two_kinds, ["tiny"], asked) or ("", None)
    assert found
    opened = suite, found.metric, found.region, found.mask_set
    assert opened == ("tiny", "fid_inception_tm", "whole", "object")
    odd = {"t": "leaderboard", "suite": "../etc", "metric": "<b>", "region": "moon"}
    suite, found = actions.linked_choice(two_kinds, ["tiny"], odd) or ("", None)
    assert found
    assert (suite, found.metric, found.region) == ("tiny", "lpips_squeeze", "hole")
    assert actions.linked_choice(two_kinds, ["tiny"], {"t": "compare", "suite": "tiny"}) is None
    assert [actions.linked_border({"border": word}) for word in ("free", "touching", "top")] == [
        "free",
        "touching",
        "",
    ]


def test_holes_are_kept_by_whether_they_touch_the_border(root: Path, tmp_path: Path) -> None:
    """By hand: one pixel at each side, one a pixel away from a corner, and the fixture's, far from all."""
    shutil.copytree(root / "tiny", tmp_path / "tiny")
    inputs, sides = tmp_path / "tiny/cells/sample/irregular/1-10/_inputs", [(0, 9), (63, 9), (9, 0), (9, 63)]
    for number, place in enumerate([*sides, (1, 1)]):
        mask = np.zeros((64, 64), np.uint8)
        mask[place] = 255
        PilImage.fromarray(mask).save(inputs / f"p{number}@full.mask.png")
    results = open_suite(tmp_path, "tiny")
    figure = Figure("tiny", "lpips_squeeze", "hole", ("smoothing",), "telea", "1-10", "best")

    def kept(figure: Figure) -> list[str]:
        count = hole_in_view(results, figure)[2]
        return [hole_in_view(results, actions.step(figure, by))[0][1] for by in range(count)]

    assert kept(actions.order(figure, "worst", border="touching")) == [f"p{n}@full" for n in (3, 2, 1, 0)]
    assert kept(replace(figure, border="free")) == [f"p{n}@full" for n in range(4, 20)]
    assert len(kept(figure)) == 20
    other = replace(figure, label="50-60", border="touching")
    with pytest.raises(InputError, match="None of these holes touches the border: choose all holes"):
        hole_in_view(results, other)


def test_pictures_follow_suite_metric_and_families(two_kinds: Path) -> None:
    figure = Figure("tiny", "lpips_squeeze", "hole", ("smoothing",), "telea", "1-10", index=3)
    shown = ["baseline", "smoothing"]
    same = actions.follow(two_kinds, figure, "tiny", "lpips_squeeze", "hole", shown)
    assert same == replace(figure, families=tuple(shown))
    other = actions.follow(two_kinds, figure, "tiny", "fid_inception_tm", "whole", shown, "object")
    assert other == replace(same, metric="fid_inception_tm", region="whole", mask_set="object", index=0)
    without = actions.follow(two_kinds, figure, "tiny", "lpips_squeeze", "hole", ["baseline"])
    assert without
    assert (without.entry, without.label) == ("mean_fill", "1-10")
    assert actions.follow(two_kinds, figure, "tiny", "lpips_squeeze", "hole", []) is None
    assert actions.follow(two_kinds, None, "tiny", "lpips_squeeze", "hole", shown) is None


def test_a_hole_is_handed_to_compare_with_its_mask_and_method(two_kinds: Path) -> None:
    app = App(Store(), Runner(), two_kinds)
    session = Session(app.store, chosen=["biharmonic"])
    figure = Figure("tiny", "lpips_squeeze", "hole", ("smoothing",), "telea", "1-10", mask_set="object")
    try:
        actions.hand_over(app, session, figure)
        reply = use_tool(app, session, {"kind": "handed"})
        assert app.store.image(session.round.picture.token)[0, 0].tolist() == [200, 0, 0]
        assert reply.mask
        mask = app.store.mask(reply.mask)
        assert (mask.sum(), mask[16, 16], mask[15, 16]) == (32 * 32, True, False)
        assert session.chosen == ["telea", "biharmonic"]
        session.forget_answers()  # as a run does
        assert session.judged  # a true original lies under the mask
        for another in (session.go_on, session.begin):
            actions.hand_over(app, session, figure)
            another(session.round.picture)
            assert use_tool(app, session, {"kind": "handed"}).mask is None
        actions.hand_over(app, session, figure, "mean_fill")
        assert app.store.image(session.round.picture.token)[0, 0].tolist() == [0, 102, 0]
        assert use_tool(app, session, {"kind": "handed"}).mask is None
        shutil.rmtree(two_kinds / "tiny" / "cells")
        with pytest.raises(InputError, match="tiny are not here: `python -m benchmark run tiny`"):
            hole_panes(app, figure)
    finally:
        session.close()
        app.runner.close()
        app.store.close()


@pytest.mark.slow
def test_methods_that_were_spared_a_picture_are_one_line_with_the_reason() -> None:
    app, seen = App(Store(), Runner(), Path("results")), []
    figure = Figure("quick", "lpips_squeeze", "hole", ("smoothing", "own_prior"), "telea", "20-30")
    try:
        for place in range(8):
            heading, shown = hole_panes(app, replace(figure, index=place))
            panes = {pane["title"] for pane in shown["panes"] if pane.get("src")}
            told = heading.partition("time budget")[2]
            assert ("Deep image prior" in told) != ("Deep image prior" in panes)
            assert all(name in panes and name not in told for name in ("FSR", "Telea"))
            seen.append("Deep image prior" in told)
        assert set(seen) == {False, True}
    finally:
        app.runner.close()
        app.store.close()
