"""How the tests share a machine: one thread and a range of ports for each worker."""

import os
from typing import Any

import pytest

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
    os.environ.setdefault(name, "1")  # read when torch, numpy and OpenCV are first imported
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ["GRADIO_SERVER_PORT"] = str(7860 + 100 * WORKER)  # Gradio tries 100 ports from here


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """One file alone runs here: a worker would only import everything a second time."""
    files = {argument.partition("::")[0] for argument in config.args}
    return 0 if len(files) == 1 and next(iter(files)).endswith(".py") else None


@pytest.fixture(scope="session")
def bare_manifest() -> dict[str, Any]:
    """The least that a suite's manifest.json holds."""
    head = {"format": 1, "version": "0", "suite": "tiny", "seed": 0, "reference": "paired"}
    parts: dict[str, Any] = {
        "dataset": {"name": "sample", "recipe": "square", "images": {}, "left_out": []},
        "mask_set": {"name": "irregular", "source": "irregular", "seed": 0, "masks": {}},
    }
    tables: dict[str, Any] = {name: {} for name in ("methods", "n", "planned", "metrics")}
    return {"meaning": {**head, **parts, **tables}, "environment": {}, "files": {}}
