"""What CONTRIBUTING says of adding: a dummy of each kind enters through its tables alone, and generic code
takes it.
"""

import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from PIL import Image as PilImage
from skimage import data
from torch import nn

from benchmark import metrics, plan, suites
from benchmark import run as running
from benchmark.__main__ import main as benchmark
from benchmark.inputs.datasets import folder as photographs
from benchmark.inputs.masksets import open_mask_sets
from benchmark.metrics.base import MetricSpec, PerPicture
from inpainters import costs, registry
from inpainters.__main__ import main as inpainting
from inpainters.base import Frame, InpaintRequest
from inpainters.methods.diffusion import schedules
from inpainters.methods.diffusion.base import Diffusion
from inpainters.methods.diffusion.schedules import Schedule, Settings
from inpainters.methods.diffusion.states import State
from inpainters.methods.learned.base import Learned, pasted, to_images
from inpainters.spec import Cost, MethodSpec, Strategy
from inpainters.strategy import workload
from inpainters.training import recipe
from inpainters.training.__main__ import main as training
from inpainters.training.bundle import main as bundling
from inpainters.weights import bundled, files, table
from inpainters.weights.table import WEIGHTS, WeightsFile


def stands_in(patch: pytest.MonkeyPatch, module: str, *things: Any) -> None:
    """A module that is not there, holding these: the new file."""
    made = ModuleType(module)
    for thing in things:
        patch.setattr(thing, "__module__", module)
        setattr(made, thing.__name__, thing)
    patch.setitem(sys.modules, module, made)


def photograph(side: int = 48) -> np.ndarray:
    return np.asarray(PilImage.fromarray(data.astronaut()[60:220, 120:280]).resize((side, side)))


def hole(side: int = 48) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[16:30, 18:34] = True
    return mask


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(tmp_path / "photos" / f"{name}.png")
    return tmp_path / "photos"


def accepted(name: str, folder: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Generic code takes the method: list, estimate, run, explain, fill, plan, page."""
    assert inpainting(["list"]) == 0
    assert name in capsys.readouterr().out
    method = registry.create(name, device="cpu")
    image, mask = photograph(), hole()
    assert costs.estimate(workload(mask, method.spec)) > 0
    result = method.run([InpaintRequest(image, mask, seed=3)])[0][0]
    assert np.array_equal(result.image[~mask], image[~mask])
    assert (result.image[mask] != image[mask]).any()
    frames = [frame.name for frame in method.explain(InpaintRequest(image, mask))]
    assert frames[0] == "input"
    assert frames[-1] == "result"
    assert len(frames) > 2
    PilImage.fromarray(np.pad(mask, 56)).save(folder / "mask.png")
    filled = ["fill", str(photos / "coffee.png"), str(folder / "mask.png"), "--method", name]
    assert inpainting([*filled, "-o", str(folder / "filled.png")]) == 0
    assert plan.choose_methods(name) == [name]
    assert on_the_page(name)


def on_the_page(name: str) -> bool:
    """The Compare tab's chooser and the Inside tab both offer it, without a reason against it."""
    pytest.importorskip("gradio")
    from demo.server.inspection import explaining
    from demo.server.store import Store
    from demo.server.visit import Session
    from demo.views.picker import picker

    families = picker(Session(Store()))["families"]
    rows = [row for family in families for row in family["methods"] if row["id"] == name]
    return [row.get("why") for row in rows] == [None] and name in [spec.name for spec in explaining()]


# A trained method: network, method, and a row each of METHODS and WEIGHTS, recipe


class DummyNet(nn.Module):
    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(4, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 3, 3, padding=1)
        )

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> list[torch.Tensor]:
        return [self.layers(torch.cat((image * (1 - mask), mask), 1)).sigmoid()]


class DummyTrained(Learned):
    def frames(self, piece: Any) -> Any:
        (drawn,) = self.stages([piece])
        yield Frame("drawn", "What the network drew", pasted(drawn, piece))
        return to_images(drawn)[0]


