"""Exported networks: real TorchScript and onnxruntime, on a small generator in the published conventions."""

import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F
from torch import nn

from inpainters import commandline, registry
from inpainters.__main__ import main as inpainting
from inpainters.base import InpaintRequest
from inpainters.conformance import hole, striped, verdicts
from inpainters.errors import InputError, UnavailableError
from inpainters.methods.others import exported
from inpainters.methods.others.exported import CONVENTIONS, Convention, read_convention, toml_of
from inpainters.weights import files, table
from inpainters.weights.table import WEIGHTS, WeightsFile

warnings.filterwarnings("ignore", category=DeprecationWarning)
warnings.filterwarnings("ignore", message="`torch.jit")


class Diffuse(nn.Module):
    """Known colours spread into the hole, (N, 3, h, w) in any range; mask 1: missing."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        known = 1 - mask
        picture, seen = image * known, known
        for _ in range(24):
            weight = F.avg_pool2d(seen, 3, 1, 1)
            picture = image * known + mask * F.avg_pool2d(picture * seen, 3, 1, 1) / (weight + 1e-6)
            seen = torch.maximum(known, (weight > 0).to(mask.dtype))
        return picture


class AsLama(nn.Module):
    """image in [0, 1], mask 1 = hole, two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.net = Diffuse()

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.net(image, mask)


