"""Conversion against a literal guided-diffusion U-Net, written from Dhariwal and Nichol 2021 over the names
of its checkpoints.
"""

import json
import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from diffusers import DDPMPipeline

from inpainters import registry
from inpainters.base import InpaintRequest
from inpainters.convert import main
from inpainters.errors import InputError
from inpainters.weights import denoisers

SIZE = 16


def test_the_help_has_a_line_for_each_flag(capsys):
    with pytest.raises(SystemExit):
        main(["-h"])
    table = capsys.readouterr().out.partition("stands in\nflags:")[2].partition("A wrong one")[0]
    lines = re.findall(r"^    (--[\w-]+)", table, re.MULTILINE)
    assert lines == [
        *("--image-size", "--head-channels", "--heads", "--new-attention-order"),
        *("--schedule", "--timesteps", "--prediction"),
    ]


class Literal:
    """The network of the paper's appendix, whose weights are drawn when a layer is first used, under
    guided-diffusion's names.
    """

    def __init__(
        self,
        widths=(32, 64),
        layers=1,
        attention=(False, True),
        residual=True,
        shift=True,
        head=16,
        new_order=False,
        out=6,
    ):
        self.widths, self.layers, self.attention, self.residual = widths, layers, attention, residual
        self.shift, self.head, self.new_order, self.out = shift, head, new_order, out
        self.weights, self.generator = {}, torch.Generator().manual_seed(0)
        self(torch.zeros(1, 3, SIZE, SIZE), torch.zeros(1))

    def weight(self, name, *shape):
        if name not in self.weights:
            scale = 1.0 if len(shape) == 1 else math.prod(shape[1:]) ** -0.5
            self.weights[name] = scale * torch.randn(shape, generator=self.generator)
        return self.weights[name]

    def linear(self, name, x, out):
        return x @ self.weight(f"{name}.weight", out, x.shape[1]).T + self.weight(f"{name}.bias", out)

    def conv(self, name, x, out, side=3, stride=1):
        weight = self.weight(f"{name}.weight", out, x.shape[1], side, side)
        return F.conv2d(x, weight, self.weight(f"{name}.bias", out), stride, side // 2)

    def norm(self, name, x):
        groups = x.reshape(len(x), 32, -1)
        scaled = (groups - groups.mean(2, keepdim=True)) / (
            groups.var(2, unbiased=False, keepdim=True) + 1e-5
        ).sqrt()
        weight, bias = self.weight(f"{name}.weight", x.shape[1]), self.weight(f"{name}.bias", x.shape[1])
        return scaled.reshape(x.shape) * weight.view(-1, *[1] * (x.ndim - 2)) + bias.view(
            -1, *[1] * (x.ndim - 2)
        )

    def block(self, name, x, embedding, out, resize=lambda x: x):
        """A residual block of BigGAN's kind: what resizes it stands between the first activation and the
        first convolution.
        """
        h = resize(F.silu(self.norm(f"{name}.in_layers.0", x)))
        h, x = self.conv(f"{name}.in_layers.2", h, out), resize(x)
        told = self.linear(f"{name}.emb_layers.1", F.silu(embedding), 2 * out if self.shift else out)[
            ..., None, None
        ]
        if self.shift:  # adaptive group normalisation: y_s GroupNorm(h) + y_b
            h = self.norm(f"{name}.out_layers.0", h) * (1 + told[:, :out]) + told[:, out:]
        else:
            h = self.norm(f"{name}.out_layers.0", h + told)
        h = self.conv(f"{name}.out_layers.3", F.silu(h), out)
        return h + (x if x.shape[1] == out else self.conv(f"{name}.skip_connection", x, out, 1))

    def attend(self, name, x):
        pixels = x.flatten(2)
        width = pixels.shape[1]
        weight, bias = (
            self.weight(f"{name}.qkv.weight", 3 * width, width, 1),
            self.weight(f"{name}.qkv.bias", 3 * width),
        )
        joint = F.conv1d(self.norm(f"{name}.norm", pixels), weight, bias)
        answers = []
        for index in range(width // self.head):
            if self.new_order:
                q, k, v = (joint[:, part * width + index * self.head :][:, : self.head] for part in range(3))
            else:
                q, k, v = joint[:, 3 * index * self.head :][:, : 3 * self.head].chunk(3, 1)
            answers.append(v @ (q.transpose(1, 2) @ k / math.sqrt(self.head)).softmax(2).transpose(1, 2))
        found = F.conv1d(torch.cat(answers, 1), self.weight(f"{name}.proj_out.weight", width, width, 1))
        return x + (found + self.weight(f"{name}.proj_out.bias", width)[:, None]).view(x.shape)

    def __call__(self, x, t):
        half = self.widths[0] // 2
        angles = t.float()[:, None] * torch.exp(-math.log(10000) * torch.arange(half) / half)
        embedding = self.linear(
            "time_embed.0", torch.cat((angles.cos(), angles.sin()), 1).to(x.dtype), 4 * self.widths[0]
        )
        embedding = self.linear("time_embed.2", F.silu(embedding), 4 * self.widths[0])
        h, last, number = self.conv("input_blocks.0.0", x, self.widths[0]), len(self.widths) - 1, 0
        kept = [h]
        for scale, width in enumerate(self.widths):
            for _ in range(self.layers):
                number += 1
                h = self.block(f"input_blocks.{number}.0", h, embedding, width)
                h = self.attend(f"input_blocks.{number}.1", h) if self.attention[scale] else h
                kept.append(h)
            if scale < last:
                number += 1
                name = f"input_blocks.{number}.0"
                if self.residual:
                    h = self.block(name, h, embedding, width, lambda x: F.avg_pool2d(x, 2))
                else:
                    h = self.conv(f"{name}.op", h, width, stride=2)
                kept.append(h)
        h = self.block("middle_block.0", h, embedding, width)
        h = self.block("middle_block.2", self.attend("middle_block.1", h), embedding, width)
        number = -1
        for scale in range(last, -1, -1):
            for layer in range(self.layers + 1):
                number += 1
                width, place = self.widths[scale], 1 + self.attention[scale]
                h = self.block(f"output_blocks.{number}.0", torch.cat((h, kept.pop()), 1), embedding, width)
                h = self.attend(f"output_blocks.{number}.1", h) if self.attention[scale] else h
                if scale > 0 and layer == self.layers:
                    name = f"output_blocks.{number}.{place}"
                    h = (
                        self.block(name, h, embedding, width, larger)
                        if self.residual
                        else self.conv(f"{name}.conv", larger(h), width)
                    )
        return self.conv("out.2", F.silu(self.norm("out.0", h)), self.out)


def larger(x):
    return x.repeat_interleave(2, 2).repeat_interleave(2, 3)


def convert(tmp_path, weights, *flags, size=SIZE):
    """Exit code of the command on a checkpoint with these weights, and the folder."""
    torch.save(weights, tmp_path / "checkpoint.pt")
    out = tmp_path / "converted"
    return main(
        [
            str(tmp_path / "checkpoint.pt"),
            str(out),
            "--image-size",
            str(size),
            "--head-channels",
            "16",
            *flags,
        ]
    ), out


@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("shift", [True, False])
@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"widths": (32, 32, 64), "layers": 2, "attention": (False, True, True), "new_order": True},
        {"widths": (32, 64, 64), "attention": (True, False, False), "out": 3, "head": 32},
    ],
)
@pytest.mark.slow
def test_a_converted_network_gives_the_same_answers(tmp_path, residual, shift, plan):
    literal = Literal(residual=residual, shift=shift, **plan)
    flags = ["--new-attention-order"] * literal.new_order + ["--head-channels", str(literal.head)]
    code, out = convert(tmp_path, literal.weights, *flags)
    assert code == 0
    noisy, t = (
        torch.randn(2, 3, SIZE, 2 * SIZE, generator=torch.Generator().manual_seed(1)),
        torch.tensor([7, 950]),
    )
    literal.weights = {
        name: weight.double() for name, weight in literal.weights.items()
    }  # else rounding adds up to some 1e-5
    noisy = noisy.double()
    wanted = literal(noisy, t)
    assert wanted.std() > 0.1
    with torch.inference_mode():
        assert (DDPMPipeline.from_pretrained(out).unet.double()(noisy, t).sample - wanted).abs().max() <= 1e-5
        assert (denoisers.load_denoiser(str(out)).double()(noisy, t) - wanted[:, :3]).abs().max() <= 1e-5


