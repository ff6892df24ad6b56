"""What the tests of the page share: a browser, a small network for its diffusion methods, made-up methods
that explain themselves, a visit with an answer, a small suite.
"""

import base64
import importlib.util
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image as PilImage

from inpainters.weights import files as weights
from inpainters.weights.build import load_network
from inpainters.weights.table import WEIGHTS

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A headless Chromium or Chrome from PATH; its tests are skipped only where there is none."""
    driver = pytest.importorskip("playwright.sync_api", reason="the browser tests need playwright")
    path = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None
    )
    if path is None:
        pytest.skip("no chromium or google-chrome on PATH")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def denoiser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A tiny random denoiser is the one of the diffusion methods, whether one is bundled or not; yields the
    network itself.
    """
    import torch
    from safetensors.torch import save_file

    from inpainters.networks.denoiser import Denoiser

    settings = {"size": 16, "widths": [8, 8], "layers": 1, "groups": 4, "heads": 8}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        state = {
            name: part + 0.1 * torch.randn(part.shape)
            for name, part in Denoiser(**settings).state_dict().items()
        }
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_file(state, path, metadata={"method": "denoiser", "network": json.dumps(settings)})
    row = replace(WEIGHTS["denoiser"], files={path.name: weights.sha256(path)}, bundled=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(WEIGHTS, "denoiser", row)
        patch.setenv(
            weights.ENV, os.pathsep.join(filter(None, [str(path.parent), os.environ.get(weights.ENV)]))
        )
        load_network.cache_clear()
        yield load_network("inpainters.networks.denoiser:Denoiser", "denoiser", tuple(row.files), "cpu")
    load_network.cache_clear()


@pytest.fixture
def store() -> Iterator[Any]:
    from demo.server.store import Store

    store = Store()
    yield store
    store.close()


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture
def saved() -> Callable[..., Path]:
    """Saves a picture in a folder and returns its path."""

    def save(folder: Path, name: str, picture: PilImage.Image, **options: Any) -> Path:
        picture.save(folder / name, **options)
        return folder / name

    return save


@pytest.fixture(scope="session")
def data_url() -> Callable[[bytes], str]:
    return lambda data: "data:image/png;base64," + base64.b64encode(data).decode()


@pytest.fixture(scope="session")
def rgba_mask(data_url: Callable[[bytes], str]) -> Callable[[np.ndarray], str]:
    """What the editor sends: alpha 255 where the pixel is missing."""
    from inpainters.imaging import encode_png

    def send(mask: np.ndarray) -> str:
        return data_url(encode_png(np.dstack([np.zeros((*mask.shape, 3), np.uint8), np.uint8(255) * mask])))

    return send


@pytest.fixture
def answer() -> Callable[..., Any]:
    """A job's answer with that picture."""
    from demo.server.jobs import Answer
    from inpainters import registry
    from inpainters.base import InpaintResult

    def made(image: np.ndarray, method: str = "telea", seed: int = 0) -> Answer:
        return Answer(InpaintResult(image, image, method, registry.get(method).resolve({}), seed, 0.5))

    return made


@pytest.fixture
def done_session(saved: Callable[..., Path], answer: Callable[..., Any]) -> Callable[..., Any]:
    """A visit whose first round has an answer of Telea."""
    from demo.server.jobs import Batch, Job
    from demo.server.pictures import open_picture
    from demo.server.visit import Session

    def begin(store: Any, photo: np.ndarray, folder: Path) -> Session:
        session = Session(store)
        session.begin(open_picture(store, saved(folder, "a.png", PilImage.fromarray(photo)), "a.png"))
        one = session.round
        one.mask = store.put_image(np.zeros((40, 60), bool))
        one.batch = Batch([Job("telea", state="done", answers=[answer(255 - photo)])])
        one.answers["telea"] = one.batch.jobs[0].answers[0].token = store.put_image(255 - photo)
        return session

    return begin


@pytest.fixture(scope="module")
def made_up() -> Iterator[ModuleType]:
    """Made-up methods that show their inside take the place of the real ones; yields their module."""
    from inpainters import registry

    spec = importlib.util.spec_from_file_location(
        "harness_inside", Path(__file__).with_name("harness_inside.py")
    )
    assert spec
    assert spec.loader
    harness = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(harness)
    patch, rows = pytest.MonkeyPatch(), dict(registry.METHODS)
    harness.install(patch)
    yield harness
    harness.GATE.set()
    patch.undo()
    registry.METHODS.clear()  # undone, the rows would stand in another order
    registry.METHODS.update(rows)


@pytest.fixture(scope="module")
def app() -> Iterator[Any]:
    """What all tabs share, over the committed results."""
    from demo.server.jobs import Runner
    from demo.server.store import Store
    from demo.server.visit import App

    app = App(Store(), Runner(), Path("results"))
    yield app
    app.runner.close()
    app.store.close()


@pytest.fixture
def explained(app: Any) -> Callable[[str, np.ndarray, np.ndarray], Any]:
    """Runs an explanation to its end."""
    from demo.server.explanation import Explanation

    def run(method: str, image: np.ndarray, mask: np.ndarray) -> Explanation:
        job = Explanation(method, store=app.store)
        job.result = app.runner.run(image, mask, job)
        job.state = "done"
        return job

    return run


LEVELS = {"mean_fill": 0.40, "telea": 0.20}
BINS = ("1-10", "50-60")
CELL = ("pictures", "failed", "environment", "options", "weights", "packages")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, bare_manifest: dict[str, Any]) -> Path:
    """A finished suite `tiny` of twenty photographs with pictures, and a broken one beside it."""
    import pandas as pd

    from benchmark.convert import convert
    from benchmark.results import TIMING_COLUMNS
    from benchmark.rows import SCORE_COLUMNS

    root = tmp_path_factory.mktemp("results")
    folder, scores, timings = root / "tiny", [], []
    for label in BINS:
        cells = folder / "cells/sample/irregular" / label
        (cells / "_inputs").mkdir(parents=True)
        for photo in range(20):
            image_id = f"p{photo}@full"
            key = {
                "suite": "tiny",
                "dataset": "sample",
                "mask_set": "irregular",
                "bin": label,
                "image_id": image_id,
                "seed": 0,
            }
            PilImage.new("RGB", (64, 64), (200, 0, 0)).save(cells / f"_inputs/{image_id}.png")
            hole = np.zeros((64, 64), np.uint8)
            hole[16:48, 16:48] = 255
            PilImage.fromarray(hole).save(cells / f"_inputs/{image_id}.mask.png")
            for method, level in LEVELS.items():
                cell = cells / method / "default-0"
                cell.mkdir(parents=True, exist_ok=True)
                (cell / "manifest.json").write_text(
                    json.dumps({"method": method, "version": "1", **{name: {} for name in CELL}})
                )
                PilImage.new("RGB", (64, 64), (0, int(255 * level), 0)).save(cell / f"{image_id}.png")
                row = {**key, "method": method, "options": "{}"}
                scores.append(
                    {**row, "metric": "lpips_squeeze", "region": "hole", "value": level + photo / 100}
                )
                timings.append({**row, "seconds": level, "network_calls": 0, "peak_memory_mb": 1})
        for method in LEVELS:
            row = {**key, "image_id": "*", "method": method, "options": "{}", "region": "whole"}
            scores.append({**row, "metric": "fid_inception_tm", "reason": "weights <b>are</b> missing"})
    pd.DataFrame(scores, columns=SCORE_COLUMNS).to_csv(folder / "scores.csv", index=False)
    pd.DataFrame(timings, columns=TIMING_COLUMNS).to_csv(folder / "timings.csv", index=False)
    (folder / "manifest.json").write_text(json.dumps(bare_manifest))
    convert(folder)
    shutil.copytree(folder, root / "broken", ignore=shutil.ignore_patterns("cells", "timings.csv"))
    return root


@pytest.fixture(scope="module")
def two_kinds(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The suite `tiny` with holes of objects beside the irregular ones: there telea is worse by 0.5 and ten
    times slower, and its pictures are blue.
    """
    import pandas as pd

    from benchmark.convert import convert
    from benchmark.results import plain

    folder = Path(shutil.copytree(root / "tiny", tmp_path_factory.mktemp("kinds") / "tiny"))
    cells = folder / "cells/sample"
    shutil.copytree(cells / "irregular", cells / "object")
    for png in cells.glob("object/*/telea/*/*.png"):
        PilImage.new("RGB", (64, 64), (0, 0, 255)).save(png)
    for name, column, change in (
        ("scores.csv", "value", lambda value: value + 0.5),
        ("timings.csv", "seconds", lambda value: value * 10),
    ):
        rows = (
            pd.concat(plain(folder), ignore_index=True)
            if name == "scores.csv"
            else pd.read_csv(folder / name)
        )
        other = rows.assign(mask_set="object")
        other.loc[other["method"] == "telea", column] = change(other[column])
        pd.concat([rows, other]).to_csv(folder / name, index=False)
    (folder / "scores.parquet").unlink()
    convert(folder)
    return folder.parent
