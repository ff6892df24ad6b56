"""One browser for all tests of the page, and a small network for its diffusion methods."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

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
