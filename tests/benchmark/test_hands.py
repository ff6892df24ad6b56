"""Scoring by several processes: an original is looked at once, and what kills its process is told of."""

import csv
import hashlib
import io
import json
import os
import sys
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage import data

from benchmark import metrics, run, suites
from benchmark import plan as plans
from benchmark import rows as tables
from benchmark.cells import Cell, pixels_sha256
from benchmark.hands import LocalHands, ScoreWork, WorkDone, local_hands
from benchmark.inputs.datasets import folder
from benchmark.inputs.frozen import read_rgb
from benchmark.inputs.masksets import open_mask_sets
from benchmark.metrics.lpips import Lpips, bare
from benchmark.score import do_work, score
from benchmark.scorer import FEATURES_DIED, SCORER_DIED, open_bench
from inpainters.imaging import encode_png

CELLS = tuple(Cell("photos", "irregular", "10-20", name, 0) for name in ("telea", "mean_fill"))
DEADLY = '''
"""Metrics of which a picture that is red in its corner kills the process."""
import os, signal
from pathlib import Path
from types import SimpleNamespace

from dataclasses import replace

import numpy as np

from benchmark import metrics
from benchmark.score import do_work
from benchmark.scorer import open_bench

METRICS = {
    name: replace(metrics.METRICS[name], weights=None)
    for name in ("psnr", "fid_inception_clean", "fid_inception_tm", "fd_squeeze")
}
reason = metrics.reason


def unavailable(name):
    return None


def create(name, device="cpu"):
    return Deadly(name)


class Deadly:
    def __init__(self, name):
        self.feature_key = name

    def score_batch(self, references, outputs, masks):
        return [self.score(*one) for one in zip(references, outputs, masks)]

    def score(self, reference, output, mask):
        looked_at("score", output)
        return {"whole": float(output.mean()), "hole": 1.0, "band": 1.0}

    def features(self, images):
        for one in images if self.feature_key == "fid_inception_tm" else ():
            looked_at("features", one)
        return np.array([one.mean((0, 1)) for one in images], np.float32)

    def distance(self, reference, output):
        return float(np.abs(reference - output).sum())


def looked_at(what, image):
    deadly = os.environ.get("DEADLY", "") == what and image[0, 0, 0] > 250 and image[0, 0, 1] < 5
    with (Path(os.environ["LOOKED_AT"])).open("a") as file:
        file.write(f"{what} {deadly}\\n")
    if deadly:
        os.kill(os.getpid(), signal.SIGKILL)


def deadly_work(root, work):
    return do_work(root, work, open_bench(SimpleNamespace(**globals())))
'''


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return finished_run(tmp_path, "10-20")


@pytest.fixture
def two_bins(tmp_path: Path) -> Path:
    return finished_run(tmp_path, "10-20", "20-30")


def finished_run(tmp_path: Path, *labels: str) -> Path:
    """A run of two methods on three small photographs at these ratios."""
    (tmp_path / "photos").mkdir()
    for name in ("astronaut", "coffee", "chelsea"):
        PilImage.fromarray(getattr(data, name)()[60:220, 120:280]).save(tmp_path / "photos" / f"{name}.png")
    dataset, sets = folder(tmp_path / "photos", "square", 32), open_mask_sets(["irregular"])
    given: dict[str, Any] = {"n": None, "bins": {"irregular": labels}, "seed": 0, "seconds": 3600.0}
    methods = [cell.method for cell in CELLS]
    out = tmp_path / "out"
    plan = plans.settle(out, plans.make_plan(suites.get("photos"), dataset, sets, methods, **given))
    run.run(out, plan, dataset, sets, quiet=True)
    return out


