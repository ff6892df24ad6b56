"""The page's scripts and styles: their size, that they keep no state of their own, and what they compute."""

import json
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage
from skimage import transform

pytest.importorskip("gradio")

from demo.server.limits import MAX_UPLOAD
from demo.tabs import TABS
from demo.widgets import assets
from demo.widgets.widget import Widget
from inpainters.uses.feather import soft_edge

FOLDER = Path(assets.__file__).parent
for module in FOLDER.glob("*.py"):  # all widgets are known once their modules are
    import_module(f"demo.widgets.{module.stem}")
FILES = sorted([*FOLDER.glob("*.js"), *FOLDER.glob("*.css")], key=lambda file: file.name)
SCRIPTS = [file for file in FILES if file.suffix == ".js"]
IN_HEAD = {"tokens.css", "page.css", *(name for tab in TABS.values() for name in tab.styles)}


def names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


@pytest.mark.parametrize("file", FILES, ids=names(FILES))
def test_files_are_short_and_their_lines_too(file: Path) -> None:
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 300
    assert max(map(len, lines)) <= 110


def test_no_words_are_smaller_than_the_smallest_token() -> None:
    sizes = {file.name: re.findall(r"font-size: (\d+)px", file.read_text(encoding="utf-8")) for file in FILES}
    assert {name: found for name, found in sizes.items() if any(int(size) < 12 for size in found)} == {}


@pytest.mark.parametrize("file", SCRIPTS, ids=names(SCRIPTS))
def test_scripts_keep_no_state(file: Path) -> None:
    """What stands at the top level of a script is shared by all components: functions and constants."""
    text = file.read_text(encoding="utf-8")
    assert not re.findall(r"^(?:export )?(?:let|var|class)\b.*", text, re.MULTILINE)
    constants = re.findall(r"^(?:export )?const (\w+|\[.*?\]) = (.*)", text, re.MULTILINE)
    assert not [name for name, _ in constants if name != name.upper()]
    assert not [name for name, value in constants if re.match(r"new (Weak)?(Map|Set)\b|el\(|svg\(", value)]


def test_every_file_is_used() -> None:
    widgets = {kind.ASSET for kind in Widget.__subclasses__()}
    entries = [f"{widget}.{end}" for widget in widgets for end in ("js", "css")] + ["common.css", *IN_HEAD]
    assert set(assets.parts(*entries)) == {*names(FILES), *assets.MADE}


@pytest.mark.parametrize("kind", Widget.__subclasses__(), ids=lambda kind: kind.ASSET)
def test_events_are_those_the_scripts_send(kind: type[Widget]) -> None:
    sent = re.findall(r'\btrigger\("(\w+)"', assets.script(f"{kind.ASSET}.js"))
    assert set(sent) == set(kind.SENDS)


def test_the_page_knows_how_large_a_file_the_server_takes() -> None:
    told = re.search(r"MOST_UPLOAD = (\S+);", assets.asset("common.js"))
    assert told
    assert float(told[1]) == MAX_UPLOAD


def test_a_script_comes_with_what_it_imports() -> None:
    text = assets.component_script("panes.js")
    assert not re.search(r"^(import|export) ", text, re.MULTILINE)
    scopes = re.findall(r"^const (\w+) = \(\(\) => \{$", text, re.MULTILINE)
    assert scopes == [part.removesuffix(".js").replace(".", "_") for part in assets.parts("panes.js")]
    assert scopes.index("common") < scopes.index("panes_view") < scopes.index("panes")
    assert text.endswith("panes.mount({ element, props, trigger, upload, watch });\n")


def test_a_style_comes_with_what_it_imports() -> None:
    assert "@import" not in assets.style("inside.css")
    assert assets.parts("inside.css")[-1] == "inside.css"
    assert assets.asset("inside.curves.css") in assets.style("inside.css")


def computed(program: str, script: str = "mask_editor.holes.js") -> Any:
    """What a program says that uses the scripts of the mask."""
    if shutil.which("node") is None:
        pytest.skip("node is not here")
    text = assets.script(script) + program
    node = shutil.which("node") or "node"
    return json.loads(subprocess.run([node], input=text, check=True, capture_output=True, text=True).stdout)


def test_masks_are_replaced_joined_and_taken_away() -> None:
    """A mask of the server's against the painted one, whose second pixel has a line of the sketch."""
    program = """
    const rgba = [255, 0, 255, 0].flatMap((grey) => [grey, grey, grey, 255]);
    const found = ["", "add", "remove"].map((how) => {
      const mask = { w: 4, h: 1, bits: Uint8Array.from([1, 3, 0, 0]) };
      mask_editor_mask.readMask(mask, rgba, how);
      return [...mask.bits];
    });
    const wider = { w: 3, h: 2, bits: Uint8Array.from([1, 0, 0, 0, 0, 0]) };
    mask_editor_mask.addMask(wider, { w: 2, h: 1, bits: Uint8Array.from([0, 3]) }, 1, 1);
    console.log(JSON.stringify([...found, [...wider.bits]]));
    """
    replaced, joined, taken, wider = computed(program)
    assert replaced == [1, 2, 1, 0]
    assert joined == [1, 3, 1, 0]
    assert taken == [0, 3, 0, 0]
    assert wider == [1, 0, 0, 0, 0, 3]


