"""The study of load: who asks, and what it makes of the answers."""

import os
from collections import Counter

import numpy as np
import pytest

from benchmark.studies import load
from inpainters.imaging import decode_image


def test_clients_of_each_kind_are_as_many_as_their_share() -> None:
    assert Counter(load.kinds(50)) == {"light": 35, "heavy": 7, "leaves": 4, "broken": 4}


def test_a_picture_has_its_hole() -> None:
    image, mask = (decode_image(part).image for part in load.picture(3))
    assert image.shape == mask.shape == (load.PICTURE_SIDE, load.PICTURE_SIDE, 3)
    assert 0.03 < (mask == 255).mean() < 0.07


@pytest.mark.parametrize(
    ("kind", "status", "said", "problem"),
    [
        ("light", 200, b"{}", ""),
        ("light", 500, b"x", "500: x"),
        ("broken", 500, b'{"error": "It is damaged."}', ""),
        ("broken", 500, b'{"error": null}', '500: {"error": null}'),
        ("broken", 200, b"{}", "200: {}"),
    ],
)
def test_an_answer_is_judged_by_who_asked(kind: str, status: int, said: bytes, problem: str) -> None:
    assert load.Client(0, kind, 1, load.Seen(), 0.0)._problem(status, said) == problem


def test_the_page_counts_what_was_wrong_and_says_how_late_light_answers_came() -> None:
    seen = load.Seen(memory=[(float(second), 100.0 + second) for second in range(100)], cores=0.5, busy=3.0)
    for seconds in np.linspace(0.0, 2.0, 21):
        seen.answers.append({"kind": "light", "method": "telea", "seconds": seconds, "problem": ""})
    seen.answers.append({"kind": "heavy", "method": "repaint", "seconds": 60.0, "problem": "500: x"})
    page = load.markdown_of_load(seen, 50)
    assert "95 % of the light answers came within 1.90 s" in page
    assert "| heavy, repaint | 1 | 1 | 60.00 | 60.00 | 60.00 |" in page
    assert "100 MB at the start; highest in each fifth of the time 119, 139, 159, 179, 199 MB" in page


def test_memory_and_time_of_a_process() -> None:
    if not os.path.exists("/proc/self/stat"):
        pytest.skip("no /proc")
    before = load.processor_seconds(os.getpid())
    held = np.ones(30_000_000)
    assert load.resident(os.getpid()) > held.nbytes / 2**20
    while load.processor_seconds(os.getpid()) - before < 0.2:
        held.sum()
    assert np.isnan(load.resident(2**30))