class Here:
    """Hands that do the work in this process, each with metrics of its own."""

    def __init__(self, root: Path, number: int, made: Any, batch: int) -> None:
        self.root, self.number, self.made, self.batch = root, number, made, batch
        self.works: list[ScoreWork] = []

    def done(self, waiting: deque[ScoreWork]) -> WorkDone:
        while waiting:
            work = waiting.popleft()
            self.works.append(work)
            yield work, do_work(self.root, work, open_bench(self.made(), batch=self.batch))

    def gather(self) -> None:
        pass

    def send(self) -> None:
        pass


@contextmanager
def opened(hands: Here, root: Path) -> Iterator[Here]:
    assert root == hands.root
    yield hands


class Counting(Lpips):
    """LPIPS of an untrained network that counts what goes through it."""

    seen: ClassVar[Counter[str]] = Counter()

    def load(self) -> Any:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            model = bare(self.net)
            for one in model.parameters():
                torch.nn.init.uniform_(one, 0.0, 0.05)
        return model.eval().requires_grad_(False)

    def _maps(self, x: Any) -> Any:
        Counting.seen.update(pixels_sha256(((one + 1) * 127.5).round().byte().numpy()) for one in x)
        return super()._maps(x)


class Mean:
    """A distance of mean colours that counts what it looks at."""

    feature_key = "mean"
    seen: ClassVar[Counter[str]] = Counter()

    def features(self, images: Any) -> Any:
        Mean.seen.update(map(pixels_sha256, images))
        return np.array([image.mean((0, 1)) for image in images], np.float32)

    def distance(self, reference: Any, output: Any) -> float:
        return float(np.abs(reference.mean(0) - output.mean(0)).sum())


def counting() -> Any:
    specs = {name: metrics.METRICS[name] for name in ("lpips_squeeze", "fid_inception_clean")}
    specs = {name: replace(spec, weights=None) for name, spec in specs.items()}
    return SimpleNamespace(
        METRICS=specs,
        unavailable=lambda name: None,
        create=lambda name, device="cpu": Counting("squeeze") if name == "lpips_squeeze" else Mean(),
        reason=metrics.reason,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("number", "shared"), [(1, 1), (2, 3), (3, 3)])
def test_an_original_goes_through_each_network_once_however_many_processes_score(
    root: Path, number: int, shared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmark.scorer._CHUNK", 1)
    score(root, metrics=counting(), batch=1, quiet=True)
    alone = written(root)
    for path in (*root.rglob("scores.json"), *root.rglob("*.npz")):
        path.unlink()
    Counting.seen.clear()
    Mean.seen.clear()
    hands = Here(root, number, counting, 1)
    made = counting()
    score(root, metrics=made, batch=1, quiet=True, elsewhere=partial(opened, hands))
    parts = [work.images for work in hands.works if work.images]
    assert len(parts) == shared
    assert sorted(image_id for part in parts for image_id in part) == sorted(plans.load_plan(root).pictures)
    for seen in (Counting.seen, Mean.seen):
        assert len(seen) == 3 + 6  # originals and fills
        assert set(seen.values()) == {1}
    assert written(root) == alone
    assert [*root.rglob("*.*.npz"), *root.rglob("scores*.log")] == []


def written(root: Path) -> dict[str, bytes]:
    """Tables, scores and features; a .npz holds no time."""
    paths = [root / "scores.parquet", *root.rglob("scores.json"), *root.rglob("features/*")]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in paths}


def test_what_died_is_cut_by_cells_then_by_pictures_and_tried_twice_at_last() -> None:
    work = ScoreWork(CELLS[0].column, CELLS, tuple("abcde"))
    ours, theirs = work.smaller(2)
    assert (ours.cells, theirs.cells) == (CELLS[:1], CELLS[1:])
    assert ours.images == work.images
    assert [one.images for one in ours.smaller(2)] == [("a", "b"), ("c", "d"), ("e",)]
    assert [one.images for one in ours.smaller(2)[0].smaller(2)] == [("a",), ("b",)]
    steps = ours.smaller(2)[2].smaller(2)
    assert [(one.images, one.step) for one in steps] == [(("e",), "scores"), (("e",), "features")]
    (again,) = steps[1].smaller(2)
    assert again == replace(steps[1], again=True)
    assert again.smaller(2) == []
    end = ScoreWork(CELLS[0].column, CELLS[:1])
    assert end.smaller(2) == [replace(end, again=True)]


