"""Irregular holes in six bins of ratios, apart by whether they touch the border: Liu et al. 2018."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "pconv_bins",
    "irregular holes in six bins, with and without holes at the border",
    "folder",
    ("irregular:border", "irregular:free"),
    paper="Liu, Reda, Shih, Wang, Tao and Catanzaro, Image inpainting for irregular holes using partial "
    "convolutions, ECCV 2018, section 4.1",
    departs="The paper's masks come from occlusions between frames of video; these are drawn walks.",
)
