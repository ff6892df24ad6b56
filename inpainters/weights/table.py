"""The table of weights files: what they are, where they come from, under which licence."""

import re
from dataclasses import dataclass
from itertools import starmap

from inpainters.errors import InputError
from inpainters.weights.bundled import BUNDLED


@dataclass(frozen=True)
class WeightsFile:
    """A file, or shards that belong together,
    found by name in any of the weights folders and believed by its sha256.
    """

    name: str
    files: dict[str, str]
    """File name -> its sha256, or the first 8 characters of it where no more is published, or `md5:` and
    its md5 where only that is, or nothing where no digest is published: `weights.lock` keeps the one that
    was accepted then. Any one of the files serves, unless they belong `together`.
    """
    url: str
    """Where `fetch` gets the first of `files`; 'module:attribute' names a URL that a library carries."""
    licence: str
    trained_on: str
    learned_from: tuple[str, ...] = ()
    """Test sets of the benchmark, by name, whose training part it learned from."""
    bundled: bool = False
    """True where this project trained it: it lies in `checkpoints`; `files` is empty while there is none."""
    together: bool = False
    """True where the files are shards, all of which are needed."""
    size: int = 0
    """Bytes of the first of `files`; 0 where nobody prints it."""
    commercial: bool | None = None
    """Whether the licence lets one earn with it; None where that is not known."""
    repository: str = ""
    """Of a diffusers pipeline: the Hub repository that it is, at a commit that `weights.lock` keeps;
    `files` is empty then.
    """
    beside: tuple[str, ...] = ()
    """Further repositories that it is put together with."""
    gated: bool = False
    """True where the Hub wants one's name and consent first."""
    network: str = ""
    """`module:class` of the network that shards are of; they may name another class of the same module."""


COMMERCIAL = {True: "allowed", False: "not allowed", None: "see the licence"}
"""Whether one may earn with weights, in words."""

# PyTorch publishes the first 8 characters of each sha256, as part of the file's name, and torch-fidelity does
# the same.
_FILES = (
    WeightsFile(
        name="lpips_squeeze",
        files={
            "squeezenet1_1-b8a52dc0.pth": "b8a52dc0",
            "squeezenet1_1_features.pth": "435cedb387e95bc8291893f61a3a64f0345b8c23a05139aceef43947efb3d52d",
        },
        url="torchvision.models:SqueezeNet1_1_Weights.IMAGENET1K_V1.url",
        licence="BSD-3-Clause",
        trained_on="ImageNet-1k",
    ),
    WeightsFile(
        name="lpips_alex",
        files={"alexnet-owt-7be5be79.pth": "7be5be79"},
        url="torchvision.models:AlexNet_Weights.IMAGENET1K_V1.url",
        licence="BSD-3-Clause",
        trained_on="ImageNet-1k",
    ),
    WeightsFile(
        name="lpips_vgg",
        files={"vgg16-397923af.pth": "397923af"},
        url="torchvision.models:VGG16_Weights.IMAGENET1K_V1.url",
        licence="BSD-3-Clause",
        trained_on="ImageNet-1k",
    ),
    WeightsFile(
        name="inception",
        files={
            "weights-inception-2015-12-05-6726825d.pth": "6726825d",
            "pt_inception-2015-12-05-6726825d.pth": "6726825d",
        },
        url="torch_fidelity.feature_extractor_inceptionv3:URL_INCEPTION_V3",
        licence="Apache-2.0",
        trained_on="ImageNet-1k",
    ),
    # IOPaint prints the md5 that it checks; a mirror of the authors' pipeline prints its sha256.
    WeightsFile(
        name="big_lama",
        files={"big-lama.pt": "md5:e3aa4aaa15225a33ec84f9f4bc47e500"},
        url="https://github.com/Sanster/models/releases/download/add_big_lama/big-lama.pt",
        licence="Apache-2.0",
        trained_on="Places2",
        learned_from=("places2",),
        size=205_669_692,
        commercial=True,
    ),
    WeightsFile(
        name="mi_gan",
        files={"migan_pipeline_v2.onnx": "6f1f3530a1a2324b19752018ce756088b07973cda8d7d890034ace5c8a48c40b"},
        url="https://huggingface.co/andraniksargsyan/migan/resolve/main/migan_pipeline_v2.onnx",
        licence="MIT",
        trained_on="Places2",
        learned_from=("places2",),
        size=28_079_181,
        commercial=True,
    ),
    # Its authors publish a pickle of their own classes: whoever may use it exports it.
    WeightsFile(
        name="mat",
        files={"mat.pt": ""},
        url="",
        licence="CC BY-NC 4.0",
        trained_on="Places2",
        learned_from=("places2",),
        commercial=False,
    ),
)


