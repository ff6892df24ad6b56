"""Trained methods with random tiny networks: weights that are not what they should be, batches, guides, and
what they show.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.ndimage import median_filter
from skimage.data import astronaut
from skimage.transform import resize

from inpainters import inpaint, registry
from inpainters.base import InpaintRequest
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.methods.learned import base as learned
from inpainters.methods.learned.contextual_attention import directions, origin
from inpainters.networks.contextual_attention import SlimContextualAttentionGenerator
from inpainters.networks.gated import GatedGenerator, SlimGatedGenerator
from inpainters.networks.partial import PartialUNet
from inpainters.networks.pen_net import SlimPenNet
from inpainters.training import bundle
from inpainters.weights import files as weights
from inpainters.weights.build import load_network
from inpainters.weights.fetch import fetch
from inpainters.weights.table import WEIGHTS

TINY = {
    "gated_conv": (
        SlimGatedGenerator,
        {"coarse": [4, 8], "coarse_dilations": [1], "refine": [4, 8], "refine_dilations": [2]},
    ),
    "partial_conv": (PartialUNet, {"widths": [4, 8, 8], "kernels": [7, 5, 3]}),
    "contextual_attention": (
        SlimContextualAttentionGenerator,
        {
            "coarse": [4, 8],
            "coarse_dilations": [1],
            "refine": [4, 8, 8],
            "refine_dilations": [2],
            "matching": 4,
        },
    ),
    "pen_net": (SlimPenNet, {"widths": [4, 8, 8, 8], "transfers": 1, "dilations": [1], "units": [1, 1, 1]}),
}


def picture(height=64, width=48):
    return (resize(astronaut()[:400, :300], (height, width), anti_aliasing=True) * 255).astype(np.uint8)


def hole(height=64, width=48):
    mask = np.zeros((height, width), bool)
    mask[20:41, 12:30] = True
    return mask


def network(name):
    """The tiny network with weights far enough from their start that all of it matters."""
    kind, settings = TINY[name]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        net = kind(**settings).eval()
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
    return net, {"class": kind.__name__, **settings}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty checkpoints folder, and a table without bundled weights."""
    monkeypatch.setattr(weights, "CHECKPOINTS", tmp_path)
    for name in TINY:
        pin(monkeypatch, name, [])
    load_network.cache_clear()
    yield tmp_path
    load_network.cache_clear()


def pin(monkeypatch, name, paths):
    monkeypatch.setitem(
        WEIGHTS,
        name,
        replace(WEIGHTS[name], files={path.name: weights.sha256(path) for path in paths}),
    )


