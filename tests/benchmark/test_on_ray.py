"""The Ray engine on two processes of this machine: the same bytes as the local one, whatever dies."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import measure
from benchmark.__main__ import main
from benchmark.cells import Cell, finished
from benchmark.engines import on_ray
from benchmark.engines.on_ray import chunks, connection, dispatch
from benchmark.files import cell_manifest
from benchmark.hands import ScoreWork
from benchmark.plan import load_plan
from inpainters import registry
from inpainters.errors import UnavailableError

pytest.importorskip("ray", reason="the Ray engine is an extra")
from ray.cluster_utils import Cluster

SOME = ("--masks", "irregular", "--size", "48")
PART = (*SOME, "--bins", "10-20,40-50")
OWN = '''
import os, signal
from pathlib import Path


def fragile(image, mask):
    """Fills with grey; what is red in its corner kills the process, what is blue kills it once."""
    here = Path(os.environ["FRAGILE"])
    red, _, blue = image[0, 0].tolist()
    once = here / "died"
    if red > 250 or (blue > 250 and not once.exists()):
        once.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    with (here / "calls").open("a") as file:
        file.write(f"{os.getpid()} {red} {blue}\\n")
    image[mask] = 128
    return image
'''


SLOW = """
import os, time
from pathlib import Path


def patient(image, mask):
    with (Path(os.environ["PATIENT"]) / "begun").open("a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(float(os.environ.get("PATIENCE", "0.3")))
    image[mask] = 128
    return image
"""


@pytest.mark.parametrize(
    ("seconds", "processes", "wanted"),
    [(1e6, 64, 20.0), (640.0, 2, 20.0), (320.0, 2, 10.0), (5.0, 2, 1.0), (0.0, 0, 1.0)],
)
def test_a_short_run_is_cut_finely(seconds, processes, wanted):
    assert chunks.longest(seconds, processes) == wanted


def test_what_processes_are_told_is_forgotten_here(monkeypatch):
    monkeypatch.setenv("TOLD_BEFORE", "here")
    monkeypatch.delenv("TOLD_ONLY", raising=False)
    told, seen = {"TOLD_BEFORE": "there", "TOLD_ONLY": "1"}, {}

    def broken():
        with measure.environment_with(told):
            seen.update((name, os.environ[name]) for name in told)
            raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match="broken"):
        broken()
    assert seen == told
    assert os.environ["TOLD_BEFORE"] == "here"
    assert "TOLD_ONLY" not in os.environ


@pytest.fixture(autouse=True)
def _one_thread():
    """As the engine's processes have."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture(scope="module")
def head():
    """A cluster of one node with two cores."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_task_oom_retries", "2")
        with pytest.MonkeyPatch.context() as start:
            start.delenv("INPAINTING_WEIGHTS", raising=False)  # else nodes write beside these weights
            cluster = Cluster(
                initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False}
            )
        yield cluster
        cluster.shutdown()


@pytest.fixture
def photos(tmp_path):
    """Three small photographs."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("astronaut", "chelsea", "coffee"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def run(photos, tmp_path):
    common = ["run", "photos", "--data", str(photos), *PART, "--only", "run"]
    return lambda name, *more: main([*common, "--out", str(tmp_path / name), *more])


@pytest.mark.slow
def test_two_processes_write_what_one_writes(run, tmp_path, monkeypatch):
    monkeypatch.setattr(connection.measure, "cores", lambda: 2)
    methods = ["--methods", "mean_fill,telea,gated_conv"]
    assert run("local", *methods) == 0
    assert run("ray", *methods, "--engine", "ray") == 0
    fills = [
        {path.relative_to(root): path.read_bytes() for path in (root / "cells").rglob("*.png")}
        for root in (tmp_path / "local", tmp_path / "ray")
    ]
    assert fills[0] == fills[1]
    records = [json.loads(path.read_text()) for path in (tmp_path / "ray/cells").rglob("*/*-0/*@full.json")]
    assert len(records) == 18
    assert {count for record in records for count in record["threads"].values()} == {1}


@pytest.mark.slow
def test_what_dies_is_tried_again_and_what_always_kills_is_recorded_once(
    run, head, photos, tmp_path, monkeypatch
):
    monkeypatch.setattr(connection, "TRIES", 1)
    monkeypatch.setenv("FRAGILE", str(tmp_path))
    monkeypatch.setattr(connection, "ONE_THREAD", {**connection.ONE_THREAD, "FRAGILE": str(tmp_path)})
    (tmp_path / "fragile_method.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, colour in (("astronaut", (255, 0, 0)), ("coffee", (0, 0, 255))):
        picture = np.array(PilImage.open(photos / f"{name}.png"))
        picture[:8, :8] = colour
        PilImage.fromarray(picture).save(photos / f"{name}.png")
    method = registry.add("fragile_method:fragile")
    try:
        on_cluster = ("--engine", "ray", "--address", head.address)
        code = run("out", "--bins", "10-20", "--methods", method, *on_cluster)
        assert code == 1
        (cell,) = [one for one in (tmp_path / "out/cells").rglob("*-0") if (one / "manifest.json").exists()]
        stored = cell_manifest(cell)
        assert stored.failed == {"astronaut@full": dispatch.DIED}
        assert sorted(stored.pictures) == ["chelsea@full", "coffee@full"]
        plan = load_plan(tmp_path / "out")
        (again,) = chunks.chunks_of(tmp_path / "out", plan, plan.cells()[0], chunks.CHUNK)
        assert "astronaut@full" in again.images  # a later run tries it once more
        (cell / "manifest.json").unlink()
        done = [image_id for image_id in again.images if finished(cell, image_id)]
        assert sorted(done) == ["chelsea@full", "coffee@full"]  # and fills no other picture again
    finally:
        registry.METHODS.pop(method)
        registry._added.pop(method)
        sys.modules.pop("fragile_method", None)


@pytest.mark.slow
def test_work_is_shared_out_and_a_process_that_dies_is_told_of(run, head, tmp_path):
    assert run("out", "--methods", "mean_fill") == 0
    cell = Cell("photos", "irregular", "10-20", "mean_fill", 0)
    works = [ScoreWork(cell.column, (cell,), (name,)) for name in ("fine", "deadly", "fine too")]

    def length(root: Path, work: ScoreWork) -> int:
        if work.images == ("deadly",):
            os._exit(1)
        return len(work.images[0]) + (root / "cells").exists()

    with on_ray.hands(length, tmp_path / "out", address=head.address) as hands:
        assert hands.number == 2
        found = {work.images[0]: came for work, came in hands.done(deque(works))}
    assert found == {"fine": 5, "deadly": None, "fine too": 9}


@pytest.mark.slow
def test_a_run_whose_driver_is_killed_goes_on_where_it_was(photos, tmp_path):
    """Nothing is lost, and no picture is filled twice."""
    (tmp_path / "patient_method.py").write_text(SLOW)
    command = [sys.executable, "-m", "benchmark", "run", "photos", "--data", str(photos), *PART]
    command += ["--out", str(tmp_path / "out"), "--only", "run", "--methods", "patient_method:patient"]
    command += ["--trust", "--engine", "ray"]
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    given = {"PATIENT": str(tmp_path), "PATIENCE": "3", "PYTHONPATH": path}
    driver = subprocess.Popen(command, env={**os.environ, **given})
    for _ in range(2400):
        kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*-0/*@full.json")}
        if kept or driver.poll() is not None:
            break
        time.sleep(0.05)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL  # it was still at work
    assert 0 < len(kept) < 6
    assert not list((tmp_path / "out").rglob("*-0/manifest.json"))
    time.sleep(5)  # what its processes were at comes to an end, or dies with them
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*-0/*@full.json")}
    begun = len((tmp_path / "begun").read_text().split())
    again = subprocess.run(command, env={**os.environ, **given, "PATIENCE": "0"}, check=False)
    assert again.returncode == 0
    assert kept == {path: path.stat().st_mtime_ns for path in kept}
    assert len((tmp_path / "begun").read_text().split()) - begun == 6 - len(kept)
    cells = [cell_manifest(one) for one in (tmp_path / "out/cells").rglob("*-0")]
    assert [(len(cell.pictures), cell.failed) for cell in cells] == [(3, {})] * 2


def test_without_the_package_or_a_cluster_one_sentence_says_so(run, capsys, monkeypatch):
    monkeypatch.setattr(connection, "find_spec", lambda name: None)
    with pytest.raises(UnavailableError, match="pip install ray"), connection.cluster(""):
        pass
    monkeypatch.undo()
    assert run("out", "--methods", "mean_fill", "--engine", "ray", "--address", "127.0.0.1:1") == 2
    said = capsys.readouterr().err
    assert "No Ray cluster answers at '127.0.0.1:1'" in said
    assert "Traceback" not in said
    assert os.environ.get("RAY_AUTH_MODE") != "token"


@pytest.mark.slow
def test_nodes_that_share_no_folder_fill_and_score_by_way_of_a_url(run, head, photos, tmp_path, monkeypatch):
    monkeypatch.setenv("INPAINTING_WEIGHTS", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(
        connection, "ONE_THREAD", {**connection.ONE_THREAD, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    )
    methods = ["--methods", "mean_fill", "--bins", "10-20"]
    assert run("local", *methods) == 0
    store = tmp_path / "store"
    asked = ["run", "photos", "--data", str(photos), *SOME, *methods, "--out", f"file://{store}/run"]
    assert main([*asked, "--engine", "ray", "--address", head.address]) == 0
    assert main(["score", str(tmp_path / "local")]) == 0
    here, there = (
        {path.relative_to(root): path.read_bytes() for path in (root / "cells").rglob("*.png")}
        for root in (tmp_path / "local", store / "run")
    )
    assert here == there
    assert (tmp_path / "local/scores.parquet").read_bytes() == (store / "run/scores.parquet").read_bytes()
    (node,) = (tmp_path / "cache").glob("inpainting/nodes/*/results")
    assert (node / "cells" / "plan.json").exists()
    assert list(node.rglob("_inputs/*.mask.png"))  # they came to the node, not to the driver's folder


WHERE = """
import os, signal
from pathlib import Path


def placed(image, mask):
    here = Path(os.environ["PLACED"])
    red = int(image[0, 0, 0])
    if red > 250 or not (here / "died").exists():
        (here / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    with (here / "calls").open("a") as file:
        file.write(f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES')}\\n")
    image[mask] = 128
    return image
"""


@pytest.mark.slow
def test_each_gpu_has_one_process_and_what_kills_it_is_recorded_once(photos, tmp_path, monkeypatch):
    picture = np.array(PilImage.open(photos / "astronaut.png"))
    picture[:8, :8] = (255, 0, 0)
    PilImage.fromarray(picture).save(photos / "astronaut.png")
    for name in ("one", "two", "three"):
        shutil.copy(photos / "coffee.png", photos / f"{name}.png")
    monkeypatch.setattr(chunks, "CHUNK", 1e-3)
    monkeypatch.setattr(connection, "TRIES", 1)
    monkeypatch.setattr(connection, "ONE_THREAD", {**connection.ONE_THREAD, "PLACED": str(tmp_path)})
    (tmp_path / "placed_method.py").write_text(WHERE)
    monkeypatch.syspath_prepend(str(tmp_path))
    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 1, "include_dashboard": False}
    )
    method = registry.add("placed_method:placed")
    registry.METHODS[method] = replace(registry.METHODS[method], requires=("torch",))
    try:
        asked = ["run", "photos", "--data", str(photos), *SOME, "--bins", "10-20", "--methods", method]
        asked += ["--out", str(tmp_path / "out"), "--engine", "ray", "--address", cluster.address]
        assert main([*asked, "--only", "run"]) == 1
        (cell,) = [cell_manifest(one) for one in (tmp_path / "out/cells").rglob("*-0")]
        assert cell.failed == {"astronaut@full": dispatch.DIED}
        assert sorted(cell.pictures) == [
            f"{name}@full" for name in ("chelsea", "coffee", "one", "three", "two")
        ]
        calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
        assert {gpu for _, gpu in calls} == {"0"}
        processes = [pid for pid, _ in calls]
        assert sorted(processes, key=processes.index) == processes  # one at a time
        assert len(processes) > len(set(processes))  # which does what comes until it is killed
    finally:
        cluster.shutdown()
        registry.METHODS.pop(method)
        registry._added.pop(method)
        sys.modules.pop("placed_method", None)