def test_the_order_of_heads_matters(tmp_path):
    """A wrong flag is not an error, and must not go unnoticed by the comparison above."""
    literal = Literal(new_order=True)
    _, out = convert(tmp_path, literal.weights)
    noisy, t = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)), torch.tensor([7])
    assert (denoisers.load_denoiser(str(out))(noisy, t) - literal(noisy, t)[:, :3]).abs().max() > 0.01


@pytest.mark.parametrize("steps", [1000, 250])
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_schedules_are_those_of_the_papers(tmp_path, name, steps):
    """Dhariwal and Nichol: linear from 0.0001 to 0.02 over 1000 steps, stretched for fewer; Nichol and
    Dhariwal, equation 17.
    """
    _, out = convert(tmp_path, Literal().weights, "--schedule", name, "--timesteps", str(steps))
    if name == "linear":
        wanted = np.cumprod(1 - np.linspace(0.1 / steps, 20 / steps, steps))
    else:
        f = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
        wanted = np.cumprod(1 - np.minimum(1 - f[1:] / f[:-1], 0.999))
    found = denoisers.load_denoiser(str(out)).scheduler.alphas_cumprod
    assert np.abs(found.numpy() / wanted - 1).max() <= 1e-3
    assert (
        json.loads((out / "scheduler" / "scheduler_config.json").read_text())["variance_type"]
        == "learned_range"
    )


