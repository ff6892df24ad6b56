"""The rows of diffusers pipelines, as plain values: nothing is imported for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inpainters.spec import DETAIL_OPTION, DETAIL_VERSION, Cost, MethodSpec, Option, Strategy

REQUIRES = ("torch", "diffusers", "transformers")
_OPERATIONS_PER_SECOND = 7e10
"""Of the reference machine (`inpainters.spec.Cost`) in large networks."""
OTHER_SCHEDULERS = {
    "own": "",
    "ddim": "DDIMScheduler",
    "euler": "EulerDiscreteScheduler",
    "dpm": "DPMSolverMultistepScheduler",
    "unipc": "UniPCMultistepScheduler",
}
"""Value of the option -> diffusers' class; "own": the one that the model comes with."""
_SCHEDULER = Option(
    "scheduler",
    "own",
    "How it goes from noise to picture; 'own': as the model comes.",
    choices=tuple(OTHER_SCHEDULERS),
)
_STRENGTH = Option(
    "strength",
    1.0,
    "Below 1 it starts from a smooth fill of the hole, with less noise, and takes fewer steps.",
    0.05,
    1,
)
_NEGATIVE = Option("negative_prompt", "", "What is not to be in the hole.")


@dataclass(frozen=True)
class Call:
    """How a pipeline wants to be called."""

    kind: str = ""
    """diffusers' class; empty: the one that AutoPipelineForInpainting finds, or that the index names."""
    side: int = 1024
    """Pixels of the longer side of the pictures that it knows."""
    multiple: int = 16
    """Both sides are padded to a multiple of this."""
    steps: int = 50
    guidance: float = 7.5
    negative: bool = True
    """Whether it takes a negative prompt."""
    guided: bool = True
    """Whether it calls its network twice for each step where guidance is above 1."""
    strength: bool = True
    """Whether it can start from something else than noise."""
    schedulers: bool = False
    """Whether it can go with other schedulers than its own."""
    teraoperations: float = 10.0
    """Floating-point operations of a network call per megapixel, roughly, in 10^12."""

    @property
    def strategy(self) -> Strategy:
        """Windows of the size that it knows."""
        return Strategy(context=0.25, min_context=64, side=self.side, multiple=self.multiple)

    @property
    def cost(self) -> Cost:
        """By its operations, before it ever ran here."""
        return Cost(fixed=2.0, per_call_megapixel=self.teraoperations * 1e12 / _OPERATIONS_PER_SECOND)

    @property
    def options(self) -> tuple[Option, ...]:
        """Its settings."""
        found = [Option("prompt", "", "What is to be in the hole; empty: what the surroundings suggest.")]
        found += [_NEGATIVE] if self.negative else []
        found += [
            Option(
                "guidance", self.guidance, "How closely it follows the prompt; 0 or 1: not at all.", 0, 100
            ),
            Option("steps", self.steps, "From noise to picture; quality against time.", 1, 1000),
        ]
        found += [_STRENGTH] if self.strength else []
        found += [_SCHEDULER] if self.schedulers else []
        return (*found, DETAIL_OPTION)


def pipeline_calls(name: str, options: Mapping[str, Any]) -> int:
    """Network calls per window: of each step one, or two where it is guided by a prompt and its absence."""
    call = PRESET_CALLS.get(name)
    guided = call.guided if call else "negative_prompt" in options
    return steps_taken(options) * (2 if guided and options["guidance"] > 1 else 1)


def steps_taken(options: Mapping[str, Any]) -> int:
    """How many of its steps a run takes, at least one: the others are left out where its strength is below
    1.
    """
    return max(1, round(float(options["steps"] * options.get("strength", 1.0))))


_STABLE = Call(side=512, multiple=8, schedulers=True, teraoperations=3.0)
PRESET_CALLS = {
    "sd15": _STABLE,
    "sd2": _STABLE,
    "sdxl": Call(guidance=8.0, multiple=8, schedulers=True, teraoperations=6.0),
    "kandinsky22": Call(side=768, multiple=64, guidance=4.0, strength=False, teraoperations=4.0),
    "sd3": Call(guidance=7.0, teraoperations=16.0),
    "flux_fill": Call("FluxFillPipeline", guidance=30.0, negative=False, guided=False, teraoperations=95.0),
    "flux2_klein": Call("Flux2KleinInpaintPipeline", guidance=8.0, negative=False, teraoperations=32.0),
    "qwen_image": Call(guidance=4.0, teraoperations=160.0),
    "z_image": Call(steps=8, guidance=0.0, teraoperations=48.0),
}
"""Preset -> how it is called; that of `inpainters.weights.table` names its repository."""


def row(name: str, call: Call, **words: Any) -> MethodSpec:
    """The row of a pipeline; `words`: what people read of it, and its `weights`."""
    return MethodSpec(
        name=name,
        family="latent",
        target="inpainters.methods.others.pipelines:Pipeline",
        cost=call.cost,
        strategy=call.strategy,
        options=call.options,
        requires=REQUIRES,
        stochastic=True,
        calls=f"{__name__}:pipeline_calls",
        **{"version": DETAIL_VERSION, **words},
    )


