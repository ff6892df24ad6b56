"""What a method's popover says."""

import json

from demo.views.about import about_all
from inpainters import registry
from inpainters.weights.files import CHECKPOINTS


def test_it_says_what_the_row_and_the_cards_say():
    about_all.cache_clear()  # another test may have asked while it had methods of its own
    about = about_all()
    assert list(about) == list(registry.METHODS)
    assert about["telea"]["weights"] == []
    one = about["latent_diffusion"]
    assert (one["summary"], one["link"]) == (
        registry.get("latent_diffusion").summary,
        registry.get("latent_diffusion").link,
    )
    for weights, name in zip(one["weights"], registry.get("latent_diffusion").weights, strict=True):
        assert weights["limits"] == json.loads((CHECKPOINTS / f"{name}.json").read_text())["limits"] != []