RECIPE = """
method = "dummy"
title = "Dummy"
[network]
width = 8
[terms]
photos = "drawn by nobody"
[data]
crop = 32
held_out = 0.3
[optimizer]
batch = 2
bf16 = false
[losses]
network = "none"
"""


@pytest.mark.slow
def test_a_trained_method(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stands_in(monkeypatch, "inpainters.networks.dummy", DummyNet)
    stands_in(monkeypatch, "inpainters.methods.learned.dummy", DummyTrained)
    row = MethodSpec(
        "dummy", "Dummy", "convolutional", "inpainters.methods.learned.dummy:DummyTrained",
        "One. Two. Three.", "No paper", 0, "", "Apache-2.0", Cost(0.01), strategy=Strategy(multiple=8),
        requires=("torch", "safetensors"), weights=("dummy",), explains=True,
    )  # fmt: skip
    monkeypatch.setitem(registry.METHODS, "dummy", row)
    weights = WeightsFile(
        "dummy", {}, "", "", "", bundled=True, together=True, network="inpainters.networks.dummy:DummyNet"
    )
    monkeypatch.setitem(WEIGHTS, "dummy", weights)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "dummy.toml").write_text(RECIPE)
    assert "python -m inpainters.training dummy" in str(registry.unavailable("dummy"))

    monkeypatch.setattr(recipe, "RECIPES", tmp_path / "recipes")
    train = ["dummy", "--data", str(photos), "--out", str(tmp_path / "run"), "--device", "cpu"]
    assert training([*train, "--steps", "2"]) == 0
    assert training([*train, "--export", "1"]) == 0
    keep_the_package_as_it_is(monkeypatch, tmp_path)
    assert bundling([str(tmp_path / "run" / "export")]) == 0
    monkeypatch.setitem(WEIGHTS, "dummy", replace(weights, files=bundled.BUNDLED["dummy"]))
    accepted("dummy", tmp_path, photos, capsys)


