"""What a visitor can do in the Leaderboard tab, over a small made suite."""

from dataclasses import replace
from pathlib import Path

import pytest

from demo.actions import leaderboard as actions
from demo.server.jobs import Runner
from demo.server.store import Store
from demo.server.suites import Figure
from demo.server.visit import App
from demo.views.hole import hole_panes
from inpainters.errors import InputError


def test_what_can_be_selected_is_what_a_suite_has(root: Path) -> None:
    found = actions.select(root, "tiny")
    assert (found.metric, found.region) == ("lpips_squeeze", "hole")
    assert (found.measured, found.lacking) == (["lpips_squeeze"], ["fid_inception_tm"])
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