def test_growing_and_shrinking_are_those_of_a_disc() -> None:
    rng = np.random.default_rng(0)
    mask = ndimage.binary_opening(rng.random((300, 520)) < 0.7, iterations=3)
    mask[-2:, 100:140] = True
    program = f"""
    const mask = {{ w: 520, h: 300, bits: Uint8Array.from({mask.astype(int).ravel().tolist()}) }};
    const found = [2, -2].map((by) => {{
      const one = {{ ...mask, bits: mask.bits.slice() }};
      mask_editor_mask.spread(one, by);
      return [...one.bits];
    }});
    console.log(JSON.stringify(found));
    """
    grown, shrunk = (np.array(bits, bool).reshape(mask.shape) for bits in computed(program))
    rows, columns = np.mgrid[-2:3, -2:3]
    disc = rows**2 + columns**2 <= 4
    assert np.array_equal(grown, ndimage.binary_dilation(mask, disc))
    assert np.array_equal(shrunk, ndimage.binary_erosion(mask, disc, border_value=1))


def test_the_soft_edge_that_is_shown_is_the_one_of_the_results() -> None:
    mask = ndimage.binary_opening(np.random.default_rng(0).random((90, 130)) < 0.75, iterations=2)
    box = [10, 20, 120, 88]
    program = f"""
    const mask = {{ w: 130, h: 90, bits: Uint8Array.from({mask.astype(int).ravel().tolist()}) }};
    const found = [1, 9].map((by) => [...mask_editor_feather.softness(mask, {box}, by)]);
    console.log(JSON.stringify(found));
    """
    for pixels, shown in zip((1, 9), computed(program, "mask_editor.feather.js"), strict=True):
        expected = 255 * soft_edge(mask, pixels)[20:88, 10:120]
        assert 0.02 < ((expected > 0) & (expected < 255)).mean() < 0.9
        assert np.abs(np.reshape(shown, expected.shape) - expected).max() <= 0.6


def test_the_net_between_four_corners_is_the_one_of_the_warp() -> None:
    corners = [(60.0, 40.0), (300.0, 70.0), (280.0, 260.0), (20.0, 180.0)]
    points = json.dumps([{"x": x, "y": y} for x, y in corners])
    places = [(0, 0), (1, 0), (1, 1), (0, 1), (0.5, 0.5), (0.25, 0.8)]
    program = f"""
    const [points, places] = [{points}, {json.dumps(places)}];
    const net = mask_editor_corners.netOf(points);
    const [a, b, c, d] = points;
    const odd = [[d, c, b, a], [a, c, b, d], [a, a, a, a]];
    const found = places.map(([u, v]) => net(u, v)).map(({{ x, y }}) => [x, y]);
    console.log(JSON.stringify([found, odd.map(mask_editor_corners.netOf)]));
    """
    found, odd = computed(program, "mask_editor.corners.js")
    square = transform.ProjectiveTransform.from_estimate(np.array(places[:4], float), np.array(corners))
    assert np.array(found) == pytest.approx(square(np.array(places, float)), abs=1e-6)
    assert odd == [None] * 3