class AsMiGan(AsLama):
    """One tensor, cat(0.5 - mask, image in [-1, 1] * (1 - mask))."""

    def forward(self, both: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        return self.net(both[:, 1:], 0.5 - both[:, :1])


class AsPipeline(AsLama):
    """Bytes in and out; 255 of the mask is known."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = self.net(image.float(), 1 - mask.float() / 255)
        return found.round().to(torch.uint8)


class Noisy(AsLama):
    """Draws in the hole at random."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        return self.net(image, mask) + 0.01 * mask * torch.randn_like(image)


class Tinted(AsLama):
    """Knows blue as 0.1 of what it is given as the first channel: it wants BGR."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        found = self.net(image, mask)
        blue = found[:, :1].minimum(torch.tensor(0.45))
        return torch.cat([blue, found[:, 1:]], 1)


def saved(net: nn.Module, path: Path, *arrays: torch.Tensor) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if path.suffix == ".onnx":
            names = ["image", "mask"][: len(arrays)]
            axes = {name: {2: "height", 3: "width"} for name in [*names, "filled"]}
            torch.onnx.export(
                net, arrays, path, dynamo=False, input_names=names, output_names=["filled"], dynamic_axes=axes
            )
        else:
            torch.jit.save(torch.jit.trace(net, arrays), path)
    return path


IMAGE, MASK = torch.rand(1, 3, 32, 48), torch.zeros(1, 1, 32, 48)
LAMA = "multiple = 8\n"
KINDS = {".pt": "torchscript", ".onnx": "onnx"}


@pytest.fixture(autouse=True)
def _table():
    before = dict(registry.METHODS)
    yield
    registry.METHODS.clear()
    registry.METHODS.update(before)


def added(path: Path, toml: str) -> str:
    path.with_suffix(".toml").write_text(toml)
    return registry.add(f"{KINDS[path.suffix]}:{path}")


@pytest.mark.parametrize("suffix", KINDS)
def test_a_file_keeps_the_contract_and_is_taken_by_the_command_line(tmp_path, suffix, capsys):
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime")
    path = saved(AsLama(), tmp_path / f"My net{suffix}", IMAGE, MASK)
    path.with_suffix(".toml").write_text(LAMA + 'title = "My own"\nlicence = "MIT"\n')
    reference = f"{KINDS[suffix]}:{path}"
    assert inpainting(["check", reference]) == 2
    assert "add --trust" in capsys.readouterr().err
    assert inpainting(["check", reference, "--trust"]) == 0
    spec = registry.get("my_net")
    assert (spec.title, spec.licence, spec.strategy.multiple) == ("My own", "MIT", 8)


@pytest.mark.parametrize(
    ("net", "arrays", "toml"),
    [
        (AsLama(), (IMAGE, MASK), LAMA),
        (
            AsMiGan(),
            (torch.rand(1, 4, 32, 48),),
            'mask = "channel first"\nrange = [-1, 1]\nhole = 0\nmissing = -0.5\nknown = 0.5\n',
        ),
        (
            AsPipeline(),
            ((255 * IMAGE).byte(), (255 - 255 * MASK).byte()),
            (CONVENTIONS / "mi_gan.toml").read_text(),
        ),
    ],
    ids=["lama", "migan", "pipeline"],
)
def test_published_conventions_give_the_same_fill(tmp_path, net, arrays, toml):
    path = saved(net, tmp_path / "net.pt", *arrays)
    found = registry.create(added(path, toml)).run([InpaintRequest(striped(), hole())])[0][0]
    image = torch.from_numpy(np.where(hole()[..., None], 0, striped())).permute(2, 0, 1)[None] / 255
    mask = torch.from_numpy(hole())[None, None].float()
    want = (255 * Diffuse()(image, mask)[0].permute(1, 2, 0)).round().clip(0, 255).numpy()
    assert np.abs(found.raw[hole()].astype(float) - want[hole()]).max() <= 1


def test_a_file_that_draws_at_random_draws_from_the_seed_alone(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a trace that is run again gives other noise
        path = saved(Noisy(), tmp_path / "net.pt", IMAGE, MASK)
    name = added(path, LAMA)
    registry.METHODS[name] = replace(registry.get(name), stochastic=True)
    assert [verdict.problem for verdict in verdicts(registry.create(name)) if verdict.problem] == []


@pytest.mark.parametrize(("device", "number"), [("cuda:1", 1), ("cuda", 0)])
def test_onnx_works_on_the_graphics_card_that_was_named(monkeypatch, device, number):
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda path, options, providers: providers)
    method = exported.Onnx(exported.row_of("onnx", "net", Convention()), device=device)
    assert method.open(Path("net.onnx"))[0] == ("CUDAExecutionProvider", {"device_id": number})


@pytest.mark.parametrize(
    ("net", "toml", "words"),
    [
        (AsLama(), LAMA + "missing = 0\nknown = 1\n", "missing = 1 and known = 0"),
        (AsLama(), LAMA + "output_range = [-1, 1]\n", "output_range = [0, 1]"),
        (Tinted(), LAMA, 'channels = "bgr"'),
    ],
)
@pytest.mark.slow
def test_a_wrong_convention_is_named_when_the_file_is_loaded(tmp_path, net, toml, words):
    name = added(saved(net, tmp_path / "net.pt", IMAGE, MASK), toml)
    with pytest.raises(InputError) as caught:
        registry.create(name).load()
    assert words in str(caught.value)
    assert str(caught.value).endswith("must be wrong.")
    method = registry.create(name)
    for _ in range(2):  # it is refused each time
        with pytest.raises(InputError, match="must be wrong"):
            method.load()


def test_a_file_never_takes_another_method_s_name(tmp_path):
    path = saved(AsLama(), tmp_path / "net.pt", IMAGE, MASK)
    (tmp_path / "other").mkdir()
    other = saved(AsLama(), tmp_path / "other" / "net.pt", IMAGE, MASK)
    ours = saved(AsLama(), tmp_path / "big_lama.pt", IMAGE, MASK)
    assert added(path, LAMA) == added(path, LAMA) == "net"
    for taken in (other, ours):
        with pytest.raises(InputError, match="There is a method"):
            added(taken, LAMA)
    assert registry.get("net").source == str(path)
    assert registry.get("big_lama").source == ""


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("channels = 'grb'", "channels: input should be 'rgb' or 'bgr'"),
        ("polarity = 1", "polarity:"),
        ("multiple = 0", "multiple:"),
        ("range = [1, 1]", "must differ"),
        ("range = [0, 1", "is no TOML"),
    ],
)
def test_a_toml_that_cannot_be_is_one_sentence(tmp_path, toml, words):
    path = saved(AsLama(), tmp_path / "net.pt", IMAGE, MASK)
    with pytest.raises(InputError) as caught:
        added(path, toml)
    assert words in str(caught.value)


def test_files_that_are_not_there_or_no_network(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        registry.add(f"onnx:{tmp_path / 'none.onnx'}")
    path = tmp_path / "junk.pt"
    path.write_bytes(b"junk")
    with pytest.raises(InputError, match="probe torchscript:"):
        registry.add(f"torchscript:{path}")
    with pytest.raises(InputError, match=r"'junk\.pt' cannot be opened"):
        registry.create(added(path, "")).load()


@pytest.mark.parametrize("suffix", KINDS)
@pytest.mark.slow
def test_probe_finds_the_convention_and_writes_it(tmp_path, suffix, capsys):
    if suffix == ".onnx":
        pytest.importorskip("onnxruntime")
    path = saved(AsMiGan(), tmp_path / f"net{suffix}", torch.rand(1, 4, 32, 48))
    reference = f"{KINDS[suffix]}:{path}"
    assert inpainting(["probe", reference]) == 2
    assert inpainting(["probe", reference, "--trust"]) == 0
    found = read_convention(path.with_suffix(".toml"))
    assert (found.mask, found.missing, found.known) == ("channel first", -0.5, 0.5)
    assert "Known pictures are missed by" in capsys.readouterr().out
    method = registry.create(registry.add(reference))
    assert [verdict.problem for verdict in verdicts(method) if verdict.problem] == []
    assert inpainting(["probe", reference, "--trust"]) == 2  # it does not overwrite


def test_a_convention_survives_its_toml():
    given = Convention(range=(-1.0, 1.0), hole=0.5, mask="first", side=512, title='A "net"')
    (path := Path("unused.toml")).name  # noqa: B018  # the text is what is read
    assert exported.TypeAdapter(Convention).validate_python(exported.tomllib.loads(toml_of(given))) == given
    assert not path.exists()


def test_the_published_files_are_known_by_their_digests_and_conventions(tmp_path, monkeypatch):
    for name in ("big_lama", "mi_gan"):
        assert read_convention(CONVENTIONS / f"{name}.toml")
        assert registry.unavailable(name)
        assert WEIGHTS[name].commercial
    path = saved(AsLama(), tmp_path / "big-lama.pt", IMAGE, MASK)
    monkeypatch.setenv(files.ENV, str(tmp_path))
    with pytest.raises(UnavailableError, match=r"is not the file that 'big_lama' names \(md5 "):
        registry.create("big_lama").load()
    pinned = files.digest_like(path, "md5:")
    row = WeightsFile("big_lama", {"big-lama.pt": pinned}, "", "", "")
    monkeypatch.setitem(table.WEIGHTS, "big_lama", row)
    result = registry.create("big_lama").run([InpaintRequest(striped(), hole())])[0][0]
    assert (result.image[hole()] > 0).any()
    assert files.of_the_table(path, ["big_lama", "mi_gan"]) == "big_lama"


def test_options_stand_behind_the_name_of_a_file(tmp_path):
    path = saved(AsLama(), tmp_path / "net.pt", IMAGE, MASK)
    path.with_suffix(".toml").write_text(LAMA)
    joined = commandline.joined(f"torchscript:{path}:detail=enlarge,telea:radius=5", trust=True)
    assert joined == "net:detail=enlarge,telea:radius=5"