def _pipeline(
    name: str,
    repository: str,
    licence: str,
    *,
    trained_on: str = "",
    commercial: bool | None = None,
    gated: bool = False,
    beside: tuple[str, ...] = (),
) -> WeightsFile:
    return WeightsFile(
        name=name,
        files={},
        url=f"https://huggingface.co/{repository}",
        licence=licence,
        trained_on=trained_on,
        commercial=commercial,
        repository=repository,
        beside=beside,
        gated=gated,
    )


_PIPELINES = (
    _pipeline(
        "sd15",
        "stable-diffusion-v1-5/stable-diffusion-inpainting",
        "CreativeML OpenRAIL-M",
        trained_on="LAION",
        commercial=True,
    ),
    _pipeline("sd2", "sd2-community/stable-diffusion-2-inpainting", "", trained_on="LAION"),
    _pipeline(
        "sdxl", "diffusers/stable-diffusion-xl-1.0-inpainting-0.1", "CreativeML OpenRAIL++-M", commercial=True
    ),
    _pipeline(
        "kandinsky22",
        "kandinsky-community/kandinsky-2-2-decoder-inpaint",
        "Apache-2.0",
        commercial=True,
        beside=("kandinsky-community/kandinsky-2-2-prior",),
    ),
    _pipeline("sd3", "stabilityai/stable-diffusion-3-medium-diffusers", "Stability AI Community", gated=True),
    _pipeline(
        "flux_fill",
        "black-forest-labs/FLUX.1-Fill-dev",
        "FLUX.1 [dev] Non-Commercial",
        commercial=False,
        gated=True,
    ),
    _pipeline("flux2_klein", "black-forest-labs/FLUX.2-klein-base-4B", "Apache-2.0", commercial=True),
    _pipeline("qwen_image", "Qwen/Qwen-Image", "Apache-2.0", commercial=True),
    _pipeline("z_image", "Tongyi-MAI/Z-Image-Turbo", "Apache-2.0", commercial=True),
)

_TRAINED = {
    "autoencoder": "autoencoder:Autoencoder",
    "context_encoder": "context_encoder:ContextEncoderGenerator",
    "contextual_attention": "contextual_attention:ContextualAttentionGenerator",
    "denoiser": "denoiser:Denoiser",
    "gated_conv": "gated:GatedGenerator",
    "lama": "lama:FourierGenerator",
    "latent_diffusion": "denoiser:Denoiser",
    "palette": "denoiser:Denoiser",
    "partial_conv": "partial:PartialUNet",
    "pen_net": "pen_net:PenNetGenerator",
}
"""Weights that this project trains -> their network, `module:class` within `inpainters.networks`."""


def _bundled(name: str, network: str) -> WeightsFile:
    return WeightsFile(
        name=name,
        files=BUNDLED.get(name, {}),
        url="",
        licence="for research, as the training pictures are",
        trained_on="Intel scenes, Imagenette, Labeled Faces in the Wild, Houses",
        learned_from=("imagenet",),
        bundled=True,
        together=True,
        network=f"inpainters.networks.{network}",
    )


WEIGHTS: dict[str, WeightsFile] = {
    row.name: row for row in (*_FILES, *_PIPELINES, *starmap(_bundled, _TRAINED.items()))
}


def add_repository(repository: str) -> str:
    """A row for any other pipeline of the Hub; returns its name, `diffusers:OWNER/NAME`. Raises InputError
    for what is no name of the Hub.
    """
    if not re.fullmatch(r"(?!.*\.\.)[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", repository):
        raise InputError(f"A name of the Hub is written OWNER/NAME, not '{repository[:80]}'.")
    name = f"diffusers:{repository}"
    WEIGHTS.setdefault(name, _pipeline(name, repository, ""))
    return name
