"""The methods that suit a purpose."""

from dataclasses import replace

from demo.server.purposes import PURPOSES
from inpainters import registry
from inpainters.families import FAMILIES
from inpainters.spec import Cost


def test_fast_is_what_a_usual_hole_costs_and_leaves_the_baseline_out(monkeypatch):
    fast = PURPOSES["fast"].choose()
    assert {"telea", "gated_conv"} <= set(fast)
    assert not {"mean_fill", "fsr", "deep_image_prior"} & set(fast)
    slow = replace(registry.get("telea"), cost=Cost(fixed=1.1))
    monkeypatch.setitem(registry.METHODS, "telea", slow)
    assert [name for name in fast if name not in PURPOSES["fast"].choose()] == ["telea"]


def test_one_of_each_family_is_just_that():
    found = PURPOSES["families"].choose()
    assert [registry.get(name).family for name in found] == [
        family for family in FAMILIES if family != "baseline" and any(
            spec.family == family for spec in registry.METHODS.values()
        )
    ]  # fmt: skip


def test_removing_and_restoring_propose_methods_of_several_families_and_only_removing_hides_scores():
    for name in ("remove", "restore"):
        found = PURPOSES[name].choose()
        assert len({registry.get(method).family for method in found}) >= 2
        assert set(found) < set(PURPOSES["all"].choose())
    assert [name for name, one in PURPOSES.items() if not one.judged] == ["remove"]
