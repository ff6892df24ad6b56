"""Things that are taken out: compact holes."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "objects",
    "compact holes of one to three silhouettes, in six bins",
    "folder",
    ("object",),
    paper="Zeng, Lin, Yang, Zhang, Shechtman and Lu, High-resolution image inpainting with iterative "
    "confidence feedback and guided upsampling, ECCV 2020, section 4.1",
    departs="The paper's silhouettes are those of things in photographs; these are drawn.",
)
