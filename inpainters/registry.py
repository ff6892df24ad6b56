"""The table of all methods. Reading it imports neither torch nor any method, but for the modules that
installed packages name as entry points.
"""

import importlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from inpainters.errors import InputError, UnavailableError, unknown
from inpainters.methods.others import presets
from inpainters.spec import DETAIL_OPTION, Cost, MethodSpec, Option, Strategy
from inpainters.weights.bundled import BUNDLED
from inpainters.weights.table import WEIGHTS

if TYPE_CHECKING:
    from inpainters.base import Inpainter

_DEPTH = 12
"""Pixels; holes are no deeper where bundled networks draw. `benchmark.studies.depth` compares others."""
_TRAINED = Strategy(
    context=1.0, min_context=64, max_pixels=512 * 512, multiple=8, depth=_DEPTH, invents=False
)
"""Of networks trained on small crops: what lies beyond 512×512 would be out of their sight and of the
memory's bounds.
"""
_SOFT, _FOGGY = 1.0, 2.0
"""Pixels of `Strategy.blur`, as `benchmark.studies.detail` measures."""

_DIFFUSION_OPTIONS = (
    Option(
        "preset",
        "preview",
        "On two cores at 128×128, 'preview' answers in seconds and 'balanced' within a minute; 'paper' is "
        "the paper's settings.",
        choices=("preview", "balanced", "paper"),
        preset=True,
    ),
    Option("steps", 0, "Noise levels that are visited; 0: as the preset has it.", 0, 1000),
    Option(
        "model",
        "",
        "Another denoiser: a folder or a Hub name of a diffusers UNet2DModel or DDPMPipeline; empty: the "
        "bundled one.",
        local=True,
    ),
    Option(
        "precision",
        "fp32",
        "'bf16': 16 bits, faster on GPUs and processors made for it.",
        choices=("fp32", "bf16"),
    ),
    Option("compile", False, "Compile the network first; on GPUs alone, and worth it for long runs."),
    DETAIL_OPTION,
)
_JUMPS = (
    Option("jump_length", 0, "Steps that a jump goes back towards noise; 0: as the preset has it.", 0, 500),
    Option(
        "resamplings",
        0,
        "How often each stretch is walked, 1 without jumps; 0: as the preset has it.",
        0,
        100,
    ),
)
_ROUNDS = Option("resamplings", 0, "Rounds at each noise level; 0: as the preset has it.", 0, 100)
_DIFFUSION: dict[str, Any] = {
    "version": "7",
    "licence": "Apache-2.0; weights for research",
    "cost": Cost(fixed=0.02, per_call=0.006, per_call_megapixel=3.0),
    "strategy": Strategy(
        context=1.0,
        min_context=32,
        max_pixels=128 * 128,
        multiple=8,
        depth=_DEPTH,
        blur=_FOGGY,
        invents=False,
    ),
    "requires": ("torch", "safetensors", "diffusers"),
    "weights": ("denoiser",),
    "stochastic": True,
    "explains": True,
    "calls": "inpainters.methods.diffusion.schedules:calls",
    "course": "inpainters.methods.diffusion.schedules:course",
    "alongside": "inpainters.methods.diffusion.schedules:alongside",
    "loads": "inpainters.methods.diffusion.loads:loads",
}
"""What the methods that steer the bundled denoiser have in common."""

