"""The pools: order, stopping, errors, estimates. Methods of our own stand in for slow ones."""

import threading
import time

import numpy as np
import pytest
from scipy import ndimage

from demo.server.jobs import (
    MOST_SECONDS,
    TOO_LONG,
    Batch,
    Job,
    Price,
    Runner,
    price,
)
from demo.server.options import refuse_local
from inpainters import costs, registry
from inpainters.base import Inpainter
from inpainters.costs import spoken
from inpainters.errors import Cancelled, InputError
from inpainters.spec import Cost, MethodSpec
from inpainters.strategy import Hole, Outline, workload

GATE = threading.Event()


class Slow(Inpainter):
    """Steps until it is stopped or the gate opens."""

    def fill(self, piece):
        for step in range(2000):
            piece.on_step(step, 2000)
            if GATE.wait(0.005):
                break
        return np.full_like(piece.image, 7)


class Deaf(Inpainter):
    """One long call that never reports a step."""

    def fill(self, piece):
        GATE.wait(10)
        return np.full_like(piece.image, 9)


class Broken(Inpainter):
    def fill(self, piece):
        raise ZeroDivisionError("by nothing")


@pytest.fixture(autouse=True)
def methods(monkeypatch):
    GATE.clear()
    for kind, cost in ((Slow, 60.0), (Deaf, 0.5), (Broken, 0.1)):
        name = kind.__name__.lower()
        spec = MethodSpec(
            name,
            kind.__name__,
            "baseline",
            f"{kind.__module__}:{kind.__name__}",
            "",
            "",
            0,
            "",
            "",
            Cost(cost),
        )
        monkeypatch.setitem(registry.METHODS, name, spec)
    costs.forget()
    made = registry.create
    kinds = {"slow": Slow, "deaf": Deaf, "broken": Broken}

    def create(name, **options):
        return kinds[name](registry.get(name)) if name in kinds else made(name, **options)

    monkeypatch.setattr("demo.server.jobs.registry.create", create)
    yield
    GATE.set()


@pytest.fixture
def runner():
    runner = Runner(cores=1)
    yield runner
    GATE.set()
    runner.close()


@pytest.fixture
def hole():
    image = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)
    mask = np.zeros((40, 50), bool)
    mask[10:20, 10:20] = True
    return image, mask


