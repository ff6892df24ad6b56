"""What a latent method loses before it has drawn anything: `python -m benchmark.studies.autoencoders --data
FOLDER`.

Photographs go through an autoencoder and back. By so much the known pixels change in a pipeline that draws
in its latents, until they are put back. Beside the bundled autoencoder stands a published one for the
latents of FLUX.2, TAEF2 (its two files in a folder given by --taef2), built on diffusers' AutoencoderTiny.
"""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from diffusers import AutoencoderTiny
from torch import Tensor, nn

from benchmark import cells
from benchmark.inputs.datasets import open_dataset, take
from benchmark.metrics import create as create_metric
from benchmark.report.digits import plus_minus
from benchmark.report.markdown import markdown_table
from benchmark.report.stats import interval_of_mean
from inpainters import commandline
from inpainters.errors import InputError
from inpainters.imaging import Image
from inpainters.weights.build import build_network
from inpainters.weights.denoisers import read_tensors
from inpainters.weights.files import verified_all
from inpainters.weights.table import WEIGHTS

_METRICS = ("lpips_squeeze", "psnr", "l1")
_PARTS = ("encoder", "decoder")
RoundTrip = Callable[[Image], Image]
"""(h, w, 3) uint8 to its reconstruction; sides are multiples of 8."""


class Pooled(nn.Module):
    """A residual block that first adds a normalised look at all channels (the `pool` of TAEF2's inner
    blocks).
    """

    def __init__(self, block: nn.Module, width: int) -> None:
        super().__init__()
        self.block = block
        self.pool = nn.Sequential(
            nn.Conv2d(width, 4 * width, 1, bias=False),
            nn.GroupNorm(4, 4 * width),
            nn.ReLU(),
            nn.Conv2d(4 * width, width, 1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.block(x + self.pool(x))
        return found


def taef2(folder: Path) -> AutoencoderTiny:
    """The published autoencoder; raises InputError where its files are not of it."""
    net: Any = AutoencoderTiny(latent_channels=32)
    for part in _PARTS:
        tensors = read_tensors(folder / f"taef2_{part}.pth")
        _adopt(
            getattr(net, part).layers, tensors, shift=-1 if part == "decoder" else 0
        )  # theirs begins by a clamp
    return net.eval()


def _adopt(layers: nn.Sequential, tensors: Mapping[str, Tensor], shift: int) -> None:
    named: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        place, _, rest = key.partition(".")
        index = int(place) + shift
        if rest.startswith("pool.0"):
            layers[index] = Pooled(layers[index], tensor.shape[1])
        named[f"{index}.{rest}"] = tensor
    for index, layer in enumerate(layers):
        if isinstance(layer, Pooled):
            for key in [key for key in named if key.startswith(f"{index}.") and ".pool." not in key]:
                named[f"{index}.block.{key.partition('.')[2]}"] = named.pop(key)
    try:
        layers.load_state_dict(named)
    except RuntimeError as error:
        raise InputError(
            f"These are not the weights of TAEF2 ({str(error).splitlines()[-1].strip()[:120]})."
        ) from None


def round_trip(encode: Callable[[Tensor], Tensor], decode: Callable[[Tensor], Tensor]) -> RoundTrip:
    """A picture through both; they take and give (1, 3, h, w) in [0, 1]."""

    def there_and_back(image: Image) -> Image:
        with torch.inference_mode():
            given = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
            back = decode(encode(given))[0].clamp(0, 1).permute(1, 2, 0)
            return (back * 255).round().to(torch.uint8).numpy()

    return there_and_back


def autoencoders(folder: Path | None) -> dict[str, RoundTrip]:
    """Name -> what makes a reconstruction."""
    row = WEIGHTS["autoencoder"]
    own: Any = build_network(row.network, row.name, verified_all(row.name))
    found = {"bundled, 4 channels, 4 times smaller": round_trip(own.encode, own.decode)}
    if folder is not None:
        net: Any = taef2(folder)
        # diffusers' class scales pictures from [-1, 1]; the layers themselves know [0, 1].
        found["TAEF2, 32 channels, 8 times smaller"] = round_trip(
            net.encoder.layers, lambda latent: net.decoder.layers(3 * torch.tanh(latent / 3))
        )
    return found


def measured_autoencoders(nets: Mapping[str, RoundTrip], images: Mapping[str, Image]) -> pd.DataFrame:
    """Rows: autoencoder, photograph, metric, value."""
    metrics: dict[str, Any] = {name: create_metric(name) for name in _METRICS}
    everywhere = {name: np.ones(image.shape[:2], bool) for name, image in images.items()}
    rows = []
    for label, net in nets.items():
        for name, image in images.items():
            back = net(image)
            for metric, judge in metrics.items():
                value = float(judge.score(image, back, everywhere[name])["whole"])
                rows.append({"autoencoder": label, "photograph": name, "metric": metric, "value": value})
    return pd.DataFrame(rows)


def markdown_of_autoencoders(rows: pd.DataFrame) -> str:
    """The table for people."""
    lines = []
    for label, own in rows.groupby("autoencoder", sort=False):
        cells_of = []
        for metric in _METRICS:
            mine = own[own.metric == metric]
            found = interval_of_mean(mine["value"].to_numpy(float), [*mine["photograph"]])
            cells_of.append(plus_minus(found))
        lines.append([str(label), *cells_of])
    count = rows["photograph"].nunique()
    return (
        "# What autoencoders lose\n\n"
        f"{count} photographs, 256 pixels a side, to latents and back; nothing is missing and "
        f"nothing is drawn. By so "
        "much a pipeline changes known pixels before they are put back.\n\n"
        f"{markdown_table(['Autoencoder', *(f'`{name}`, whole' for name in _METRICS)], lines)}\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and write; returns the exit code."""
    parser = commandline.Parser("python -m benchmark.studies.autoencoders", description=__doc__)
    parser.add_argument("--data", type=commandline.path, required=True, metavar="DIR", help="photographs")
    parser.add_argument(
        "--taef2", type=commandline.path, metavar="DIR", help="folder with taef2_encoder.pth and _decoder"
    )
    parser.add_argument("--n", type=int, default=32, metavar="N", help="how many photographs (default: 32)")
    parser.add_argument("--out", type=commandline.path, default=Path("results/autoencoders"), metavar="DIR")
    commandline.add_weights(parser)
    parser.set_defaults(command=_main)
    return commandline.run_command(parser, argv)


def _main(parsed: argparse.Namespace) -> int:
    dataset = open_dataset("folder", parsed.data)
    ids, _ = take(dataset, parsed.n)
    images = {one.image_id: one.load() for one in dataset.pictures if one.image_id in ids}
    rows = measured_autoencoders(autoencoders(parsed.taef2), images)
    cells.write(
        parsed.out / "autoencoders.csv",
        rows.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode(),
    )
    cells.write(parsed.out / "autoencoders.md", markdown_of_autoencoders(rows).encode())
    print(markdown_of_autoencoders(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