_SPECS = (
    MethodSpec(
        name="mean_fill",
        title="Mean fill",
        family="baseline",
        target="inpainters.methods.classical.mean_fill:MeanFill",
        summary="Paints the hole in the mean colour of the known pixels. It takes no time. Any useful "
        "method does better.",
        paper="No paper: the trivial baseline",
        year=0,
        link="",
        licence="Apache-2.0",
        cost=Cost(fixed=0.0005, per_megapixel=0.045),
        needs_known=False,
    ),
    MethodSpec(
        name="telea",
        title="Telea",
        family="smoothing",
        suits=("restore",),
        target="inpainters.methods.classical.opencv:Telea",
        summary="Works from the hole's edge inwards and gives each pixel a weighted mean of its known "
        "neighbours. Fast, and clean on scratches and thin lines. Wide holes turn into smears, as "
        "it draws no texture.",
        paper="Telea, An image inpainting technique based on the fast marching method, Journal of Graphics "
        "Tools 9(1)",
        year=2004,
        link="https://doi.org/10.1080/10867651.2004.10487596",
        licence="Apache-2.0 (OpenCV)",
        cost=Cost(fixed=0.0005, per_megapixel=0.04, per_missing_megapixel=0.6),
        options=(Option("radius", 3.0, "Neighbourhood of each pixel, in pixels.", 1, 50, power=2.0),),
        strategy=Strategy(context=0.0, min_context=32),
    ),
    MethodSpec(
        name="navier_stokes",
        title="Navier–Stokes",
        family="smoothing",
        target="inpainters.methods.classical.opencv:NavierStokes",
        summary="Continues lines of equal brightness into the hole, by equations borrowed from the flow of "
        "fluids. Fast, and continues edges across narrow gaps. Wide holes turn into smears, as it "
        "draws no texture.",
        paper="Bertalmio, Bertozzi and Sapiro, Navier-Stokes, fluid dynamics, and image and video "
        "inpainting, CVPR",
        year=2001,
        link="https://doi.org/10.1109/CVPR.2001.990497",
        licence="Apache-2.0 (OpenCV)",
        cost=Cost(fixed=0.0005, per_megapixel=0.04, per_missing_megapixel=0.6),
        options=(Option("radius", 3.0, "Neighbourhood of each pixel, in pixels.", 1, 50, power=2.0),),
        strategy=Strategy(context=0.0, min_context=32),
    ),
    MethodSpec(
        name="biharmonic",
        title="Biharmonic",
        family="smoothing",
        suits=("restore",),
        target="inpainters.methods.classical.biharmonic:Biharmonic",
        summary="Fills the hole with a smooth surface that fits its edge, shaped like a bent thin plate "
        "(the biharmonic equation). Exact on smooth shading, and continues slopes as well as "
        "colours. It draws no texture, and its colours bulge in wide holes.",
        paper="Damelin and Hoang, On surface completion and image inpainting by biharmonic functions, IJMMS",
        year=2018,
        link="https://doi.org/10.1155/2018/3950312",
        licence="BSD-3-Clause (scikit-image)",
        cost=Cost(fixed=0.005, per_megapixel=0.1, per_missing_megapixel=7.0),
        strategy=Strategy(context=0.0, min_context=32, max_missing=131_072),
        requires=("skimage",),
    ),
    MethodSpec(
        name="shift_map",
        title="Shift map",
        version="2",
        family="patch",
        target="inpainters.methods.classical.xphoto:ShiftMap",
        summary="Finds by how much the picture must be shifted to resemble itself, and joins shifted "
        "copies where the joins show least (graph cuts). Continues repeated patterns, and blurs "
        "nothing as it copies real pixels. Where nothing repeats, seams and misplaced objects "
        "show.",
        paper="He and Sun, Statistics of patch offsets for image completion, ECCV",
        year=2012,
        link="https://doi.org/10.1007/978-3-642-33709-3_2",
        licence="Apache-2.0 (OpenCV contrib)",
        cost=Cost(fixed=0.02, per_megapixel=3.0, per_missing_megapixel=130.0),
        # xphoto itself shrinks pictures beyond 800×600, and its enlargement is faulty: a shorter side of 600
        # avoids it.
        strategy=Strategy(context=1.0, min_context=64, max_pixels=360_000, max_missing=40_960),
    ),
    MethodSpec(
        name="fsr",
        title="FSR",
        family="smoothing",
        suits=("restore",),
        target="inpainters.methods.classical.xphoto:Fsr",
        summary="Frequency selective reconstruction: describes the known pixels of each block as a sum of "
        "a few waves, and continues these waves into the hole. The closest of the classical "
        "methods pixel by pixel, above all on thin or regularly repeated gaps. Slow, and wide "
        "holes fill with ripples.",
        paper="Seiler, Jonscher, Schöberl and Kaup, Resampling images to a regular grid using frequency "
        "selective reconstruction, IEEE TIP 24(11); in blocks as by Genser et al., PCS 2018",
        year=2015,
        link="https://doi.org/10.1109/TIP.2015.2463084",
        licence="Apache-2.0 (OpenCV contrib)",
        cost=Cost(fixed=0.005, per_megapixel=3.0, per_missing_megapixel=95.0),
        strategy=Strategy(context=0.5, min_context=32, max_missing=131_072),
        options=(
            Option(
                "quality",
                "fast",
                "'best' searches longer, at 30 times the cost: rim of the hole only.",
                choices=("fast", "best"),
            ),
        ),
    ),
    MethodSpec(
        name="patchmatch",
        title="PatchMatch",
        family="patch",
        suits=("remove",),
        target="inpainters.methods.classical.patchmatch:PatchMatch",
        summary="Fills the hole with small patches copied from the known part, found by a random search, "
        "first on a small copy of the picture and then on larger ones. Continues texture and "
        "simple structure sharply, without training. It knows no objects: it repeats what it sees, "
        "sometimes in the wrong place.",
        paper="Newson et al., Video inpainting of complex scenes, SIAM Journal on Imaging Sciences 7(4); "
        "search of Barnes et al. 2009",
        year=2014,
        link="https://doi.org/10.1137/140954933",
        licence="Apache-2.0",
        cost=Cost(fixed=0.05, per_megapixel=1.2, per_missing_megapixel=10.5),
        version="3",
        options=(
            Option("patch", 7, "Side of the patches, in pixels.", 3, 11),
            Option("iterations", 3, "Rounds of search and vote at the finest scale.", 1, 20, power=1.0),
        ),
        strategy=Strategy(context=1.0, min_context=64, max_pixels=8_000_000),
        stochastic=True,
    ),
    MethodSpec(
        name="context_encoder",
        title="Context encoder",
        version="5",
        family="convolutional",
        target="inpainters.methods.learned.context_encoder:ContextEncoder",
        summary="The first network that learned to fill holes: it sees 128×128 pixels and draws the 64×64 "
        "in their middle. Made for square holes, which it fills plausibly. Of other holes it sees "
        "the square around them, and what it draws is soft.",
        lesson="What surrounds the hole is squeezed into one small code, and the centre is unfolded from it; "
        "the bundled network also hands on what lies at the hole's edge. Layout and colour survive "
        "the squeeze, fine texture does not: the fill is soft.",
        paper="Pathak, Krähenbühl, Donahue, Darrell and Efros, Context encoders: feature learning by "
        "inpainting, CVPR",
        year=2016,
        link="https://doi.org/10.1109/CVPR.2016.278",
        licence="Apache-2.0; weights for research",
        # A square with twice the side of the hole, which may be long and thin; 128 px at least.
        strategy=Strategy(context=1.0, min_context=64, apart=True, depth=_DEPTH, blur=_FOGGY, invents=False),
        cost=Cost(fixed=0.01, per_part=0.01, per_megapixel=0.1),
        options=(DETAIL_OPTION,),
        requires=("torch", "safetensors"),
        weights=("context_encoder",),
        trained_with=("squeezenet",),
        explains=True,
    ),
    MethodSpec(
        name="contextual_attention",
        title="Contextual attention",
        version="7",
        family="convolutional",
        suits=("remove",),
        target="inpainters.methods.learned.contextual_attention:ContextualAttention",
        summary="One network makes a coarse guess, and a second one refines it with features copied from "
        "known places that look alike. Takes texture from any distance, and shows where it took it "
        "from. Copies the wrong thing where the coarse guess is wrong.",
        lesson="For every place in the hole the network looks for known patches that resemble it, and copies "
        "them in proportion. Click a point in the hole and see where it copied from: good sources "
        "lie on the same surface.",
        paper="Yu, Lin, Yang, Shen, Lu and Huang, Generative image inpainting with contextual attention, "
        "CVPR",
        year=2018,
        link="https://doi.org/10.1109/CVPR.2018.00577",
        licence="Apache-2.0; weights for research",
        # Every missing position looks at every known one.
        strategy=replace(_TRAINED, max_pixels=384 * 384, blur=_SOFT),
        cost=Cost(fixed=0.02, per_megapixel=1.8, per_missing_megapixel=13.0),
        requires=("torch", "safetensors"),
        options=(DETAIL_OPTION,),
        weights=("contextual_attention",),
        trained_with=("squeezenet",),
        explains=True,
    ),
    MethodSpec(
        name="partial_conv",
        title="Partial convolution",
        version="7",
        family="convolutional",
        target="inpainters.methods.learned.partial_conv:PartialConv",
        summary="A network whose convolutions use known pixels only, so that the hole closes from its "
        "edge, layer by layer. Takes holes of any shape without the colour fringes of earlier "
        "networks. Wide holes come out soft, as guessed pixels soon count as much as known ones.",
        lesson="Each layer looks at valid pixels only, and calls a position valid once it has seen one. "
        "Watch the hole close from the rim inwards: the layer at which its middle turns white is the "
        "first that knows anything there.",
        paper="Liu, Reda, Shih, Wang, Tao and Catanzaro, Image inpainting for irregular holes using partial "
        "convolutions, ECCV",
        year=2018,
        link="https://doi.org/10.1007/978-3-030-01252-6_6",
        strategy=replace(_TRAINED, blur=_SOFT),
        cost=Cost(fixed=0.01, per_megapixel=0.65),
        explains=True,
        licence="Apache-2.0; weights for research",
        requires=("torch", "safetensors"),
        trained_with=("squeezenet",),
        options=(DETAIL_OPTION,),
        weights=("partial_conv",),
    ),
    MethodSpec(
        name="gated_conv",
        title="Gated convolution",
        version="6",
        family="convolutional",
        suits=("remove", "restore"),
        target="inpainters.methods.learned.gated_conv:GatedConv",
        summary="Learns for each feature where to use it and where not (a gate), in two networks, a coarse "
        "and a fine one. Good on holes of any shape, and follows a sketch of edges. Large holes "
        "lack detail, as it was trained on small crops.",
        lesson="Each layer learns how much of every feature to let through: white passes, black is held "
        "back. Early gates trace the hole; later ones pass edges here and texture there, and no rule "
        "told them to.",
        paper="Yu, Lin, Yang, Shen, Lu and Huang, Free-form image inpainting with gated convolution, ICCV",
        year=2019,
        link="https://doi.org/10.1109/ICCV.2019.00457",
        strategy=_TRAINED,
        cost=Cost(fixed=0.02, per_megapixel=2.1),
        explains=True,
        takes_guide=True,
        licence="Apache-2.0; weights for research",
        requires=("torch", "safetensors"),
        trained_with=("squeezenet",),
        options=(DETAIL_OPTION,),
        weights=("gated_conv",),
    ),
    MethodSpec(
        name="pen_net",
        title="PEN-Net",
        version="7",
        family="convolutional",
        suits=("remove",),
        target="inpainters.methods.learned.pen_net:PenNet",
        summary="Finds on a small version of the picture which places resemble the hole, and copies from "
        "them at every larger size. Structure and texture agree, as one steers the other. The "
        "search costs time, and wide holes still come out soft.",
        lesson="Attention on a small map, where one position knows most, says what to copy on the map twice "
        "as large; what comes out is asked for the next one. So the layout is settled first, and "
        "detail follows it.",
        paper="Zeng, Fu, Chao and Guo, Learning pyramid-context encoder network for high-quality image "
        "inpainting, CVPR",
        year=2019,
        link="https://doi.org/10.1109/CVPR.2019.00158",
        licence="Apache-2.0; weights for research",
        strategy=replace(_TRAINED, blur=_SOFT),
        cost=Cost(fixed=0.02, per_megapixel=1.1, per_missing_megapixel=0.5),
        requires=("torch", "safetensors"),
        options=(DETAIL_OPTION,),
        weights=("pen_net",),
        trained_with=("squeezenet",),
        explains=True,
    ),
    MethodSpec(
        name="latent_diffusion",
        title="Latent diffusion",
        version="7",
        family="latent",
        target="inpainters.methods.diffusion.latent_diffusion:LatentDiffusion",
        summary="Draws the fill out of noise, in a compressed form of the picture (the latent of an "
        "autoencoder), with a network that was trained to inpaint. Answers after five small "
        "network calls, with another fill for each seed. Detail that the autoencoder loses is "
        "missing in the fill as well.",
        lesson="It walks through an autoencoder's small latent, which makes a network call cheap; what you "
        "see here is decoded. Trained to inpaint, it sees the surroundings at every step and needs no "
        "jumps: the layout stands in the first estimates.",
        paper="Rombach, Blattmann, Lorenz, Esser and Ommer, High-resolution image synthesis with latent "
        "diffusion models, CVPR",
        year=2022,
        link="https://doi.org/10.1109/CVPR52688.2022.01042",
        licence="Apache-2.0; weights for research",
        strategy=replace(_DIFFUSION["strategy"], min_context=64, multiple=16),
        cost=Cost(fixed=0.05, per_megapixel=0.6, per_call=0.004, per_call_megapixel=0.15),
        options=tuple(option for option in _DIFFUSION_OPTIONS if option.name != "model"),
        requires=("torch", "safetensors", "diffusers"),
        weights=("latent_diffusion", "autoencoder"),
        trained_with=("squeezenet",),
        stochastic=True,
        explains=True,
        calls="inpainters.methods.diffusion.schedules:calls",
        course="inpainters.methods.diffusion.schedules:course",
    ),
    MethodSpec(
        name="lama",
        title="LaMa",
        family="convolutional",
        suits=("remove", "restore"),
        target="inpainters.methods.learned.lama:Lama",
        summary="A network part of whose layers sees the whole picture at once, by its frequencies (Fourier "
        "convolutions). Repeated structure is continued across wide holes from its first layers on. This one "
        "is small: what is no pattern comes out soft.",
        lesson="Each block has features that see their neighbours, and features that see the whole picture. "
        "Watch the second kind reach across the hole at once, where the first kind closes it from the rim.",
        paper="Suvorov et al., Resolution-robust large mask inpainting with Fourier convolutions, WACV",
        year=2022,
        link="https://doi.org/10.1109/WACV51458.2022.00323",
        strategy=_TRAINED,
        cost=Cost(fixed=0.01, per_megapixel=1.2),
        explains=True,
        licence="Apache-2.0; weights for research",
        requires=("torch", "safetensors"),
        trained_with=("squeezenet",),
        options=(DETAIL_OPTION,),
        weights=("lama",),
        version="5",
    ),
    MethodSpec(
        name="big_lama",
        title="Big LaMa",
        family="convolutional",
        suits=("remove", "restore"),
        target="inpainters.methods.others.exported:TorchScript",
        summary="A network whose layers see the whole picture at once, by its frequencies (Fourier "
        "convolutions). Continues repeated structure across wide holes: many programs take objects out with "
        "it. What is no pattern comes out soft in very large holes.",
        paper="Suvorov et al., Resolution-robust large mask inpainting with Fourier convolutions, WACV",
        year=2022,
        link="https://doi.org/10.1109/WACV51458.2022.00323",
        licence="Apache-2.0",
        version="3",
        cost=Cost(fixed=0.3, per_megapixel=14.0),
        strategy=Strategy(context=1.0, min_context=64, max_pixels=1024 * 1024, multiple=8),
        options=(DETAIL_OPTION,),
        requires=("torch",),
        weights=("big_lama",),
    ),
    MethodSpec(
        name="mi_gan",
        title="MI-GAN",
        family="convolutional",
        suits=("remove",),
        target="inpainters.methods.others.exported:Onnx",
        summary="A small network for telephones that learned from a large one. Quick, and sharp in holes of "
        "ordinary size. It knows pictures of 512 pixels: its own pipeline shrinks larger windows.",
        paper="Sargsyan, Navasardyan, Xu and Shi, MI-GAN: a simple baseline for image inpainting on mobile "
        "devices, ICCV",
        year=2023,
        link="https://doi.org/10.1109/ICCV51070.2023.00674",
        licence="MIT",
        version="3",
        cost=Cost(fixed=0.5, per_megapixel=1.0),
        strategy=Strategy(context=1.0, min_context=64, max_pixels=512 * 512),
        options=(DETAIL_OPTION,),
        requires=("onnxruntime",),
        weights=("mi_gan",),
    ),
    MethodSpec(
        name="mat",
        title="MAT",
        family="convolutional",
        target="inpainters.methods.others.exported:TorchScript",
        summary="A transformer whose attention looks at valid places only, and whose style differs from "
        "seed to seed. Made for large holes: among the best there without a prompt. For research alone, "
        "and whoever may use it has to export it.",
        paper="Li, Lin, Zhou, Qi, Wang and Jia, MAT: mask-aware transformer for large hole "
        "image inpainting, CVPR",
        year=2022,
        link="https://doi.org/10.1109/CVPR52688.2022.01049",
        licence="CC BY-NC 4.0",
        version="3",
        cost=Cost(fixed=1.0, per_megapixel=30.0),
        strategy=Strategy(context=0.25, min_context=64, side=512, multiple=512),
        options=(DETAIL_OPTION,),
        stochastic=True,
        requires=("torch",),
        weights=("mat",),
    ),
    MethodSpec(
        name="deep_image_prior",
        title="Deep image prior",
        family="own_prior",
        target="inpainters.methods.learned.deep_image_prior:DeepImagePrior",
        summary="A new network is trained on the known pixels of this one picture, and what it then draws "
        "in the hole is the fill. Needs no training pictures and joins smoothly. It takes half a "
        "minute, knows no objects, and stops before fine texture appears.",
        lesson="An untrained network learns this one picture's known pixels. Shapes come before grain, so "
        "for a while the hole holds structure and no noise: that is the moment to stop.",
        paper="Ulyanov, Vedaldi and Lempitsky, Deep image prior, CVPR",
        year=2018,
        link="https://doi.org/10.1109/CVPR.2018.00984",
        licence="Apache-2.0",
        cost=Cost(fixed=2.0, per_megapixel=360.0),
        strategy=Strategy(context=0.5, min_context=32, max_pixels=256 * 256, multiple=8),
        options=(
            Option(
                "iterations",
                300,
                "Most steps of the fit; it ends early when held-out pixels get worse. The paper: thousands.",
                1,
                10_000,
                power=1.0,
            ),
            Option("width", 64, "Channels of the deeper scales; the paper has 128 at every scale.", 16, 256),
        ),
        requires=("torch", "safetensors"),
        stochastic=True,
        explains=True,
    ),
    MethodSpec(
        name="replacement",
        title="Replacement",
        family="diffusion",
        target="inpainters.methods.diffusion.replacement:Replacement",
        summary="A diffusion model draws a whole picture out of noise; after each step the known pixels, "
        "with as much noise, are put in place of its own. The simplest way to inpaint with a model "
        "that was not trained to. With one step at each noise level the fill matches the colours "
        "around it, but often not the objects; a second step there, the corrector, mends much of that.",
        lesson="Noise becomes a picture in small steps, and after each one the known pixels, made just as "
        "noisy, take the place of its own. The network learns of them only one step later: in one walk "
        "('resamplings' 1) colours agree across the rim, and things often do not. Where the schedule is "
        "flat the corrector draws the noise anew, which mends much of it.",
        paper="Song, Sohl-Dickstein, Kingma, Kumar, Ermon and Poole, Score-based generative modeling "
        "through stochastic differential equations, ICLR",
        year=2021,
        link="https://arxiv.org/abs/2011.13456",
        options=(*_DIFFUSION_OPTIONS, _ROUNDS),
        **{**_DIFFUSION, "version": "8"},
    ),
    MethodSpec(
        name="repaint",
        title="RePaint",
        family="diffusion",
        target="inpainters.methods.diffusion.repaint:RePaint",
        summary="As replacement, but it adds noise again and repeats its steps several times, so that fill "
        "and surroundings come to agree. Draws several plausible answers to large holes, with any "
        "diffusion model. Slow: thousands of network calls at the paper's settings.",
        lesson="After each stretch it adds noise again and walks the stretch anew: these jumps back are the "
        "teeth of the schedule. Compare the clean estimates: what breaks off at the rim for "
        "replacement in one walk, from the same noise, gets time to agree here.",
        paper="Lugmayr, Danelljan, Romero, Yu, Timofte and Van Gool, RePaint: inpainting using denoising "
        "diffusion probabilistic models, CVPR",
        year=2022,
        link="https://doi.org/10.1109/CVPR52688.2022.01117",
        options=(*_DIFFUSION_OPTIONS, *_JUMPS),
        beside="replacement",
        **{**_DIFFUSION, "version": "8"},
    ),
    MethodSpec(
        name="ddnm",
        title="DDNM",
        family="diffusion",
        target="inpainters.methods.diffusion.ddnm:Ddnm",
        summary="As replacement, but the known pixels are put into the model's estimate of the finished "
        "picture, not into the noisy one. Agrees with the surroundings after some fifty network "
        "calls, where RePaint's paper takes thousands. Large holes need more calls: steps that are repeated, "
        "as in its 'balanced' preset.",
        lesson="The known pixels enter the clean estimate before each step, not the noisy state after it, so "
        "that every step sets out from a picture that is right around the hole. Replacement in one walk, "
        "from the same noise, shows how the rim looks without that.",
        paper="Wang, Yu and Zhang, Zero-shot image restoration using denoising diffusion null-space model, "
        "ICLR",
        year=2023,
        link="https://arxiv.org/abs/2212.00490",
        options=(*_DIFFUSION_OPTIONS, *_JUMPS),
        beside="replacement",
        **_DIFFUSION,
    ),
    MethodSpec(
        name="dpm_solver",
        title="DPM-Solver++",
        family="diffusion",
        target="inpainters.methods.diffusion.dpm_solver:DpmSolver",
        summary="Goes from noise to picture in few large steps, with a few rounds at each until fill and "
        "surroundings agree. Some fifty network calls in place of the thousands of RePaint's paper. With too "
        "few rounds the fill does not match the picture.",
        lesson="The schedule is a staircase: a few rounds at each noise level, in which the fill comes to "
        "agree with its surroundings, then one large step down. Replacement in one walk, with as many "
        "levels, and the paper's preset, which has no rounds, show what they are for.",
        paper="Lu, Zhou, Bao, Chen, Li and Zhu, DPM-Solver++: fast solver for guided sampling of diffusion "
        "probabilistic models; known pixels as in Wang et al. 2023",
        year=2022,
        link="https://arxiv.org/abs/2211.01095",
        options=(*_DIFFUSION_OPTIONS, _ROUNDS),
        beside="replacement",
        **{**_DIFFUSION, "version": "8"},
    ),
    MethodSpec(
        name="palette",
        title="Palette",
        family="diffusion",
        suits=("remove",),
        target="inpainters.methods.diffusion.palette:Palette",
        summary="A diffusion model that was trained to inpaint: it sees the known pixels clean and the mask, "
        "and draws the hole alone out of noise. Fifteen network calls and no jumps, with another fill "
        "for each seed. Needs a training of its own, where the other samplers take any diffusion model.",
        lesson="Trained to inpaint, it sees clean surroundings at every step: the layout stands in the first "
        "estimates, and no jumps are needed. Only the hole is ever noisy.",
        paper="Saharia, Chan, Chang, Lee, Ho, Salimans, Fleet and Norouzi, Palette: Image-to-image diffusion "
        "models, SIGGRAPH",
        year=2022,
        link="https://doi.org/10.1145/3528233.3530757",
        options=tuple(option for option in _DIFFUSION_OPTIONS if option.name != "model"),
        **{
            **_DIFFUSION,
            "version": "3",
            "weights": ("palette",),
            # The others draw a window from coarse to fine, it draws each call at the window's size.
            "cost": replace(_DIFFUSION["cost"], per_call_megapixel=7.5),
            # Faces keep their features so; photographs are as good with a hole of 12 pixels.
            "strategy": replace(_DIFFUSION["strategy"], depth=16, blur=_SOFT),
            "alongside": "",
            "loads": "",
        },
    ),
    *presets.PIPELINE_ROWS,
)

