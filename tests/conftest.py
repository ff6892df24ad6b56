"""How the tests share a machine: one thread and a range of ports for each worker."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
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


def pytest_configure(config: pytest.Config) -> None:
    """A test that is named runs, slow or not."""
    if any("::" in argument for argument in config.args) and config.option.markexpr == "not slow":
        config.option.markexpr = ""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Iterator[None]:
    """A test with a page in a browser is slow. Of those that are to run, files with many slow tests come
    first, then those with many tests: none of them is to run last, alone.
    """
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")
    yield  # pytest leaves some out
    slow = Counter(item.path for item in items if item.get_closest_marker("slow"))
    every = Counter(item.path for item in items)
    items.sort(key=lambda item: (-slow[item.path], -every[item.path]))


CHILD = """
import os, sys
os.environ.update(environment)
said = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
os.dup2(said, 1)
os.dup2(said, 2)
"""
PRELOADED = [
    "inpainters.training.loop", "inpainters.training.export", "torch.distributed.nn.functional",
    "torch._dynamo", "benchmark.score",
]  # fmt: skip


@pytest.fixture(scope="session")
def forked() -> Iterator[Callable[..., Any]]:
    """`forked(code, said, **environment)`: runs code in a process that is forked from one that has imported
    torch, which takes longer than what tests run; what it says goes to a file.
    """
    context, processes = multiprocessing.get_context("forkserver"), []
    context.set_forkserver_preload(PRELOADED)

    def start(code: str, said: Path, **environment: str) -> Any:
        names = {"said": str(said), "environment": dict(os.environ) | environment}
        processes.append(context.Process(target=exec, args=(CHILD + code, names)))
        processes[-1].start()
        return processes[-1]

    yield start
    for process in processes:
        process.kill()


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
