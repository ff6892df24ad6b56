"""Methods of one's own: from a function to a row, on every command line, and never from a page."""

import importlib
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark import results
from inpainters import registry
from inpainters.__main__ import main as inpainting
from inpainters.base import Inpainter, InpaintRequest
from inpainters.conformance import hole, striped, verdicts
from inpainters.errors import InputError
from inpainters.imaging import load_image, save_png
from inpainters.methods.others import own
from inpainters.spec import DETAIL_VERSION

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "own_method"


@pytest.fixture(autouse=True)
def table():
    """The table as it was, afterwards."""
    before = dict(registry.METHODS)
    yield
    registry.METHODS.clear()
    registry.METHODS.update(before)
    registry.BROKEN.clear()


@pytest.fixture
def example(monkeypatch):
    monkeypatch.chdir(EXAMPLE)
    yield
    sys.modules.pop("own_method", None)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes `mine.py` and returns its spec for a name in it."""
    monkeypatch.chdir(tmp_path)

    def write(code: str) -> None:
        (tmp_path / "mine.py").write_text(code)
        sys.modules.pop("mine", None)
        importlib.invalidate_caches()

    yield write
    sys.modules.pop("mine", None)


def test_a_function_is_a_row_with_its_settings(module):
    module(
        "from typing import Literal\n"
        "def fill_it(image, mask, radius: float = 2.5, mode: Literal['a', 'b'] = 'a', seed=0):\n"
        "    '''Paints.\n\n    More of it.'''\n"
        "    return image\n"
        "fill_it.about = {'year': 2026}\n"
    )
    name = registry.add("mine:fill_it")
    spec = registry.get(name)
    assert (name, spec.title, spec.family, spec.summary, spec.year) == (
        "mine_fill_it", "Fill it", "guest", "Paints.", 2026,
    )  # fmt: skip
    assert [(option.name, option.default, option.choices) for option in spec.options] == [
        ("radius", 2.5, ()),
        ("mode", "a", ("a", "b")),
    ]
    assert spec.stochastic
    assert not any(option.local for option in spec.options)
    before = spec.version
    module("def fill_it(image, mask):\n    return image\n")
    assert registry.get(registry.add("mine:fill_it")).version != before


def test_a_row_that_takes_detail_from_the_surroundings_has_that_steps_version_too(module):
    code = (
        "from inpainters.base import Inpainter\n"
        "from inpainters.spec import DETAIL_OPTION\n"
        "class Mine(Inpainter):\n    about = {'options': (DETAIL_OPTION,)}\n"
    )
    module(code)
    assert registry.get(registry.add("mine:Mine")).version.endswith(f"-{DETAIL_VERSION}")
    module(code.replace("(DETAIL_OPTION,)", "()"))
    assert "-" not in registry.get(registry.add("mine:Mine")).version
    module(code.replace("}", ", 'version': '7'}"))
    assert registry.get(registry.add("mine:Mine")).version == f"7-{DETAIL_VERSION}"
    module(code.replace("(DETAIL_OPTION,)", "(), 'version': '7'"))
    assert registry.get(registry.add("mine:Mine")).version == "7"
    module("from inpainters.registry import METHODS\nrow = METHODS['gated_conv']\n")
    row = registry.get("gated_conv")
    assert registry.get(registry.add("mine:row", "mine")).version == f"{row.version}-{DETAIL_VERSION}"


def test_a_text_that_may_name_a_file_is_for_the_command_line_alone(module):
    module("def paint(image, mask, weights: str = 'a.pt'):\n    return image\n")
    (option,) = registry.get(registry.add("mine:paint")).options
    assert option.local


def test_a_function_gets_copies_its_settings_and_its_seed(module):
    module(
        "def paint(image, mask, level=7, seed=0):\n    image[mask] = level + seed\n    mask[:] = False\n   "
        " return image\n"
    )
    method = registry.create(registry.add("mine:paint"), level=9)
    result = method.run([InpaintRequest(striped(), hole(), seed=4)])[0][0]
    assert (result.image[hole()] == 13).all()
    assert np.array_equal(result.image[~hole()], striped()[~hole()])


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("fill = 3", "neither a function"),
        ("def fill(image): return image", "must take two arguments"),
        ("def fill(image, mask, radius): return image", "'radius' of 'mine:fill' needs a default"),
        ("def other(image, mask): return image", "no 'fill' in the module 'mine'"),
        ("import nothing_of_that_name", "needs the package 'nothing_of_that_name'"),
        ("1 / 0", "could not be imported (ZeroDivisionError"),
        ("raise SystemExit(3)", "could not be imported (SystemExit"),
        (
            "from typing import Literal\ndef fill(image, mask, k: Literal[1, 2] = 1): return image",
            "choices of 'k' of 'mine:fill' must be texts",
        ),
        ("def fill(image, mask): return image\nfill.about = {'titel': ''}", "has 'titel'"),
        ("def fill(image, mask): return image\nfill.about = {'name': 'telea'}", "a method 'telea' already"),
    ],
)
def test_what_is_no_method_is_said_in_one_sentence(module, code, words):
    module(code)
    with pytest.raises(InputError) as caught:
        registry.add("mine:fill")
    assert words in str(caught.value)


def test_a_module_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"There is no module 'not_here\.at_all'"):
        registry.add("not_here.at_all:fill")


@pytest.mark.parametrize(
    ("code", "clause", "words"),
    [
        ("return image.astype(float)", "fills", "returned float64 of shape (64, 80, 3); a fill is uint8"),
        ("return None", "fills", "returned NoneType"),
        ("return image[:-1]", "fills", "returned uint8 of shape (63, 80, 3)"),
        ("return image", "fills", "came back black"),
        ("image[mask] = image[~mask].mean(0)[::-1]\n    return image", "colour", "red and blue seem swapped"),
        ("image[mask] = image[~mask].mean(0) / 255\n    return image", "colour", "seem to lie in [0, 1]"),
        ("image[mask] = 255 - image[~mask].mean(0)\n    return image", "colour", "inverted"),
        ("image[mask] = 99\n    return image", "colour", "what it takes for missing"),
        (
            "image[mask] = np.random.randint(99, 130, image[mask].shape)\n    return image",
            "the same seed",
            "The same seed gave two fills",
        ),
        (
            "image[mask] = np.random.default_rng().integers(99, 130, image[mask].shape)\n    return image",
            "other seeds",
            "Two seeds gave two fills",
        ),
        (
            "np.random.rand(); image[mask] = 99\n    return image",
            "global",
            "global generator of numpy.random",
        ),
        ("assert image.shape[0] % 8 == 0; image[mask] = 99\n    return image", "size", "At 3×3 pixels"),
    ],
)
def test_check_says_what_is_wrong(module, capsys, code, clause, words):
    module(f"import numpy as np\ndef fill(image, mask):\n    {code}\n")
    assert inpainting(["check", "mine:fill", "--trust"]) == 2
    lines = capsys.readouterr().out.splitlines()
    wrong = [(kept, why) for kept, why in pairwise(lines) if kept.startswith("NO ")]
    assert any(clause in kept.lower() and words in why for kept, why in wrong), lines


def test_a_class_that_writes_to_what_it_was_given_does_not_spoil_others():
    class Greedy(Inpainter):
        def fill(self, piece):
            piece.image[piece.mask] = 99
            return piece.image

    method = Greedy(own.spec_of(Greedy, "mine:Greedy"))
    assert [
        verdict.problem for verdict in verdicts(method) if verdict.problem and "colour" not in verdict.problem
    ] == []


def test_the_examples_keep_the_contract_and_are_taken_by_every_command(example, tmp_path, capsys):
    for name in ("own_method:rows", "own_method:Scatter"):
        assert inpainting(["check", name, "--trust"]) == 0
    save_png(tmp_path / "photo.png", striped(80, 96))
    save_png(tmp_path / "mask.png", hole(80, 96))
    files = [str(tmp_path / "photo.png"), str(tmp_path / "mask.png")]
    both = ["--method", "own_method:rows,own_method:Scatter,telea", "-o", str(tmp_path / "out")]
    assert inpainting(["fill", *files, *both]) == 2
    assert "add --trust" in capsys.readouterr().err
    assert inpainting(["fill", *files, *both, "--trust", "--option", "own_method_rows.blend=0.5"]) == 0
    found = {path: load_image(path).image for path in (tmp_path / "out").rglob("*.png")}
    assert len(found) == 3
    assert len({image.tobytes() for image in found.values()}) == 3


@pytest.mark.slow
def test_a_run_has_them_and_a_report_in_a_fresh_process_keeps_their_rows(tmp_path):
    """The second process neither trusts the module nor stands where it could be imported."""

    def run(code: str, where: Path) -> None:
        paths = {"PYTHONPATH": str(ROOT), "INPAINTING_WEIGHTS": str(tmp_path / "none")}
        done = subprocess.run(
            [sys.executable, "-c", f"from benchmark.__main__ import main\n{code}"],
            cwd=where, env=dict(os.environ) | paths, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr

    out = str(tmp_path / "results")
    asked = ["run", "quick", "--n", "2", "--bins", "20-30", "--masks", "irregular", "--out", out]
    asked += ["--methods", "own_method:rows:blend=0.5,telea", "--trust", "--only", "run"]
    run(f"assert main({asked}) == 0", EXAMPLE)
    assert not (tmp_path / "results" / "scores.parquet").exists()
    run(f"assert main(['score', {out!r}]) == 0\nassert main(['report', {out!r}]) == 0", tmp_path)
    found = results.load(Path(out))
    psnr = found.column("psnr", "hole").set_index("entry")["value"]
    assert psnr.index.value_counts().to_dict() == {'own_method_rows {"blend":0.5}': 2, "telea": 2}
    assert psnr.between(5, 60).all()
    lines = Path(out, "table.md").read_text("utf-8").splitlines()
    assert [line for line in lines if line.startswith("| own_method_rows, blend 0.5 | 2 |")]


def test_an_entry_point_joins_under_its_own_name_and_a_broken_one_is_said(example, monkeypatch, capsys):
    points = [
        SimpleNamespace(name="rows", value="own_method:rows"),
        SimpleNamespace(name="gone", value="not_here:fill"),
        SimpleNamespace(name="faulty", value="own_method:np"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)
    registry._add_installed()
    assert registry.get("rows").target == "own_method:rows"
    assert inpainting(["list"]) == 0
    assert "'gone': There is no module 'not_here'" in capsys.readouterr().out


def test_a_row_may_be_written_out(module):
    module(
        "from inpainters import MethodSpec\nfrom inpainters.spec import Cost\n"
        "row = MethodSpec('mine', 'Mine', 'guest', 'mine:paint', '', '', 0, '', '', Cost(0.1))\n"
        "def paint(image, mask):\n    image[mask] = 5\n    return image\n"
    )
    assert registry.add("mine:row") == "mine"
    result = registry.create("mine").run([InpaintRequest(striped(), hole())])[0][0]
    assert (result.image[hole()] == 5).all()


def test_names_from_elsewhere_are_no_methods_unless_the_command_line_said_so(example):
    for name in ("own_method:rows", "torchscript:model.pt", "os:system"):
        with pytest.raises(InputError, match="unknown method"):
            registry.get(name)
