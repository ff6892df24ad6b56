"""Room in memory: what is said before a run, and what is done where it is short."""

import numpy as np
import pytest

from demo.server import room
from demo.server.jobs import Job, Runner
from inpainters import memory
from inpainters.errors import InputError
from inpainters.strategy import Hole

HOLES = [Hole(100, 200, 150, 260, 3000)]
NEEDS = {"telea": {"fixed": 10.0, "per_megapixel": 100.0}}


@pytest.fixture
def free(monkeypatch):
    monkeypatch.setattr(memory, "_needs", lambda: NEEDS)

    def set_free(megabytes):
        monkeypatch.setattr(memory, "free_ram", lambda: int(megabytes * 1e6))

    return set_free


def test_with_room_enough_the_whole_picture_is_worked_on(free):
    free(1000)
    assert room.part_that_fits("telea", (1000, 1000), HOLES) is None
    assert room.memory_told("telea", (1000, 1000), HOLES) == ""
    free(0)  # nobody says how much there is
    assert room.part_that_fits("telea", (1000, 1000), HOLES) is None
    free(1)
    assert room.part_that_fits("ddnm", (1000, 1000), HOLES) is None  # nobody measured it


@pytest.mark.parametrize("megabytes", [20, 40, 80, 130])
def test_the_part_is_as_large_as_fits_and_holds_the_holes(free, megabytes):
    free(megabytes)
    top, left, bottom, right = room.part_that_fits("telea", (1000, 1000), HOLES)
    assert top <= 100
    assert left <= 200
    assert bottom >= 150
    assert right >= 260
    most = (0.8 * megabytes - 10) / 100 * 1e6
    area = (bottom - top) * (right - left)
    assert area <= most
    wider = min(1000, bottom + 1) - max(0, top - 1), min(1000, right + 1) - max(0, left - 1)
    assert wider[0] * wider[1] > most
    assert f"{right - left:,}×{bottom - top:,} pixels around the hole" in room.memory_told(
        "telea", (1000, 1000), HOLES
    )


def test_where_not_even_the_hole_fits_it_is_said(free):
    free(12.6)
    with pytest.raises(
        InputError, match=r"Telea needs about 0.1 GB for this picture, and 0.0 GB are free: mask less"
    ):
        room.part_that_fits("telea", (1000, 1000), HOLES)
    assert "mask less" in room.memory_told("telea", (1000, 1000), HOLES)


def test_a_job_works_on_the_part_and_the_rest_stays(free):
    image = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    mask = np.zeros((300, 400), bool)
    mask[100:120, 200:230] = True
    job, runner = Job("telea"), Runner(cores=1)
    free(1000)
    whole = runner.run(image, mask, Job("telea"))
    free(15)
    result = runner.run(image, mask, job)
    runner.close()
    assert result.image.shape == image.shape
    assert np.array_equal(result.image[~mask], image[~mask])
    assert np.array_equal(result.image, whole.image)  # Telea looks no further than the part reaches
    assert any("Memory was short: it saw" in note for note in result.notes)
    assert not any("Memory" in note for note in whole.notes)


def test_what_much_is_needed_is_said_before_a_run(free):
    assert room.memory_needed(["telea"], (1000, 1000)) == ""
    assert room.memory_needed(["telea", "ddnm"], (3000, 4000)) == " · 1.2 GB"


def test_free_memory_is_that_of_the_machine_or_of_its_container(tmp_path):
    proc = tmp_path / "meminfo"
    proc.write_text("MemTotal: 9000 kB\nMemAvailable:    5000 kB\n")
    assert memory.free_ram(proc, tmp_path) == 5000 * 1024
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("1000\n")
    assert memory.free_ram(proc, tmp_path) == 5000 * 1024
    (tmp_path / "memory.max").write_text("4000\n")
    assert memory.free_ram(proc, tmp_path) == 3000
    (tmp_path / "memory.stat").write_text("anon 3\ninactive_file 400\n")
    assert memory.free_ram(proc, tmp_path) == 3400  # files go when somebody needs the room
    (tmp_path / "memory.current").write_text("4400\n")
    assert memory.free_ram(proc, tmp_path) == 1


def test_where_what_is_fixed_does_not_fit_another_method_is_named(free, monkeypatch):
    monkeypatch.setattr(memory, "_needs", lambda: {"biharmonic": {"fixed": 600.0, "per_megapixel": 0.0}})
    free(1000)
    assert room.part_that_fits("biharmonic", (1000, 1000), HOLES) is None
    free(500)
    with pytest.raises(InputError, match=r"needs about 0.6 GB .+ choose another method"):
        room.part_that_fits("biharmonic", (1000, 1000), HOLES)