SPECS: dict[str, MethodSpec] = {spec.name: spec for spec in _SPECS}
"""All rows, with those whose weights are still in training."""
METHODS: dict[str, MethodSpec] = {
    name: spec
    for name, spec in SPECS.items()
    if all(weight in BUNDLED for weight in spec.weights if WEIGHTS[weight].bundled)
}
"""The methods; one that this project trains joins when its weights are bundled."""


ELSEWHERE = {
    "torchscript": "exported:file_row",
    "onnx": "exported:file_row",
    "diffusers": "pipelines:pipeline_row",
    "outputs": "outputs:folder_row",
}
"""What stands before the name of a file, a folder or a repository -> `module:function` within
`methods.others` of `function(kind, what stands behind it, name)`, its row.
"""
_added: dict[str, str] = {}  # name of a row from elsewhere -> its reference
BROKEN: dict[str, str] = {}
"""Methods of installed packages that cannot be had -> why, in one sentence."""


def add(reference: str, name: str = "") -> str:
    """Let a method from elsewhere join the table; returns its name there.

    `reference`: `package.module:name` of a class or a function, whose module is imported: its code runs;
    `torchscript:FILE`, `onnx:FILE` of a network with a TOML beside it; `diffusers:OWNER/NAME` of the Hub,
    fetched before, or `diffusers:FOLDER`; `outputs:FOLDER` of fills. Only for what whoever runs the program
    has named. Raises InputError with one sentence where it is no method, or its name is another's.
    """
    from inpainters.methods.others import own

    kind, _, rest = reference.partition(":")
    if there := ELSEWHERE.get(kind):
        module, _, function = there.partition(":")
        opener = getattr(importlib.import_module(f"inpainters.methods.others.{module}"), function)
        spec: MethodSpec = opener(kind, rest, name)
    else:
        spec = own.spec_of(own.loaded(reference), reference, name)
    if spec.name in METHODS and _added.get(spec.name) != reference:
        raise InputError(f"There is a method '{spec.name}' already: name '{reference}' otherwise.")
    METHODS[spec.name], _added[spec.name] = spec, reference
    return spec.name