@pytest.mark.slow
@pytest.mark.parametrize("what", ["score", "features"])
def test_a_picture_that_kills_its_process_is_told_of_and_the_rest_is_scored(
    two_bins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    deadly = deadly_metrics(two_bins, tmp_path, monkeypatch, what)
    hands = partial(local_hands, deadly.deadly_work, number=2)
    check_deadly(two_bins, tmp_path, deadly, hands, what)


def deadly_metrics(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> Any:
    """The module, after what mean_fill drew of coffee became red in its corner."""
    cell = CELLS[1].folder(root)
    paint_red(cell)
    (tmp_path / "deadly_metrics.py").write_text(DEADLY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "deadly_metrics", raising=False)
    monkeypatch.setenv("DEADLY", what)
    monkeypatch.setenv("LOOKED_AT", str(tmp_path / "looked_at"))
    import deadly_metrics

    return deadly_metrics


def paint_red(cell: Path) -> None:
    name = "coffee@full"
    picture = read_rgb(cell / f"{name}.png")
    picture[0, 0] = (255, 0, 0)
    png = encode_png(picture)
    (cell / f"{name}.png").write_bytes(png)
    sha = hashlib.sha256(png).hexdigest()
    for path, place in ((cell / f"{name}.json", ()), (cell / "manifest.json", ("pictures", name))):
        stored = part = json.loads(path.read_text())
        for key in place:
            part = part[key]
        part["sha256"] = sha
        path.write_text(json.dumps(stored))


def check_deadly(root: Path, tmp_path: Path, deadly: Any, hands: Any, what: str) -> None:
    (failure,) = score(root, metrics=deadly, quiet=True, elsewhere=hands)
    assert "mean_fill irregular 10-20: " in failure
    assert "coffee@full" in failure
    assert ("fid_inception_tm had no score" in failure) == (what == "features")
    text = "".join(tables.as_csv(frame, head=i == 0) for i, frame in enumerate(tables.frames(root)))
    reasons = {
        (row["method"], row["bin"], row["image_id"], row["metric"]): row["reason"]
        for row in csv.DictReader(io.StringIO(text))
    }
    told = SCORER_DIED if what == "score" else FEATURES_DIED.format("coffee@full")
    own = {key for key, reason in reasons.items() if reason == told}
    one = ("mean_fill", "10-20", "coffee@full", "psnr")
    whole = {("mean_fill", label, "*", "fid_inception_tm") for label in ("10-20", "all")}
    assert own == ({one} if what == "score" else whole)
    assert {reason for key, reason in reasons.items() if key not in own} == {""}
    assert len(reasons) == 2 * (2 * (3 + 3) + 3)
    deaths = (tmp_path / "looked_at").read_text().count(f"{what} True")
    assert deaths >= 2
    assert score(root, metrics=deadly, quiet=True, elsewhere=hands) == [failure]
    assert (tmp_path / "looked_at").read_text().count(f"{what} True") == deaths  # it is not tried again


@pytest.mark.slow
def test_processes_of_this_machine_compute_with_one_thread_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "threads_of.py").write_text(
        "from benchmark import measure\n\n\ndef unlike(root, work):\n"
        "    return sum(measure.threads().values()) - len(measure.threads())\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"):
        monkeypatch.setenv(name, "3")
    import threads_of

    with local_hands(threads_of.unlike, tmp_path, 1) as hands:
        assert isinstance(hands, LocalHands)
        ((_, found),) = hands.done(deque([ScoreWork(CELLS[0].column, CELLS)]))
    assert found == 0
    assert os.environ["OMP_NUM_THREADS"] == "3"
