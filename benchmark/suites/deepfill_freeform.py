"""Strokes of a brush: Yu et al. 2019."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "deepfill_freeform",
    "strokes of a brush, as for gated convolution",
    "folder",
    ("brush:natural",),
    paper="Yu, Lin, Yang, Shen, Lu and Huang, Free-form image inpainting with gated convolution, ICCV 2019, "
    "section 4.2",
    departs="The paper's pictures are of Places2 and CelebA-HQ.",
)
