"""The methods that suit a purpose."""

from demo.server.jobs import Price
from demo.server.purposes import PURPOSES
from inpainters import registry
from inpainters.families import FAMILIES


def test_fast_follows_the_price_and_leaves_the_baseline_out():
    prices = dict.fromkeys(registry.METHODS, Price(0, 0.9)) | {"telea": Price(0, 1.1)}
    fast = PURPOSES["fast"].choose(prices)
    assert set(registry.METHODS) - set(fast) == {"telea", "mean_fill"}


def test_one_of_each_family_is_just_that():
    found = PURPOSES["families"].choose({})
    assert [registry.get(name).family for name in found] == [
        family for family in FAMILIES if family != "baseline" and any(
            spec.family == family for spec in registry.METHODS.values()
        )
    ]  # fmt: skip


def test_removing_and_restoring_propose_methods_of_several_families_and_only_removing_hides_scores():
    for name in ("remove", "restore"):
        found = PURPOSES[name].choose({})
        assert len({registry.get(method).family for method in found}) >= 2
        assert set(found) < set(PURPOSES["all"].choose({}))
    assert [name for name, one in PURPOSES.items() if not one.judged] == ["remove"]
