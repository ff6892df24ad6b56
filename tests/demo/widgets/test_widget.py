"""The components' Python side, without a browser."""

import json
import re
import shutil
import subprocess

import pytest

pytest.importorskip("gradio")

import gradio as gr

from demo.views.changes import next_rev
from demo.widgets.assets import asset, component_script, script, style_tag
from demo.widgets.chart import Chart
from demo.widgets.panes import Panes
from demo.widgets.picker import Picker
from demo.widgets.table import Table
from inpainters.families import FAMILIES

COMPONENTS = (Panes, Picker, Table, Chart)


@pytest.mark.parametrize("kind", COMPONENTS)
def test_templates_hold_nothing_that_gradio_would_run(kind: type) -> None:
    component = kind({"caption": "${1+1}"})
    for template in (component.html_template, component.css_template):
        assert not re.search(r"[`\\]|\$\{|\{\{", template)
    assert component.html_template == kind(None).html_template
    assert component.css_template.count("{") == component.css_template.count("}")


@pytest.mark.parametrize("kind", COMPONENTS)
def test_events_are_those_the_script_sends(kind: type) -> None:
    sent = set(re.findall(r'trigger\("(\w+)"', script(f"{kind.ASSET}.js")))
    assert sent == set(kind.SENDS)
    with gr.Blocks() as page:
        component = kind(None)
        for event in kind.SENDS:
            getattr(component, event)(lambda: None)
            gr.on([getattr(component, event)], lambda: None)
    targets = [
        (event, function.trigger_mode) for function in page.fns.values() for _, event in function.targets
    ]
    assert targets == [(event, mode) for event in kind.SENDS for mode in ("multiple", "once")]
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = kind(None).nonsense


@pytest.mark.parametrize(
    ("payload", "ids"),
    [
        ({"chosen": ["a", "b"]}, ["a", "b"]),
        ({"chosen": [1, "a", None]}, ["a"]),
        ({"chosen": "ab"}, []),
        (None, []),
        ([{}], []),
        (7, []),
    ],
)
def test_picker_takes_only_text_from_the_browser(payload: object, ids: list[str]) -> None:
    assert Picker(None).preprocess(payload) == (ids, {}, "")


def test_picker_takes_only_settings_by_method() -> None:
    payload = {"chosen": ["a"], "options": {"a": {"radius": 5}, "b": 3}}
    assert Picker(None).preprocess(payload) == (["a"], {"a": {"radius": 5}}, "")
    assert Picker(None).preprocess({"chosen": [], "options": [1]}) == ([], {}, "")
    assert Picker(None).preprocess({"purpose": "fast"}).purpose == "fast"
    assert Picker(None).preprocess({"purpose": ["fast"]}).purpose == ""


def test_revisions_rise() -> None:
    revisions = [next_rev() for _ in range(1000)]
    assert revisions == sorted(set(revisions))


def test_scripts_and_styles_have_every_family_as_the_table_says() -> None:
    light, dark = asset("families.css").split(".dark {")
    table = json.loads(asset("families.js").removeprefix("export const FAMILIES = ").removesuffix(";\n"))
    assert list(table) == list(FAMILIES)
    for name, family in FAMILIES.items():
        assert f"--family-{name}: {family.colour};" in light
        assert f"--family-{name}: {family.dark};" in dark
        assert (table[name]["title"], table[name]["sign"]) == (family.title, family.sign)
    assert asset("families.css") in style_tag("tokens.css")
    assert "const families = " in component_script("chart.js")


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not here")
def test_a_mark_has_the_corners_of_the_table() -> None:
    program = """
    const setAttribute = function (name, value) { this[name] = value; };
    const style = { setProperty() {} };
    globalThis.document = { createElementNS: () => ({ style, append() {}, setAttribute }) };
    const drawn = (family) => chart_marks.mark({ family }, 5).d;
    console.log(JSON.stringify(["patch", "baseline", "none"].map(drawn)));
    """
    run = [shutil.which("node") or "node", "-e", script("chart.marks.js") + program]
    triangle, disc, none = json.loads(subprocess.run(run, check=True, capture_output=True, text=True).stdout)
    assert triangle == "M0.00 -6.00L5.75 4.00L-5.75 4.00Z"
    assert disc == none == "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0 -10 0Z"