_WORDS: dict[str, dict[str, Any]] = {
    "sd15": {
        "title": "Stable Diffusion 1.5",
        "suits": ("remove",),
        "summary": "Latent diffusion trained on hundreds of millions of captioned pictures, then on "
        "inpainting: it sees the mask and the known pixels, and takes a prompt. Draws whole objects into "
        "large holes. It may draw one where none was asked for, and faces and writing come out wrong.",
        "paper": "Rombach, Blattmann, Lorenz, Esser and Ommer, High-resolution image synthesis with latent "
        "diffusion models, CVPR",
        "year": 2022,
        "link": "https://doi.org/10.1109/CVPR52688.2022.01042",
        "licence": "CreativeML OpenRAIL-M",
    },
    "sd2": {
        "title": "Stable Diffusion 2",
        "summary": "The second version of the same, with another text encoder and masks drawn as LaMa's "
        "were. Draws whole objects into large holes. Its makers took the original down; a copy is kept by "
        "others.",
        "paper": "Rombach et al., High-resolution image synthesis with latent diffusion models, CVPR",
        "year": 2022,
        "link": "https://doi.org/10.1109/CVPR52688.2022.01042",
        "licence": "Not known",
    },
    "sdxl": {
        "title": "Stable Diffusion XL",
        "suits": ("remove",),
        "summary": "A larger network of the same kind, for pictures of 1024 pixels, with two text "
        "encoders. Finer detail than its predecessors. It needs a graphics card, or much patience.",
        "paper": "Podell et al., SDXL: Improving latent diffusion models for high-resolution "
        "image synthesis, ICLR",
        "year": 2023,
        "link": "https://arxiv.org/abs/2307.01952",
        "licence": "CreativeML OpenRAIL++-M",
    },
    "kandinsky22": {
        "title": "Kandinsky 2.2",
        "summary": "Two diffusion models: one turns the prompt into the embedding of a picture, the other "
        "draws it. Draws whole objects, under a licence without conditions on use. Its fills tend to "
        "strong colours.",
        "paper": "Razzhigaev et al., Kandinsky: an improved text-to-image synthesis with image prior and "
        "latent diffusion, EMNLP",
        "year": 2023,
        "link": "https://arxiv.org/abs/2310.03502",
        "licence": "Apache-2.0",
    },
    "sd3": {
        "title": "Stable Diffusion 3",
        "summary": "A transformer that learned straight paths from noise to picture (rectified flow). It "
        "follows prompts closely. It was not trained to inpaint: known pixels are put back at each step, "
        "and seams may show.",
        "paper": "Esser et al., Scaling rectified flow transformers for high-resolution image "
        "synthesis, ICML",
        "year": 2024,
        "link": "https://arxiv.org/abs/2403.03206",
        "licence": "Stability AI Community",
    },
    "flux_fill": {
        "title": "FLUX.1 Fill",
        "suits": ("remove",),
        "summary": "A transformer of 12 billion parameters that was trained to fill holes from the "
        "surroundings and a prompt. Among the most believable fills there are. Its licence forbids "
        "commercial use, and it needs a large graphics card.",
        "paper": "Black Forest Labs, FLUX.1 Fill [dev]",
        "year": 2024,
        "link": "https://huggingface.co/black-forest-labs/FLUX.1-Fill-dev",
        "licence": "FLUX.1 [dev] Non-Commercial",
    },
    "flux2_klein": {
        "title": "FLUX.2 klein 4B",
        "summary": "A small sibling of FLUX.2, 4 billion parameters, under a free licence. It follows "
        "prompts. It was not trained to inpaint: known pixels are put back at each step.",
        "paper": "Black Forest Labs, FLUX.2 [klein]",
        "year": 2026,
        "link": "https://huggingface.co/black-forest-labs/FLUX.2-klein-base-4B",
        "licence": "Apache-2.0",
    },
    "qwen_image": {
        "title": "Qwen-Image",
        "summary": "A transformer of 20 billion parameters with a language model for its prompts. It can "
        "write legible text into a hole. It was not trained to inpaint, and few machines can hold it.",
        "paper": "Qwen team, Qwen-Image technical report",
        "year": 2025,
        "link": "https://arxiv.org/abs/2508.02324",
        "licence": "Apache-2.0",
    },
    "z_image": {
        "title": "Z-Image Turbo",
        "summary": "A transformer of 6 billion parameters, distilled to 8 steps without guidance. Quick "
        "for its size, under a free licence. It was not trained to inpaint: known pixels are put back at "
        "each step.",
        "paper": "Tongyi-MAI, Z-Image: an efficient image generation foundation model",
        "year": 2025,
        "link": "https://huggingface.co/Tongyi-MAI/Z-Image-Turbo",
        "licence": "Apache-2.0",
    },
}

PIPELINE_ROWS = tuple(row(name, call, weights=(name,), **_WORDS[name]) for name, call in PRESET_CALLS.items())
"""Of the METHODS table."""
