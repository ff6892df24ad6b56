"""The cards of weights: the bundled ones are what the code writes from their facts."""

import json
from dataclasses import asdict, replace

import pytest

from inpainters.training import card, recipe
from inpainters.training.start import seen

FACTS = {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(card.CHECKPOINTS.glob("*.json"))}

ON = {
    "contextual_attention": ", the last 0.2 of them on NVIDIA H200",
    "denoiser": ", the last 0.2 of them on NVIDIA H200",
    "gated_conv": ", the last 0.19 of them on NVIDIA H200",
    "lama": ", the last 0.2 of them on NVIDIA H200",
    "latent_diffusion": ", the last 0.15 of them on NVIDIA H200",
    "palette": ", the last 0.19 of them on NVIDIA H200",
}
"""What learned on a GPU last: the hours of the card less those that it started with."""


def test_hardware_is_named_once_however_often_training_went_on(tmp_path):
    path = tmp_path / "x.json"
    for started, now, found in (
        ("", "a processor", "a processor"),
        ("a processor", "a GPU", "a processor, then a GPU"),
        ("a processor, then a GPU", "a GPU", "a processor, then a GPU"),
    ):
        path.write_text(json.dumps({"hardware": now, "started": {"hardware": started}}))
        assert seen(path)["hardware"] == found


@pytest.mark.parametrize("name", FACTS)
def test_a_bundled_card_is_the_one_that_its_facts_give(name: str) -> None:
    text = (card.CHECKPOINTS / f"{name}.md").read_text("utf-8")
    assert text == card.card_markdown(FACTS[name]), "run `python -m inpainters.training.card`"


@pytest.mark.parametrize("name", FACTS)
def test_a_card_holds_the_facts(name: str) -> None:
    text, facts = card.card_markdown(FACTS[name]), FACTS[name]
    said = [
        f"{facts['parameters']:,} parameters",
        f"**Trained for** {facts['hours']:g} hours{ON.get(name, ' on 1 thread of a processor, no GPU')}:",
        f"{facts['steps']:,} steps, each with {facts['batch']} crops",
        *facts["limits"],
        *facts["departures"],
        *(f"| {row['name']} | {row['pictures']:,} | {row['terms']} |" for row in facts["data"]),
        *(f"{scores['psnr_hole']:.2f}" for rows in facts["validation"].values() for scores in rows.values()),
    ]
    assert [one for one in said if one not in text] == []
    assert ("**Mark †.**" in text) == bool(facts["trained_with"])


def test_a_card_says_which_part_was_missing() -> None:
    plain = recipe.parse({"method": "gated_conv"})
    assert card.extent(asdict(plain.masks)) == "holes of 2% to 60% of the picture"
    said = card.extent(asdict(recipe.load_recipe("context_encoder").masks))
    assert said.startswith(
        "holes of 20% to 90% of a centre square with 50% of the side; 70% of the masks take all of it"
    )


def test_every_part_of_the_loss_has_a_name() -> None:
    from inpainters.training.loop import TERMS

    assert tuple(card.LOSSES) == TERMS


@pytest.mark.parametrize(("network", "metric"), [("squeezenet", "lpips_squeeze"), ("vgg16", "lpips_vgg")])
def test_the_mark_names_a_metric_that_there_is(network: str, metric: str) -> None:
    assert f"`{metric}`" in card.card_markdown({**FACTS["gated_conv"], "trained_with": [network]})


def renewed(facts: dict, tmp_path, monkeypatch) -> dict:
    """The facts of the card that is written anew from these."""
    (tmp_path / "partial_conv.json").write_text(json.dumps(facts), "utf-8")
    monkeypatch.setattr(card, "CHECKPOINTS", tmp_path)
    assert card.main(["partial_conv"]) == 0
    new = json.loads((tmp_path / "partial_conv.json").read_text("utf-8"))
    assert (tmp_path / "partial_conv.md").read_text("utf-8") == card.card_markdown(new)
    return new


def test_renew_takes_the_words_from_the_recipe_and_leaves_the_facts(tmp_path, monkeypatch) -> None:
    plan = recipe.load_recipe("partial_conv")
    old = {**FACTS["partial_conv"], **plan.settings(), "limits": ["It cannot fly."]}
    old = {**old, "steps": 7, "moved_on": []}
    old = json.loads(json.dumps(old))
    assert renewed(old, tmp_path, monkeypatch) == {**old, **card.words(plan)}


def test_weights_of_another_recipe_keep_their_words(tmp_path, monkeypatch) -> None:
    plan = recipe.load_recipe("partial_conv")
    old = {**FACTS["partial_conv"], **plan.settings(), "limits": ["It cannot fly."], "moved_on": []}
    old["masks"] = {**old["masks"], "high": 0.11}
    new = renewed(old, tmp_path, monkeypatch)
    assert new["limits"] == ["It cannot fly."]
    assert new["moved_on"] == ["masks"]
    assert "`partial_conv.toml` has other settings now for masks. Those" in card.card_markdown(new)
    assert "for masks and losses. Those" in card.card_markdown({**new, "moved_on": ["masks", "losses"]})


def test_a_setting_that_was_added_since_is_no_other_recipe_until_it_is_used() -> None:
    plan = recipe.load_recipe("gated_conv")
    facts = json.loads(json.dumps(plan.settings()))
    del facts["losses"]["boundary"], facts["stages"]
    assert card.moved_on(facts, plan) == []
    other = replace(plan, losses=replace(plan.losses, boundary=0.5))
    assert card.moved_on(facts, other) == ["losses"]


@pytest.mark.parametrize("name", FACTS)
def test_a_bundled_card_says_where_its_recipe_has_moved_on(name: str) -> None:
    on_gpu = not FACTS[name]["hardware"].endswith(card.NO_GPU)
    plan = recipe.load_recipe(name, device="cuda", slim=True) if on_gpu else recipe.load_recipe(name)
    moved = card.moved_on(FACTS[name], plan)
    assert FACTS[name]["moved_on"] == moved, "run `python -m inpainters.training.card`"


def test_weights_that_are_not_bundled_are_a_sentence(capsys) -> None:
    assert card.main(["denoisr"]) == 2
    assert "did you mean 'denoiser'?" in capsys.readouterr().err