def test_heads_in_place_of_their_channels(tmp_path):
    literal = Literal(head=32)
    code, out = convert(tmp_path, literal.weights, "--heads", "2")
    noisy, t = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1)), torch.tensor([7])
    assert code == 0
    assert (denoisers.load_denoiser(str(out))(noisy, t) - literal(noisy, t)[:, :3]).abs().max() <= 1e-4


def test_a_converted_model_fills(tmp_path):
    code, out = convert(tmp_path, {key: tensor.half() for key, tensor in Literal().weights.items()})
    assert code == 0
    image, mask = (
        np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8),
        np.zeros((SIZE, SIZE), bool),
    )
    mask[4:9, 4:9] = True
    result = registry.create("replacement", device="cpu", model=str(out), steps=3)(
        InpaintRequest(image, mask)
    )
    assert np.array_equal(result.image[~mask], image[~mask])
    assert any("6 channels" in note for note in result.notes)


def without(*keys):
    return {key: tensor for key, tensor in Literal().weights.items() if key not in keys}


@pytest.mark.parametrize(
    ("weights", "sentence"),
    [
        (lambda: Literal().weights | {"label_emb.weight": torch.zeros(1000, 128)}, "one of 1000 classes"),
        (
            lambda: Literal().weights | {"input_blocks.0.0.weight": torch.zeros(32, 6, 3, 3)},
            "takes 6 channels, and pictures have 3",
        ),
        (lambda: Literal().weights | {"out.2.weight": torch.zeros(4, 32, 3, 3)}, "gives 4 channels, not 3"),
        (
            lambda: Literal().weights | {"time_embed.0.weight": torch.zeros(128, 64)},
            "64 channels and its first scale 32",
        ),
        (lambda: Literal().weights | {"out.2.bias": torch.zeros(7)}, r"\(7,\), not \(6,\)"),
        (lambda: Literal().weights | {"out.2.bias": torch.full((6,), math.nan)}, "no number"),
        (lambda: Literal().weights | {"decoder.weight": torch.zeros(1)}, "such as 'decoder.weight'"),
        (lambda: without("middle_block.1.norm.bias"), "lacks 'middle_block.1.norm.bias'"),
        (lambda: without("input_blocks.3.1.qkv.weight"), "'input_blocks.3' holds resnet|hold"),
        (lambda: without("output_blocks.3.0.in_layers.2.weight"), "4 input and 3 output blocks"),
        (lambda: {"conv.weight": torch.zeros(1)}, "has no input_blocks"),
        (lambda: {"epoch": 3, "state_dict": {}}, "is no state dict .*'epoch', 'state_dict'"),
        (lambda: [torch.zeros(1)], "is no state dict .*list"),
        (lambda: {"weight": np.zeros(3)}, "holds more than tensors"),
    ],
)
def test_what_is_no_such_checkpoint(tmp_path, capsys, weights, sentence):
    code, _ = convert(tmp_path, weights())
    said = capsys.readouterr().err
    assert code == 2
    assert re.search(sentence, said), said
    assert said.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkpoint.pt"]


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"PK\x03\x04", b"\x80\x02}q\x00."])
def test_broken_files(tmp_path, capsys, content):
    (tmp_path / "checkpoint.pt").write_bytes(content)
    assert main([str(tmp_path / "checkpoint.pt"), str(tmp_path / "out")]) == 2
    assert "'checkpoint.pt' " in capsys.readouterr().err
    whole = tmp_path / "whole.pt"
    torch.save(Literal().weights, whole)
    (tmp_path / "checkpoint.pt").write_bytes(whole.read_bytes()[:5000])
    assert main([str(tmp_path / "checkpoint.pt"), str(tmp_path / "out")]) == 2
    assert "damaged, cut short" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--head-channels", "48"], "--head-channels 48 does not divide the 64 channels"),
        (["--heads", "3"], "--heads 3 does not divide the 64 channels"),
        (["--image-size", "15"], "15 pixels a side, and its 2 scales need a multiple of 2"),
        (["--image-size", "0"], "no whole number"),
        (["--timesteps", "10"], "goes from beta 0.01 to 2.0"),
        (["--schedule", "cosin"], "did you mean 'cosine'"),
    ],
)
def test_settings_that_do_not_go_with_it(tmp_path, capsys, flags, sentence):
    code, out = convert(tmp_path, Literal().weights, *flags)
    said = capsys.readouterr().err
    assert code == 2
    assert sentence in said
    assert not out.exists()


def test_heads_everywhere_need_one_width(tmp_path, capsys):
    code, _ = convert(tmp_path, Literal(attention=(True, True)).weights, "--heads", "2")
    assert code == 2
    assert "with 2 heads everywhere they have 16 and 32 channels" in capsys.readouterr().err


def test_nothing_is_overwritten(tmp_path, capsys):
    (tmp_path / "converted").mkdir()
    assert convert(tmp_path, Literal().weights)[0] == 0  # an empty one may be used
    assert convert(tmp_path, Literal().weights)[0] == 2
    assert "exists already" in capsys.readouterr().err
    assert main([str(tmp_path / "absent.pt"), str(tmp_path / "out")]) == 2
    assert "no file 'absent.pt'" in capsys.readouterr().err


def test_nothing_of_a_pickle_runs(tmp_path):
    class Mine:
        def __reduce__(self):
            return open, (str(tmp_path / "ran"), "w")

    torch.save({"weight": Mine()}, tmp_path / "checkpoint.pt")
    with pytest.raises(InputError, match="holds more than tensors"):
        denoisers.read_tensors(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "ran").exists()
