"""The table of mask generators."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from inpainters.imaging import Mask
from inpainters.masks.boxes import box, box_center, centre_half
from inpainters.masks.marks import Canvas, Field, Mark
from inpainters.masks.patterns import expand, grid, half, lines
from inpainters.masks.silhouettes import silhouettes
from inpainters.masks.strokes import Chains, ChainsBySize, brush, brush_strokes, irregular, scratches
from inpainters.masks.words import lines_of_writing, watermark


@dataclass(frozen=True)
class GeneratorSpec:
    """One kind of mask."""

    name: str
    title: str
    source: str
    """The paper it follows."""
    summary: str
    """One sentence."""
    marks: Callable[[Field], Iterator[Mark]] | None = None
    whole: Callable[[Field], Canvas] | None = None
    natural: Callable[[np.random.Generator, int, int], Canvas] | None = None
    """A mask as its paper draws it, whose ratio comes as it comes, of (rng, height, width)."""
    pattern: Callable[[int, int], Mask] | None = None
    ratio: float | None = None
    """Of a fixed pattern, for even sizes."""

    @property
    def fixed(self) -> bool:
        """True where the ratio is the pattern's own and neither seed nor bin change it."""
        return self.pattern is not None


_YU = "Yu et al., Free-form image inpainting with gated convolution, ICCV 2019"
_LIU = "Liu et al., Image inpainting for irregular holes using partial convolutions, ECCV 2018"
_LAMA = "Suvorov et al., Resolution-robust large mask inpainting with Fourier convolutions, WACV 2022"
_REPAINT = "Lugmayr et al., RePaint: inpainting using denoising diffusion probabilistic models, CVPR 2022"
_PATHAK = "Pathak et al., Context encoders: feature learning by inpainting, CVPR 2016"
_IIZUKA = "Iizuka et al., Globally and locally consistent image completion, SIGGRAPH 2017"
_ZENG = (
    "Zeng et al., High-resolution image inpainting with iterative confidence feedback and guided upsampling, "
    "ECCV 2020"
)
_BERTALMIO = "Bertalmio et al., Image inpainting, SIGGRAPH 2000"
_DEKEL = "Dekel et al., On the effectiveness of visible watermarks, CVPR 2017"

# Chains, their lines' lengths and widths; boxes and their sides: configs/data_gen/random_*_{256,512}.yaml of
# the authors' program (github.com/advimman/lama), which draws up to one chain more than its file says.
_THIN = ChainsBySize(
    Chains(range(4, 52), range(10, 50), range(5, 15)),
    Chains(range(4, 72), range(10, 110), range(5, 25), base=512),
)
_MEDIUM = ChainsBySize(
    Chains(range(4, 7), range(10, 110), range(5, 55), range(1, 6), range(10, 51)),
    Chains(range(4, 12), range(10, 210), range(5, 105), range(1, 6), range(30, 151), base=512),
)
_THICK = ChainsBySize(
    Chains(range(1, 7), range(10, 210), range(5, 105), range(1, 4), range(30, 151), 10),
    Chains(range(1, 7), range(10, 460), range(5, 255), range(1, 5), range(30, 301), 10, base=512),
)

_GENERATORS = (
    GeneratorSpec("box_center", "Centre box", _PATHAK,
                  "One box in the middle, of the picture's own shape.", whole=box_center,
                  natural=centre_half),
    GeneratorSpec("box", "Box", _IIZUKA, "One box anywhere, between 1:2 and 2:1.", whole=box),
    GeneratorSpec("brush", "Brush strokes", _YU,
                  "Zigzag strokes of a brush, as people paint over things.", brush,
                  natural=brush_strokes),
    GeneratorSpec("irregular", "Irregular walks", _LIU,
                  "Random walks, each turned and widened by its own amount.", irregular),
    GeneratorSpec("object", "Objects", _ZENG,
                  "One to three silhouettes, as of persons, animals and things that are taken out.",
                  whole=silhouettes),
    GeneratorSpec("thin", "Thin", _LAMA, "Many short thin strokes.",
                  whole=_THIN, natural=_THIN.natural),
    GeneratorSpec("medium", "Medium", _LAMA, "A few strokes of medium width, or small boxes.",
                  whole=_MEDIUM, natural=_MEDIUM.natural),
    GeneratorSpec("thick", "Thick", _LAMA, "A few long wide strokes, or large boxes.",
                  whole=_THICK, natural=_THICK.natural),
    GeneratorSpec("text", "Text", _BERTALMIO, "Lines of writing across the picture.", lines_of_writing),
    GeneratorSpec("watermark", "Watermark", _DEKEL,
                  "One word on a slant, large or again and again, as stock photographs carry it.",
                  whole=watermark),
    GeneratorSpec("scratches", "Scratches", _BERTALMIO,
                  "Long thin scratches, as on an old print.", scratches),
    GeneratorSpec("half", "Half", _REPAINT, "The right half is missing (50 %).", pattern=half, ratio=0.5),
    GeneratorSpec("lines", "Every second line", _REPAINT,
                  "Every second line is missing (50 %).", pattern=lines, ratio=0.5),
    GeneratorSpec("grid", "Every second pixel", _REPAINT,
                  "One pixel in four is known (75 % missing).", pattern=grid, ratio=0.75),
    GeneratorSpec("expand", "Expand", _REPAINT,
                  "Only the middle sixteenth is known (94 % missing).", pattern=expand, ratio=0.9375),
)  # fmt: skip

GENERATORS: dict[str, GeneratorSpec] = {spec.name: spec for spec in _GENERATORS}