def keep_the_package_as_it_is(patch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What `bundle` writes goes elsewhere."""
    patch.setattr(files, "CHECKPOINTS", tmp_path / "checkpoints")
    patch.setattr(bundled, "BUNDLED", dict(bundled.BUNDLED))
    patch.setattr(table, "BUNDLED", bundled.BUNDLED)
    patch.setattr(bundled, "__file__", str(tmp_path / "bundled.py"))


# A diffusion method: its file, a row of METHODS, a row of SCHEDULES


class DummySampler(Diffusion):
    """Puts the known pixels into the clean estimate, and takes that for the next state."""

    def sample(self, denoise: Any, known: Any, mask: Any, noise: Any, plan: Any) -> Any:
        noisy = noise()
        for step in plan:
            clean = torch.where(mask, denoise(noisy, step.t).clean, known)
            noisy = clean if step.to < 0 else torch.lerp(noise(), clean, step.abar_to**0.5)
            yield State(step.to, noisy, clean, jump=False)


def every_level_twice(chosen: Settings) -> schedules.Walk:
    levels = range(chosen.steps - 1, -1, -1)
    return [move for level in levels for move in ((level, level), (level, level - 1))]


@pytest.mark.slow
def test_a_diffusion_method(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stands_in(monkeypatch, "inpainters.methods.diffusion.dummy", DummySampler)
    row = replace(
        registry.METHODS["ddnm"],
        name="dummy_sampler",
        title="Dummy sampler",
        target="inpainters.methods.diffusion.dummy:DummySampler",
    )
    monkeypatch.setitem(registry.METHODS, "dummy_sampler", row)
    presets = {
        name: Settings(steps, trailing=True)
        for name, steps in (("preview", 3), ("balanced", 4), ("paper", 5))
    }
    monkeypatch.setitem(schedules.SCHEDULES, "dummy_sampler", Schedule(presets, every_level_twice))
    accepted("dummy_sampler", tmp_path, photos, capsys)

    assert inpainting(["list"]) == 0
    assert "dummy_sampler: preview 6, balanced 8, paper 10" in capsys.readouterr().out
    course = row.course_under({"preset": "balanced"})
    assert course is not None
    assert course.points[0] == (0, 1000)
    assert course.points[-1] == (8, 0)
    method = registry.create("dummy_sampler", device="cpu")
    names = [frame.name.split("/")[0] for frame in method.explain(InpaintRequest(photograph(), hole()))]
    assert names == ["input", *["noisy", "clean", "replacement"] * 6, "replacement", "result"]


# A metric: its file, a row of METRICS


class DummyMetric(PerPicture):
    def __init__(self, device: str) -> None:
        pass

    def score(self, reference: Any, output: Any, mask: Any) -> dict[str, float]:
        return {"hole": float(np.abs(reference[mask].astype(float) - output[mask]).max())}


@pytest.mark.slow
def test_a_metric(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, photos: Path) -> None:
    stands_in(monkeypatch, "benchmark.metrics.dummy", DummyMetric)
    quick = {"psnr": None, "l1": None, "dummy": None}
    monkeypatch.setattr(metrics, "unavailable", lambda name: quick.get(name, "It would take long."))
    row = MetricSpec(
        "dummy", "Dummy", "image", ("hole",), "lower", "", "The largest difference.", None,
        "benchmark.metrics.dummy:DummyMetric",
        fair_n=7,
    )  # fmt: skip
    monkeypatch.setitem(metrics.METRICS, "dummy", row)
    out, dataset, masks = tmp_path / "out", photographs(photos, "square", 32), open_mask_sets(["irregular"])
    given: dict[str, Any] = {"n": None, "bins": {"irregular": ("10-20",)}, "seed": 0, "seconds": 600.0}
    planned = plan.make_plan(suites.get("photos"), dataset, masks, ("telea", "mean_fill"), **given)
    running.run(out, plan.settle(out, planned), dataset, masks, quiet=True)

    assert benchmark(["list"]) == 0
    assert benchmark(["score", str(out)]) == 0
    assert benchmark(["report", str(out)]) == 0
    text = (out / "table.md").read_text("utf-8")
    assert "## `dummy`, hole ↓\n\nThe largest difference." in text
    assert "*Slanted values rest on fewer than 7 photographs" in text
    assert "| Telea | *" in text.partition("## `dummy`")[2]
    in_the_leaderboard(out)


def in_the_leaderboard(out: Path) -> None:
    pytest.importorskip("gradio")
    from demo.server.suites import metrics_of, open_suite, readable

    (suite,) = readable(out)[0]
    assert "dummy" in metrics_of(open_suite(out, suite))[0]


# A tab: its file, a row of TABS


def test_a_tab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    gr = pytest.importorskip("gradio")
    from demo import app
    from demo.tabs import TABS, Page, Tab
    from demo.widgets import assets

    def build(page: Page) -> None:
        gr.Markdown(f"Results are in {page.app.results.name}.", elem_id="dummy-text")

    stands_in(monkeypatch, "demo.tabs.dummy", build)
    monkeypatch.setitem(TABS, "dummy", Tab("dummy", "Dummy", "demo.tabs.dummy:build", ("dummy.css",)))
    monkeypatch.setitem(assets.MADE, "dummy.css", lambda: "#dummy-text { color: var(--ink); }")
    blocks, made = app.make(tmp_path)
    try:
        parts = [component["props"] for component in blocks.get_config_file()["components"]]
        assert [part["label"] for part in parts if part.get("elem_id") == "tab-dummy"] == ["Dummy"]
        assert [part["value"] for part in parts if part.get("elem_id") == "dummy-text"]
        assert "#dummy-text { color: var(--ink); }" in app.launch_options(made)["head"]
    finally:
        made.runner.close()
        made.store.close()