def test_ten_megapixels_are_inverted_grown_and_measured() -> None:
    program = """
    const mask = mask_editor_mask.makeMask(3648, 2736);
    const write = mask_editor_mask.writer(mask, 1, false);
    mask_editor_mask.capsule(mask, { x: 600, y: 400 }, { x: 900, y: 900 }, 60, write);
    mask_editor_mask.invert(mask);
    mask_editor_mask.spread(mask, true);
    console.log(JSON.stringify(mask_editor_holes.holes(mask)[0][5]));
    """
    depth = computed(program)
    mask = np.ones((2736 // 8, 3648 // 8), bool)
    rows, columns = np.mgrid[: mask.shape[0], : mask.shape[1]]
    along = np.clip(((columns - 75) * 37.5 + (rows - 50) * 62.5) / (37.5**2 + 62.5**2), 0, 1)
    mask[np.hypot(columns - 75 - along * 37.5, rows - 50 - along * 62.5) <= 7.5] = False
    assert depth == pytest.approx(8 * ndimage.distance_transform_edt(mask).max(), rel=0.02)


def test_holes_that_touch_tiles_of_each_other_are_one() -> None:
    program = """
    const mask = mask_editor_mask.makeMask(100, 60);
    const write = mask_editor_mask.writer(mask, 1, false);
    for (const [x, y] of [[3, 5], [17, 20], [99, 59]]) write(y * 100 + x);
    console.log(JSON.stringify(mask_editor_holes.holes(mask)));
    """
    assert computed(program) == [[5, 3, 21, 18, 2, 1], [59, 99, 60, 100, 1, 1]]


def test_a_third_finger_leaves_a_pinch_as_it_is_and_may_take_a_fingers_place() -> None:
    program = """
    const [heard, done] = [{}, []];
    const stage = {
      addEventListener: (name, act) => Object.assign(heard, { [name]: act }),
      getBoundingClientRect: () => ({ left: 0, top: 0 }),
      focus() {},
      setPointerCapture() {},
    };
    globalThis.document = { addEventListener() {} };
    const no = { spaceDown: () => false, chosen: () => false };
    const editor = {
      mask: { w: 9, h: 9 },
      keys: no,
      corners: no,
      extend: no,
      brush: { value: () => 1, strokes: () => true, tool: () => "brush", size: () => 5 },
      view: {
        current: () => ({ scale: 1 }),
        at: () => ({ x: 1, y: 1 }),
        settle() {},
        scaleFrom: (from, scale) => done.push(scale),
      },
      canvas: { forget() {}, retint() {}, settle() {} },
      begin: () => done.push("paint"),
      stroke: () => [0, 0, 1, 1],
      keep: () => done.push("keep"),
      changed: () => ({ lines: 0 }),
      draw() {},
    };
    mask_editor_pointer.makePointer(editor, stage, {});
    const same = { clientY: 0, button: 0, pointerType: "touch", preventDefault() {} };
    const touch = (name, pointerId, clientX) => heard[`pointer${name}`]({ ...same, pointerId, clientX });
    [10, 50, 130].forEach((x, finger) => touch("down", finger, x));
    touch("move", 2, 131);
    touch("up", 0, 10);
    touch("move", 2, 132);
    for (const finger of [1, 2]) touch("up", finger, 60);
    console.log(JSON.stringify(done));
    """
    assert computed(program, "mask_editor.pointer.js") == ["paint", 1, 82 / 81]


@pytest.mark.parametrize(
    ("script", "takes", "begin", "expected"),
    [
        # The later alone counts: there is no second event, and nothing is busy.
        (
            "mask_editor.files.js",
            "picture",
            "mask_editor_files.makeFiles({ ...given, root, say() {} })",
            ["quick", False, False],
        ),
        (
            "uploads.js",
            [{"kind": "photo", "text": "Picture"}],
            "uploads.mount(given)",
            ["quick", False, False],
        ),
        # Both count, and the page is busy until the last is there.
        (
            "uploads.js",
            [{"kind": "photos", "text": "Photographs", "several": True}],
            "uploads.mount(given)",
            ["quick", True, "slow", False],
        ),
    ],
)
def test_two_uploads_at_once(script: str, takes: Any, begin: str, expected: list[Any]) -> None:
    program = f"""
    const [heard, arrive, told] = [{{}}, {{}}, []];
    const node = () => ({{
      offsetParent: {{}},
      classList: {{ add() {{}}, remove() {{}}, toggle() {{}} }},
      addEventListener() {{}},
      append() {{}},
      contains: () => false,
      setAttribute(name) {{ this[name] = true; }},
      removeAttribute(name) {{ delete this[name]; }},
    }});
    const listen = (name, act) => Object.assign(heard, {{ [name]: act }});
    globalThis.document = {{ createElement: node, createElementNS: node, addEventListener: listen }};
    globalThis.ResizeObserver = class {{ observe() {{}} }};
    const root = node();
    const given = {{
      element: {{ id: "one", querySelector: () => root }},
      props: {{ takes: {json.dumps(takes)}, samples: [] }},
      trigger: () => told.push(given.props.value.name ?? given.props.value.names[0]),
      upload: (file) => new Promise((done) => Object.assign(arrive, {{ [file.name]: done }})),
      watch() {{}},
    }};
    {begin};
    const turn = () => new Promise((go) => setTimeout(go));
    const drop = (name) => heard.drop({{
      dataTransfer: {{ types: ["Files"], files: [{{ name, size: 1 }}] }}, target: root, preventDefault() {{}},
    }});
    (async () => {{
      ["slow", "quick"].forEach(drop);
      for (const name of ["quick", "slow"]) {{
        arrive[name]({{ path: name }});
        await turn();
        told.push("aria-busy" in root);
      }}
      console.log(JSON.stringify(told));
    }})();
    """
    assert computed(program, script) == expected
