"""LaMa's wide masks, with the ratios that they have: Suvorov et al. 2022."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "lama_wide",
    "few wide strokes and large boxes, as LaMa's authors draw them",
    "folder",
    ("thick:natural",),
    paper="Suvorov et al., Resolution-robust large mask inpainting with Fourier convolutions, WACV 2022, "
    "section 3.2",
    departs="The paper's pictures are 30,000 of Places2 at 512 pixels and 2,600 of CelebA-HQ at 256.",
)