@pytest.mark.slow
def test_a_node_that_is_killed_costs_what_it_was_at(run, head, tmp_path, monkeypatch):
    monkeypatch.setattr(chunks, "CHUNK", 1e-3)  # a picture each
    monkeypatch.setattr(connection, "ONE_THREAD", {**connection.ONE_THREAD, "PATIENT": str(tmp_path)})
    (tmp_path / "patient_method.py").write_text(SLOW)
    monkeypatch.syspath_prepend(str(tmp_path))
    node = head.add_node(num_cpus=2)
    begun, killed = tmp_path / "begun", []

    def kill():
        for _ in range(2400):
            if begun.exists() and len(set(begun.read_text().split())) > 2:  # both nodes are at work
                killed.append(len(list((tmp_path / "out/cells").rglob("*-0/*.png"))))
                head.remove_node(node, allow_graceful=False)
                return
            time.sleep(0.05)

    killer = threading.Thread(target=kill)
    method = registry.add("patient_method:patient")
    try:
        killer.start()
        code = run("out", "--methods", method, "--engine", "ray", "--address", head.address)
        killer.join()
        assert code == 0
        assert killed[0] < 6
        cells = [cell_manifest(one) for one in (tmp_path / "out/cells").rglob("*-0")]
        assert [(len(cell.pictures), cell.failed) for cell in cells] == [(3, {})] * 2
        assert len(begun.read_text().split()) >= 6
    finally:
        registry.METHODS.pop(method)
        registry._added.pop(method)
        sys.modules.pop("patient_method", None)