def write(folder, name, tensors=None, metadata=None):
    """Two fp16 shards, as an export writes them."""
    net, settings = network(name)
    tensors = {key: value.half() for key, value in net.state_dict().items()} if tensors is None else tensors
    metadata = {"method": name, "network": json.dumps(settings)} if metadata is None else metadata
    keys = list(tensors)
    paths = []
    for i, part in enumerate((keys[: len(keys) // 2], keys[len(keys) // 2 :])):
        paths.append(folder / f"{name}-{i + 1}-of-2.safetensors")
        save_file({key: tensors[key].clone() for key in part}, paths[-1], metadata=metadata)
    return paths


@pytest.fixture
def ready(folder, monkeypatch):
    """`ready(name)`: the method with its tiny network in place."""

    def make(name):
        pin(monkeypatch, name, write(folder, name))
        return registry.create(name, device="cpu")

    return make


@pytest.mark.parametrize("name", TINY)
def test_the_fill_is_what_the_network_draws(ready, name):
    result = ready(name)(InpaintRequest(picture(), hole()))
    net, _ = network(name)
    for parameter in (*net.parameters(), *net.buffers()):  # as stored
        parameter.data = parameter.data.half().to(parameter.dtype)
    image = torch.from_numpy(picture() * ~hole()[..., None]).permute(2, 0, 1)[None] / 255
    mask = torch.from_numpy(hole())[None, None].float()
    with torch.no_grad():
        drawn = (255 * net(image, mask)[-1][0].permute(1, 2, 0)).round().clamp(0, 255).numpy()
    assert np.abs(result.raw[hole()] - drawn[hole()]).max() <= 1
    assert result.network_calls == 1


@pytest.mark.parametrize("name", TINY)
def test_a_picture_does_not_depend_on_its_companions(ready, name, monkeypatch):
    method = ready(name)
    requests = [InpaintRequest(np.roll(picture(), i, 1), np.roll(hole(), 2 * i, 0)) for i in range(3)]
    requests += [InpaintRequest(picture(48, 64), hole(48, 64))]
    singles = [method(request).image for request in requests]
    for pixels in (1, 10**9):
        monkeypatch.setattr(learned, "BATCH_PIXELS", pixels)
        for results, single in zip(method.run(requests), singles, strict=True):
            difference = np.abs(results[0].image.astype(int) - single)
            assert difference.max() <= 1
            assert (difference > 0).mean() <= 1e-3


def test_batches_are_of_one_size_and_bounded(ready, monkeypatch):
    method = ready("gated_conv")
    monkeypatch.setattr(learned, "BATCH_PIXELS", 2 * 64 * 48)
    method.load()
    sizes = []
    handle = method.net.register_forward_pre_hook(lambda module, inputs: sizes.append(tuple(inputs[0].shape)))
    method.run([InpaintRequest(picture(), hole())] * 5 + [InpaintRequest(picture(48, 64), hole(48, 64))])
    handle.remove()
    assert sizes == [(2, 3, 64, 48), (2, 3, 64, 48), (1, 3, 64, 48), (1, 3, 48, 64)]


def test_stop_between_batches(ready, monkeypatch):
    method = ready("partial_conv")
    monkeypatch.setattr(learned, "BATCH_PIXELS", 1)
    steps = []

    def stop_after_the_second(done, total):
        steps.append(done / total)
        return sum(share > 0 for share in steps) < 2

    with pytest.raises(Cancelled):
        method.run([InpaintRequest(picture(), hole())] * 4, stop_after_the_second)
    assert max(steps) == 0.25


# Weights


def test_without_weights_the_method_says_what_to_do(folder):
    assert "python -m inpainters.training gated_conv` and add it" in registry.unavailable("gated_conv")
    with pytest.raises(UnavailableError, match="bundled, not downloaded"):
        fetch("gated_conv")


def test_a_lacking_shard_is_named(folder, monkeypatch):
    paths = write(folder, "gated_conv")
    pin(monkeypatch, "gated_conv", paths)
    assert registry.unavailable("gated_conv") is None
    assert weights.find_all("gated_conv") == paths
    paths[1].unlink()
    assert "get 'gated_conv-2-of-2.safetensors' from the repository" in registry.unavailable("gated_conv")


def test_an_altered_shard_is_named(folder, monkeypatch):
    paths = write(folder, "gated_conv")
    pin(monkeypatch, "gated_conv", paths)
    data = bytearray(paths[1].read_bytes())
    data[-1] ^= 1
    paths[1].write_bytes(data)
    with pytest.raises(
        UnavailableError,
        match=r"'gated_conv-2-of-2.safetensors' is not the file that 'gated_conv' names.*delete it and get",
    ):
        registry.create("gated_conv", device="cpu").load()


def state(**changes):
    net, _ = network("gated_conv")
    tensors = {key: value.half() for key, value in net.state_dict().items()}
    return {key: value for key, value in {**tensors, **changes}.items() if value is not None}


SETTINGS = {"class": "SlimGatedGenerator", **TINY["gated_conv"][1]}


@pytest.mark.parametrize(
    ("tensors", "metadata", "sentence"),
    [
        ({"coarse.head.bias": None}, {}, "the tensor 'coarse.head.bias' is lacking"),
        ({"more": torch.zeros(2)}, {}, "the network has no tensor 'more'"),
        ({"coarse.head.bias": torch.zeros(4)}, {}, r"'coarse.head.bias' has the shape \(4,\), not \(3,\)"),
        ({"coarse.head.bias": torch.full((3,), torch.nan)}, {}, "holds what is no number"),
        ({}, {"method": "pen_net"}, "says that it is of 'pen_net'"),
        ({}, {"network": "{"}, "does not say how its network is built"),
        ({}, {"network": "[1]"}, "does not say how its network is built"),
        ({}, {"network": json.dumps({**SETTINGS, "class": "Linear"})}, "there is no network 'Linear'"),
        ({}, {"network": json.dumps({**SETTINGS, "class": "torch"})}, "there is no network 'torch'"),
        ({}, {"network": json.dumps({**SETTINGS, "depth": 3})}, "its network has no setting 'depth'"),
        ({}, {"network": json.dumps({**SETTINGS, "coarse": "wide"})}, "its network cannot be built"),
        ({}, {"network": json.dumps({**SETTINGS, "activation": "gelu"})}, "its network cannot be built"),
        (
            {},
            {"network": json.dumps({**SETTINGS, "coarse": [4, 10**7]})},
            "has the shape",
        ),  # and no memory was spent on it
    ],
)
def test_foreign_weights_get_a_sentence(folder, monkeypatch, tensors, metadata, sentence):
    whole = {"method": "gated_conv", "network": json.dumps(SETTINGS), **metadata}
    pin(monkeypatch, "gated_conv", write(folder, "gated_conv", state(**tensors), whole))
    with pytest.raises(UnavailableError, match=sentence) as caught:
        registry.create("gated_conv", device="cpu").load()
    assert str(caught.value).startswith("'gated_conv-1-of-2.safetensors' does not hold")
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("size", [0, 5, 700])
def test_truncated_weights_get_a_sentence(folder, monkeypatch, size):
    paths = write(folder, "gated_conv")
    paths[0].write_bytes(paths[0].read_bytes()[:size])
    pin(monkeypatch, "gated_conv", paths)  # the pin agrees: what is inside is still not believed
    with pytest.raises(UnavailableError, match="damaged or cut short"):
        registry.create("gated_conv", device="cpu").load()


def test_loading_leaves_the_global_generator_alone(ready):
    before = torch.get_rng_state()
    ready("gated_conv").load()
    assert torch.equal(torch.get_rng_state(), before)


# Bundling


def test_bundle_copies_pins_and_replaces(folder, tmp_path_factory, monkeypatch, capsys):
    pins = tmp_path_factory.mktemp("code") / "bundled.py"
    pins.write_text(bundle.source({}))
    monkeypatch.setattr(bundle.bundled, "BUNDLED", {})
    monkeypatch.setattr(bundle.bundled, "__file__", str(pins))
    export = tmp_path_factory.mktemp("export")
    paths = write(export, "gated_conv")
    assert bundle.main([str(export)]) == 2
    assert "lacks 'gated_conv.json'" in capsys.readouterr().err
    cards = [f"gated_conv.{suffix}" for suffix in ("csv", "json", "md")]
    facts = json.loads((Path(bundle.__file__).parents[1] / "weights/checkpoints/gated_conv.json").read_text())
    moved = facts.pop("moved_on")  # an export does not know it yet
    for card in cards:
        (export / card).write_text(json.dumps(facts))
    (folder / "gated_conv-3-of-3.safetensors").write_bytes(b"old")
    assert bundle.main([str(export)]) == 0
    assert "gated_conv: 2 files" in capsys.readouterr().out
    assert sorted(path.name for path in folder.iterdir()) == [*(path.name for path in paths), *cards]
    assert json.loads((folder / "gated_conv.json").read_text())["moved_on"] == moved
    assert (folder / "gated_conv.md").read_text().startswith("# ")
    written: dict = {}
    exec(pins.read_text(), written)
    assert written["BUNDLED"] == {"gated_conv": {path.name: weights.sha256(path) for path in paths}}
    paths[1].unlink()
    assert bundle.main([str(export)]) == 2
    assert bundle.main([str(tmp_path_factory.mktemp("empty"))]) == 2
    assert capsys.readouterr().err.count("\n") == 2


def test_what_cannot_be_loaded_is_not_bundled(folder, tmp_path):
    export = tmp_path / "export"
    export.mkdir()
    write(export, "gated_conv", {"w": torch.zeros(2), "v": torch.zeros(2)})
    with pytest.raises(UnavailableError, match="lacking"):
        bundle.bundle("gated_conv", bundle.shards(export)["gated_conv"])
    assert not list(folder.glob("*.safetensors"))


def test_the_pins_are_as_bundle_writes_them():
    with open(bundle.bundled.__file__, encoding="utf-8") as file:
        assert file.read() == bundle.source(bundle.bundled.BUNDLED)


@pytest.mark.parametrize("name", [name for name, row in WEIGHTS.items() if row.bundled and row.files])
def test_bundled_weights_are_whole_and_small(name):
    paths = weights.verified_all(name)
    assert all(path.stat().st_size < 10_000_000 for path in paths)
    assert sum(path.stat().st_size for path in paths) <= 25_000_000
    assert (weights.CHECKPOINTS / f"{name}.md").is_file()


@pytest.mark.parametrize(
    "name",
    [
        m
        for m, row in registry.METHODS.items()
        if row.weights and not any(map(weights.missing_weights, row.weights))
    ],
)
def test_the_row_agrees_with_the_cards_of_its_weights(name):
    row = registry.get(name)
    cards = [
        json.loads((weights.CHECKPOINTS / f"{file}.json").read_text(encoding="utf-8")) for file in row.weights
    ]
    assert row.takes_guide == any(card.get("guide") for card in cards)
    assert set(row.trained_with) == {network for card in cards for network in card["trained_with"]}


# Frames


def frames(method, **request):
    return {frame.name: frame for frame in method.explain(InpaintRequest(picture(), hole(), **request))}


@pytest.mark.parametrize("name", TINY)
def test_frames_lead_from_the_input_to_what_a_run_gives(ready, name):
    method = ready(name)
    assert method.spec.explains
    shown = frames(method)
    assert next(iter(shown)) == "input"
    assert list(shown)[-1] == "result"
    assert np.array_equal(shown["result"].image, method(InpaintRequest(picture(), hole())).image)
    for frame in shown.values():
        assert frame.image.dtype == np.uint8
        assert frame.image.ndim == 3
        assert frame.image.shape[2] == 3
        assert frame.title
    assert not any(module._forward_hooks for module in method.net.modules())


def test_partial_convolution_shows_the_hole_closing(ready):
    shown = frames(ready("partial_conv"))
    masks = [frame for key, frame in shown.items() if key.startswith("mask/")]
    assert [frame.name for frame in masks] == [
        f"mask/{i}" for i in range(7)
    ]  # the input, three layers down, three up
    assert masks[0].value == pytest.approx(1 - hole().mean())
    assert np.array_equal(masks[0].image[..., 0] == 255, ~hole())
    # A 7x7 window of stride 2 that sees any known pixel becomes valid: the hole of 21x18 shrinks to what no
    # window touches.
    rows, columns = np.arange(32) * 2, np.arange(24) * 2
    deep = (rows >= 20 + 3)[:, None] & (rows <= 40 - 3)[:, None] & (columns >= 12 + 3) & (columns <= 29 - 3)
    assert np.array_equal(masks[1].image[..., 0] == 255, ~deep)
    assert masks[1].value == pytest.approx(1 - deep.mean())
    assert shown["output"].image.shape == (64, 48, 3)


def test_gated_convolution_shows_its_gates(ready):
    method = ready("gated_conv")
    shown = frames(method)
    gates = [key for key in shown if key.startswith("gate/")]
    layers = sum(path.rpartition(".")[2] == "gate" for path, _ in method.net.named_modules())
    assert len(gates) == layers
    assert gates[0] == "gate/coarse-1"
    assert any(key.startswith("gate/refine-") for key in gates)
    assert all(0 < shown[key].value < 1 for key in gates)
    assert [key for key in shown if key.startswith("channels/")] == [
        key.replace("gate/", "channels/") for key in gates
    ]
    assert np.array_equal(shown["refined"].image, shown["result"].image)
    assert np.array_equal(shown["coarse"].image[~hole()], picture()[~hole()])
    assert not np.array_equal(shown["coarse"].image, shown["refined"].image)


def test_the_papers_gated_form_shows_its_attention_too(folder, monkeypatch):
    with torch.random.fork_rng():
        net = GatedGenerator(cnum=8)
    metadata = {"method": "gated_conv", "network": json.dumps({"class": "GatedGenerator", "cnum": 8})}
    pin(
        monkeypatch,
        "gated_conv",
        write(folder, "gated_conv", {key: value.half() for key, value in net.state_dict().items()}, metadata),
    )
    shown = frames(registry.create("gated_conv", device="cpu"), guide=lines())
    stages = {key.split("/")[1].split("-")[0] for key in shown if key.startswith("gate/")}
    assert stages == {"coarse", "coarse_decoder", "refine", "matching", "pasted", "refine_decoder"}
    assert shown["attention"].origin(7, 5).any()


def test_a_gate_that_always_passes_has_the_mean_one(ready):
    method = ready("gated_conv")
    method.load()
    with torch.no_grad():
        method.net.refine.stem.gate.weight.zero_()
        method.net.refine.stem.gate.bias.fill_(2.0)
    assert frames(method)["gate/refine-1"].value == pytest.approx(1 / (1 + np.exp(-2.0)))


def test_contextual_attention_shows_where_it_copied_from(ready):
    shown = frames(ready("contextual_attention"))
    assert list(shown)[1:-1] == ["coarse", "attention", "refined"]
    attention = shown["attention"]
    assert attention.image.shape == (16, 12, 3)
    heat = attention.origin(7, 5)
    assert heat.shape == (16, 12, 3)
    assert heat.max() == 255
    assert heat[5:11, 3:8].max() == 0  # nothing is copied from the hole
    assert not attention.origin(0, 0).any()
    assert np.array_equal(shown["refined"].image, shown["result"].image)


def test_directions_and_origin_against_a_map_made_by_hand():
    source = np.full((3, 4), -1)
    source[1, 1], source[1, 2] = 1 * 4 + 3, 1 * 4 + 0  # two to the right, two to the left
    drawn = directions(source)
    assert (drawn[0, 0] == 40).all()
    red, green, blue = drawn[1, 1].astype(int)
    assert red > 0
    assert abs(green - blue) <= 1
    assert red > green
    red, green, blue = drawn[1, 2].astype(int)
    assert red == 0
    assert abs(green - blue) <= 1
    alone = origin(source, None)
    assert np.argwhere(alone(1, 1)[..., 0]).tolist() == [[1, 3]]
    weights = np.zeros((2, 12), np.float16)
    weights[1, [0, 4]] = 0.25, 0.75
    assert origin(source, weights)(1, 2)[:, 0, 0].tolist() == [85, 255, 0]


def test_the_pyramid_grows(ready):
    shown = frames(ready("pen_net"))
    assert list(shown)[1:-1] == ["pyramid/1", "pyramid/2", "pyramid/3"]
    assert "1/4" in shown["pyramid/1"].title
    assert np.array_equal(shown["pyramid/3"].image, shown["result"].image)


def test_hooks_are_removed_when_the_network_fails(ready):
    method = ready("partial_conv")
    method.load()
    with pytest.raises(ZeroDivisionError), learned.tapped(method.net.named_modules(), lambda output: 1 / 0):
        method(InpaintRequest(picture(), hole()))
    assert not any(module._forward_hooks for module in method.net.modules())


# The guide


def lines():
    guide = np.zeros((64, 48), bool)
    guide[30, :] = True
    return guide


def test_a_sketch_in_the_hole_changes_the_fill_and_elsewhere_nothing(ready):
    method = ready("gated_conv")
    method.spec = replace(method.spec, takes_guide=True)
    plain = method(InpaintRequest(picture(), hole()))
    drawn = method(InpaintRequest(picture(), hole(), guide=lines()))
    assert not np.array_equal(plain.raw, drawn.raw)
    outside = method(InpaintRequest(picture(), hole(), guide=lines() & ~hole()))
    assert np.array_equal(plain.raw, outside.raw)
    cut = method(InpaintRequest(picture(), hole(), guide=lines() & hole()))
    assert np.array_equal(cut.raw, drawn.raw)


def test_a_sketch_from_python(ready, monkeypatch):
    monkeypatch.setitem(
        registry.METHODS, "gated_conv", replace(registry.METHODS["gated_conv"], takes_guide=True)
    )
    method = ready("gated_conv")
    drawn = method(InpaintRequest(picture(), hole(), guide=lines())).image
    white = lines().astype(np.uint8) * 255
    assert np.array_equal(inpaint(picture(), hole(), "gated_conv", device="cpu", guide=white), drawn)


def test_a_method_that_takes_no_sketch_says_so(ready):
    for method in (ready("partial_conv"), registry.create("telea")):
        result = method(InpaintRequest(picture(), hole(), guide=lines()))
        assert "follows no sketch" in result.notes[0]
        assert np.array_equal(result.image, method(InpaintRequest(picture(), hole())).image)


@pytest.mark.parametrize("guide", [np.zeros((64, 48), np.uint8), np.zeros((48, 64), bool), "lines"])
def test_a_bad_guide_gets_a_sentence(guide):
    with pytest.raises(InputError, match="guide is"):
        registry.create("telea")(InpaintRequest(picture(), hole(), guide=guide))


@pytest.mark.parametrize("side", ["left", "top"])
def test_a_strip_at_the_border_has_no_speckles_in_its_corners(side):
    """Black, green and red pixels stood there."""
    image = (resize(astronaut(), (256, 256), anti_aliasing=True) * 255).astype(np.uint8)
    mask = np.zeros((256, 256), bool)
    mask[{"left": np.s_[:, :90], "top": np.s_[:90]}[side]] = True
    filled = inpaint(image, mask, "partial_conv", device="cpu")
    smooth = np.stack([median_filter(filled[..., channel], 5) for channel in range(3)], -1)
    away = np.abs(filled.astype(int) - smooth).max(axis=2)
    corners = np.zeros_like(mask)
    for place in (np.s_[:4, :8], np.s_[:4, -8:], np.s_[-4:, :8]):
        corners[place] = True
    odd = np.argwhere((away > 80) & corners & mask)
    assert sum(not stands_elsewhere(filled, mask, *place) for place in odd) < 3


def stands_elsewhere(filled, mask, y, x):
    """True where what surrounds a pixel of a fill stands in the known part too: a line, not a speckle."""
    near = filled[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2].astype(int)
    size = near.shape[:2]
    places = ~np.lib.stride_tricks.sliding_window_view(mask, size).any(axis=(2, 3))
    known = np.lib.stride_tricks.sliding_window_view(filled, size, axis=(0, 1))[places]
    return np.abs(known - near.transpose(2, 0, 1)).mean(axis=(1, 2, 3)).min() < 12


def test_a_speckle_stands_nowhere_else():
    image, mask = astronaut()[:128, :128].copy(), np.zeros((128, 128), bool)
    mask[:, :40] = True
    image[:, :40] = image[:, 80:120]
    assert stands_elsewhere(image, mask, 126, 3)
    for colour in ((0, 0, 0), (0, 255, 0), (255, 0, 0)):
        image[126, 3] = colour
        assert not stands_elsewhere(image, mask, 126, 3)
