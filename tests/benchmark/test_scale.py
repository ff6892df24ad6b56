"""The played run on small ones that can be worked out by hand, and what is measured for it."""

import numpy as np
import pytest

from benchmark.studies import scale
from benchmark.studies.scale import Method, Setting, _Part, chunks, play, scoring, study
from benchmark.studies.scale_costs import Costs, measure_costs

FREE = Costs(start=0.0, read=0.0, close=0.001, opened={}, score=0.1, pairs=0.0, patches={})


def parts(*seconds, entry="telea", column="10-20", gpu=False):
    return [_Part(entry, column, float(one), float(one), gpu) for one in seconds]


def test_each_chunk_goes_to_who_is_free_first():
    one = play(parts(4, 3, 2, 2), Setting("two", workers=2), FREE)
    assert one.ended == [3.0, 4.0, 5.0, 6.0]  # 4 and 3 at once; 2 after 3, 2 after 4
    assert (one.end, one.tail, one.kind) == (6.0, 1.0, "cores")
    assert one.busy == pytest.approx(11 / 12)
    assert one.spent["telea"] == 11


def test_a_worker_pays_for_its_start_its_methods_and_its_columns():
    costs = Costs(
        start=1.0,
        read=0.5,
        close=0.0,
        opened={"a": 2.0, "b": 3.0, "c": 1.0},
        score=0.0,
        pairs=0.0,
        patches={},
    )
    order = [*parts(1, 1, entry="a"), *parts(1, entry="b"), *parts(1, entry="c"), *parts(1, entry="a")]
    one = play(order, Setting("one", workers=1), costs)
    opened = 2 + 3 + 1 + 2  # the first method was closed for the third
    assert one.end == 1 + 0.5 + opened + 5
    assert {name: one.spent[name] for name in ("start", "open", "read")} == {
        "start": 1,
        "open": 8,
        "read": 0.5,
    }


def test_a_slow_worker_takes_four_times_as_long_and_a_lost_one_its_chunk():
    slow = play(parts(1, 1), Setting("two", workers=2, slow=1), FREE)
    assert slow.ended == [1.0, 4.0]
    lost = play(parts(2, 2, 2, 2), Setting("two", workers=2, lost=1), FREE)
    assert lost.end == 6.0  # at 4 s of 8 the second is gone: it had done one and was to begin the next
    assert lost.spent["telea"] == 8
    assert len(lost.ended) == 4


def test_a_gpu_speeds_up_networks_alone_and_not_their_detail():
    methods = [
        Method("gated_conv", {"10-20": np.full(3, 1.0)}, "here"),
        Method("telea", {"10-20": np.full(3, 1.0)}, "here"),
    ]
    costs = Costs(
        start=0.0, read=0.0, close=0.0, opened={}, score=0.0, pairs=0.0, patches={"gated_conv": 0.5}
    )
    found = chunks(methods, 50, Setting("gpu", faster=10.0), costs)
    total = {m: sum(part.seconds for part in found if part.entry == m) for m in ("gated_conv", "telea")}
    assert total == pytest.approx({"gated_conv": 50 * 6 * 0.55, "telea": 50 * 6})
    assert {part.entry for part in found if part.gpu} == {"gated_conv"}
    assert [part.declared for part in found] == sorted((part.declared for part in found), reverse=True)


def test_a_gpu_is_slow_or_lost_with_its_cores():
    two = {"workers": 2, "faster": 10.0}
    networks = parts(1, 1, entry="lama", gpu=True)
    slow = play([*parts(*[7.0] * 14), *networks], Setting("gpus", **two, slow=1), FREE)
    assert (slow.kind, slow.ended) == ("cores", [1.0, 4.0, *[7.0] * 7, *[28.0] * 7])
    lost = play([*parts(*[2.0] * 28), *networks], Setting("gpus", **two, lost=1), FREE)
    # After 2 s of 4: its GPU had done its part, each of its 7 cores one.
    assert lost.ended == [1.0, 1.0, *[2.0] * 14, *[4.0] * 7, *[6.0] * 7]


@pytest.mark.parametrize(
    ("setting", "of", "parts", "sets"),
    [
        (Setting("64 cores"), 43, 5, 2),  # 258 parts on 64, then 120 sets
        (Setting("slow", slow=4), 43, 8, 4),  # after four rounds the slow ones take a part once more
        (Setting("lost", lost=8), 38, 5, 3),  # 228 parts on 56
        (Setting("gpus", faster=10.0), 43, 5, 2),
        (Setting("few", workers=2), 2, 6, 60),
        (Setting("one left", workers=2, lost=1), 1, 6, 120),
    ],
)
def test_scores_take_parts_of_columns_and_then_sets(setting, of, parts, sets):
    costs = Costs(start=0.0, read=0.0, close=0.0, opened={}, score=0.1, pairs=1e-5, patches={})
    part, cell = 20 * 1000 / of * 0.1, 1000**2 * 1e-5
    assert scoring(20, 1000, setting, costs) == pytest.approx(parts * part + sets * cell)


@pytest.mark.slow
def test_what_is_measured_is_there(tmp_path):
    costs = measure_costs(["telea"], 20)
    assert 0 < costs.read < 5
    assert 0 < costs.close < 1
    assert 0 < costs.score < 60
    assert 0 <= costs.pairs < 1
    assert costs.opened.keys() == {"telea"}
    methods = [Method("telea", {"10-20": np.array([100.0, 300.0])}, "here")]
    text, rows, figure = study(methods, costs, 40)
    assert [*rows["setting"]] == [setting.title for setting in scale.CLUSTERS]
    assert {(setting.faster > 1, setting.slow, setting.lost) for setting in scale.CLUSTERS} == {
        (gpu, *trouble) for gpu in (False, True) for trouble in ((0, 0), (4, 0), (0, 8))
    }
    wanted = [scoring(1, 40, setting, costs) / 3600 for setting in scale.CLUSTERS]
    assert [*rows["score_hours"]] == pytest.approx(wanted)
    assert text.count(f" | {wanted[0]:.1f} | ") >= 1
    assert "10 or 30 times" in text
    assert "`telea` " in text
    assert figure.startswith(b"<?xml")