def wait(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def jobs(*names):
    return [Job(name, seconds=registry.get(name).cost.fixed) for name in names]


def test_results_appear_while_slower_ones_run_and_known_pixels_are_untouched(runner, hole):
    batch = Batch(jobs("slow", "telea", "mean_fill"))
    assert [job.method for job in batch.jobs][-1] == "slow"
    seen = []
    runner.start(*hole, batch.jobs, lambda job: seen.append(job.method))
    wait(lambda: len(seen) == 2)
    assert set(seen) == {"telea", "mean_fill"}
    assert not batch.finished
    image, mask = hole
    for job in batch.jobs[:2]:
        assert np.array_equal(job.result.image[~mask], image[~mask])
    batch.stop()
    assert batch.finished


def test_stop_ends_a_running_method_at_its_next_step_and_keeps_what_is_done(runner, hole):
    batch = Batch(jobs("telea", "slow"))
    runner.start(*hole, batch.jobs)
    telea, slow = batch.jobs
    wait(lambda: telea.state == "done" and slow.done > 1)
    batch.stop()
    assert (telea.state, slow.state) == ("done", "stopped")
    reached = slow.done
    wait(lambda: runner.ahead(slow) == 0 and not runner.lanes.works())
    assert slow.done <= reached + 2
    assert slow.result is None


def test_stop_of_one_method_leaves_the_others(runner, hole):
    batch = Batch(jobs("slow", "deaf"))
    runner.start(*hole, batch.jobs)
    wait(lambda: batch.jobs[0].state == "running")  # the heavy one may have to wait for it
    batch.stop("slow")
    assert {job.method: job.state for job in batch.jobs} == {"slow": "stopped", "deaf": "running"}
    GATE.set()
    wait(lambda: batch.finished)
    assert batch.jobs[0].state == "done"


def test_a_result_that_comes_after_stop_is_dropped(runner, hole):
    batch = Batch(jobs("deaf"))
    runner.start(*hole, batch.jobs, lambda job: pytest.fail("a stopped job was kept"))
    wait(lambda: batch.jobs[0].state == "running")
    batch.stop()
    GATE.set()
    wait(lambda: not runner.lanes.works())
    time.sleep(0.05)
    assert (batch.jobs[0].state, batch.jobs[0].result) == ("stopped", None)


def test_stopped_before_it_began(runner, hole):
    batch = Batch(jobs("deaf", "deaf", "deaf", "deaf"))
    runner.start(*hole, batch.jobs)
    wait(lambda: [job.state for job in batch.jobs].count("running") == 2)
    assert runner.ahead(batch.jobs[3]) == 3
    batch.stop()
    assert [job.state for job in batch.jobs] == ["stopped"] * 4


def test_one_methods_fault_is_a_sentence_and_the_others_go_on(runner, hole):
    batch = Batch(jobs("broken", "telea"))
    runner.start(*hole, batch.jobs)
    wait(lambda: batch.finished)
    states = {job.method: (job.state, job.message) for job in batch.jobs}
    assert states["telea"][0] == "done"
    assert states["broken"] == ("error", "Broken failed: ZeroDivisionError: by nothing")


def test_quick_methods_never_wait_behind_slow_ones(runner, hole, monkeypatch):
    monkeypatch.setattr("demo.server.lanes._TURN", 1e9)  # else the second slow one may have its turn by now
    slow = Batch(jobs("slow", "slow"))
    runner.start(*hole, slow.jobs)
    wait(lambda: "running" in {job.state for job in slow.jobs})  # either may have been first
    quick = Batch(jobs("telea"))
    runner.start(*hole, quick.jobs)
    wait(lambda: quick.finished)
    assert quick.jobs[0].state == "done"
    assert sorted(job.state for job in slow.jobs) == ["running", "waiting"]
    slow.stop()


def test_whoever_waits_is_told_when_the_runner_is_closed(runner, hole):
    futures = [runner.submit(*hole, Job(name)) for name in ("deaf", "deaf", "deaf", "deaf")]
    runner.close()
    for future in futures:
        with pytest.raises(Cancelled):
            future.result(timeout=5)


def test_an_ended_job_leads_to_none_of_the_pictures_of_its_run(runner, hole):
    ended = [*jobs("telea", "broken", "slow"), Job("slow", seconds=2 * MOST_SECONDS)]
    for job in ended:
        job.preview, job.on_answer, job.guide = (lambda image: None), (lambda answer: None), hole[1]
    runner.start(*hole, ended)
    ended[2].stop()
    wait(lambda: all(job.final and (job.preview, job.on_answer, job.guide) == (None,) * 3 for job in ended))
    assert [job.state for job in ended] == ["done", "error", "stopped", "error"]


def test_scores_come_after_the_result(runner, hole):
    rated = threading.Event()

    def rate(answer):
        assert rated.wait(10)
        answer.scores = {"psnr": 1}

    batch = Batch(jobs("telea"))
    batch.jobs[0].on_answer = lambda answer: runner.later(answer, lambda: rate(answer))
    runner.start(*hole, batch.jobs)
    wait(lambda: batch.finished)
    assert not batch.settled
    rated.set()
    wait(lambda: batch.settled)
    assert batch.jobs[0].answers[0].scores == {"psnr": 1}


def test_run_raises_what_the_method_raises(runner, hole):
    image, mask = hole
    with pytest.raises(InputError, match="whole picture is masked"):
        runner.run(image, np.ones_like(mask), Job("telea"))
    assert runner.run(image, mask, Job("telea")).method == "telea"


@pytest.mark.parametrize(
    "boxes",
    [[(100, 200, 300, 500)], [(16, 16, 48, 80), (500, 700, 580, 790)], [(0, 0, 30, 30), (60, 60, 90, 90)]],
)
def test_a_price_from_the_holes_boxes_is_that_of_the_mask(boxes, monkeypatch):
    monkeypatch.setattr(costs, "factor", lambda *_: 3.0)  # whatever else this process runs
    mask = np.zeros((600, 800), bool)
    for top, left, bottom, right in boxes:
        mask[top:bottom, left:right] = True
    depths = ndimage.distance_transform_edt(mask)
    holes = [
        Hole(
            *box, (box[2] - box[0]) * (box[3] - box[1]), round(depths[box[0] : box[2], box[1] : box[3]].max())
        )
        for box in boxes
    ]
    outline = Outline(mask.shape, tuple(holes))
    for spec in registry.METHODS.values():
        work = workload(mask, spec)
        seconds = pytest.approx(work.seconds)
        assert price(spec, outline) == Price(work.network_calls, pytest.approx(3.0 * work.seconds), seconds)


def test_answers_and_presets_make_the_price():
    spec, hole = registry.METHODS["repaint"], Outline((600, 800), (Hole(100, 100, 140, 140, 1600),))
    preview, paper = price(spec, hole), price(spec, hole, {"preset": "paper"}, 3)
    assert (preview.calls, paper.calls) == (57, 3 * 2410)
    assert price(spec, hole, n=4).seconds == pytest.approx(4 * preview.seconds)
    assert price(spec, Outline((600, 800), ())) == Price(0, 0.0)


class Drawing(Inpainter):
    """Paints its seed, and shows a preview on the way; each seed but the first waits for the gate."""

    def fill(self, piece):
        if piece.preview is not None:
            piece.preview(np.full_like(piece.image, 200 + piece.seed))
        while piece.seed > 7 and not GATE.wait(0.005):
            piece.on_step(1, 2)
        return np.full_like(piece.image, piece.seed)


@pytest.fixture
def drawing(monkeypatch):
    spec = MethodSpec(
        "drawing", "Drawing", "baseline", f"{__name__}:Drawing", "", "", 0, "", "", Cost(1.0), stochastic=True
    )
    monkeypatch.setitem(registry.METHODS, "drawing", spec)
    monkeypatch.setattr("demo.server.jobs.registry.create", lambda name, **options: Drawing(spec))
    return lambda n, **more: Job("drawing", 7, n=n, preview=lambda image: None, **more)


def test_each_answer_is_there_as_soon_as_it_is_drawn(runner, hole, drawing):
    image, mask = hole
    kept = []
    job = drawing(3, on_answer=lambda answer: kept.append(answer.result.seed))
    runner.start(image, mask, [job], lambda job: kept.append("all"))
    wait(lambda: job.total)
    assert (kept, job.state, [answer.result.seed for answer in job.answers]) == ([7], "running", [7])
    assert 1 / 3 < job.progress < 1
    GATE.set()
    wait(lambda: job.final)
    assert kept == [7, 8, 9, "all"]
    for answer in job.answers:
        assert (answer.result.image[mask] == answer.result.seed).all()
        assert np.array_equal(answer.result.image[~mask], image[~mask])


def test_answers_that_are_there_outlive_stop_and_the_rest_can_be_drawn_later(runner, hole, drawing):
    job = drawing(3)
    runner.start(*hole, [job], lambda job: pytest.fail("a stopped job was called done"))
    wait(lambda: job.total)
    Batch([job]).stop()
    wait(lambda: not runner.lanes.works())
    assert (job.state, [answer.result.seed for answer in job.answers]) == ("stopped", [7])
    GATE.set()
    rest = drawing(3, answers=job.answers)
    runner.start(*hole, [rest])
    wait(lambda: rest.final)
    assert [answer.result.seed for answer in rest.answers] == [7, 8, 9]


def test_a_gpu_draws_all_answers_at_once_and_shows_the_first(runner, hole, drawing, monkeypatch):
    batches, shown = [], []
    whole = Drawing.fill_batch
    monkeypatch.setattr(
        Drawing, "fill_batch", lambda self, pieces: batches.append(len(pieces)) or whole(self, pieces)
    )
    made = registry.create

    def on_gpu(name, **options):
        inpainter = made(name)
        inpainter.device, inpainter.synchronize = "cuda", lambda: None
        return inpainter

    monkeypatch.setattr("demo.server.jobs.registry.create", on_gpu)
    GATE.set()
    job = drawing(3)
    job.preview = lambda image: shown.append(image[hole[1]].max())
    runner.run(*hole, job)
    assert (batches, shown, [answer.result.seed for answer in job.answers]) == ([3], [207], [7, 8, 9])


def test_records_name_each_answer_and_what_is_lacking(runner, hole, drawing):
    GATE.set()
    job = drawing(2)
    runner.run(*hole, job)
    assert [(one["seed"], one["file"]) for one in job.records()] == [
        (7, "drawing-seed7.png"),
        (8, "drawing-seed8.png"),
    ]
    lacking = Job("telea", 3, {"radius": 5.0}, state="stopped", message="It was stopped.")
    assert (
        lacking.records()[0].items()
        >= {"seed": 3, "state": "stopped", "options": {"radius": 5.0}, "message": "It was stopped."}.items()
    )


def test_a_finished_run_corrects_the_next_estimate(runner, hole):
    image, mask = hole
    spec = registry.METHODS["telea"]
    result = runner.run(image, mask, Job("telea"))
    assert costs.estimate(workload(mask, spec)) == pytest.approx(result.seconds)


def test_a_job_that_works_too_long_is_stopped_with_a_sentence_and_a_longer_one_never_begins(
    runner, hole, monkeypatch
):
    monkeypatch.setattr("demo.server.jobs.MOST_SECONDS", 0.2)
    slow, longer = Job("slow", seconds=0.1), Job("slow", seconds=1.0)
    runner.start(*hole, [slow, longer])
    assert longer.state == "error"
    wait(lambda: slow.final)
    assert slow.message == longer.message == TOO_LONG
    with pytest.raises(InputError, match="faster preset"):
        runner.submit(*hole, Job("slow", seconds=1.0))


def test_pictures_that_wait_are_bounded_in_memory(runner, hole, monkeypatch):
    image, mask = hole
    monkeypatch.setattr("demo.server.jobs.MOST_HELD", 2 * image.nbytes)
    first = Batch(jobs("slow", "slow", "slow"))
    runner.start(image, mask, first.jobs)
    second = runner.submit(image.copy(), mask, Job("slow", seconds=60))
    with pytest.raises(InputError, match="no room for another"):
        runner.submit(image.copy(), mask, Job("telea"))
    first.stop()
    wait(lambda: len(runner.lanes.works()) == 1)
    assert runner.run(image.copy(), mask, Job("telea")).method == "telea"
    GATE.set()
    assert second.result(60).method == "slow"


def test_time_that_others_were_let_first_is_not_the_methods_own(runner, hole):
    slow, deaf = Job("slow", seconds=60.0), Job("deaf", seconds=0.5)
    runner.start(*hole, [slow])
    wait(lambda: slow.done > 1)
    runner.start(*hole, [deaf])
    begin = time.monotonic()
    wait(lambda: deaf.state == "running")
    while time.monotonic() < begin + 1.0:
        time.sleep(0.05)
    assert slow.kept > 0.4
    GATE.set()
    wait(lambda: slow.final and deaf.final)
    assert slow.answers[0].result.seconds == pytest.approx(slow.seconds)
    assert slow.seconds + slow.kept < time.monotonic() - slow.started + 0.1


def test_spoken():
    words = {
        0.2: "under 1 s",
        1.2: "about 1 s",
        7.6: "about 8 s",
        13: "about 15 s",
        88: "about 90 s",
        200: "about 3 min",
        7200: "about 2.0 h",
    }
    assert {seconds: spoken(seconds) for seconds in words} == words


def test_visitors_cannot_make_the_machine_read_folders_or_download(runner, hole):
    image, mask = hole
    with pytest.raises(InputError, match="'model' is not for visitors"):
        runner.run(image, mask, Job("repaint", options={"model": "owner/name"}))
    refuse_local(registry.METHODS["repaint"], {"model": "", "steps": 5})