def reference_of(name: str) -> str:
    """By what a row from elsewhere was added, for another process to add it too; empty for the others."""
    return _added.get(name, "")


def _add_installed() -> None:
    """Installed packages' methods: entry points of the group `inpainters.methods`. One that fails is said in
    `BROKEN`, and the others are there.
    """
    for point in entry_points(group="inpainters.methods"):
        try:
            add(point.value, point.name)
        except Exception as error:  # somebody else's package must not take ours along
            BROKEN[point.name] = str(error) or type(error).__name__


def get(name: str) -> MethodSpec:
    """The row of `name`; raises InputError with a suggestion where there is none."""
    if name not in METHODS:
        raise unknown("method", name, METHODS)
    return METHODS[name]


def unavailable(name: str, options: Mapping[str, object] | None = None) -> str | None:
    """Why the method cannot run here and what mends it, in one sentence; None where it can run.

    Raises InputError for options that the method does not have or cannot take.
    """
    from inpainters.weights.files import missing_weights, remedy

    spec = get(name)
    absent = [package for package in spec.requires if find_spec(package) is None]
    if absent:
        return f"'{name}' needs the package '{absent[0]}': run `pip install {' '.join(absent)}`."
    lacking = [weight for weight in spec.loaded(options).weights if missing_weights(weight)]
    if lacking:
        return f"'{name}' needs weights '{lacking[0]}': {remedy(lacking[0])}."
    return None


def create(name: str, *, device: str = "auto", **options: object) -> "Inpainter":
    """Return the method `name`, not loaded yet. `device`: auto, cpu, cuda or cuda:N.

    Raises InputError for an unknown name, a bad option or a device that is not here, UnavailableError with
    what mends it.
    """
    spec = get(name)
    if reason := unavailable(name, options):
        raise UnavailableError(reason)
    method = class_of(spec)(spec, device=_device(spec, device), **options)
    if spec.beside:
        method.make_beside = partial(_beside, spec, method.device)
    return method


def class_of(spec: MethodSpec) -> "type[Inpainter]":
    """The class that a row names; its module is imported here."""
    module, _, attribute = spec.target.partition(":")
    if module.startswith(f"{__package__}."):
        kind: type[Inpainter] = getattr(importlib.import_module(module), attribute)
        return kind
    from inpainters.methods.others import own

    made: Any = own.loaded(spec.target)
    return made if isinstance(made, type) else own.class_of_function(made, spec.target)


def _beside(spec: MethodSpec, device: str, options: Mapping[str, object]) -> "Inpainter":
    return create(spec.beside, device=device, **spec.shared(get(spec.beside), options))


def check_device(device: str) -> None:
    """Raise InputError unless `device` is auto, cpu, or a cuda or cuda:N that this machine has."""
    if device in ("auto", "cpu"):
        return
    name, _, index = device.partition(":")
    if name != "cuda" or not (index.isdecimal() or device == "cuda"):
        raise InputError(f"unknown device '{device[:40]}'; choose from: auto, cpu, cuda, cuda:N.")
    if int(index or 0) >= _gpus():
        raise InputError(f"There is no '{device}' that PyTorch can use here; choose auto or cpu.")


def chosen_device(device: str) -> str:
    """What auto comes to on this machine: cuda or cpu; any other as it is. Raises InputError as
    `check_device` does.
    """
    check_device(device)
    return device if device != "auto" else "cuda" if _gpus() else "cpu"


def _gpus() -> int:
    if find_spec("torch") is None:
        return 0
    import torch

    return torch.cuda.device_count()


def _device(spec: MethodSpec, device: str) -> str:
    chosen = chosen_device(device)
    return chosen if {"torch", "onnxruntime"} & {*spec.requires} else "cpu"


_add_installed()
