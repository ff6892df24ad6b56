"""The suites: which test set, masks and bins a named benchmark has. One file each."""

from benchmark.suites import (
    center_box,
    deepfill_freeform,
    lama_medium,
    lama_narrow,
    lama_wide,
    objects,
    overlays,
    pconv_bins,
    photos,
    quick,
    repaint_six,
)
from benchmark.suites.base import Suite
from inpainters.errors import unknown

_MODULES = (
    quick, photos, pconv_bins, lama_narrow, lama_medium, lama_wide, repaint_six, deepfill_freeform,
    center_box, objects, overlays,
)  # fmt: skip
SUITES: dict[str, Suite] = {module.SUITE.name: module.SUITE for module in _MODULES}


def get(name: str) -> Suite:
    """The row of `name`; raises InputError with a suggestion where there is none."""
    if name not in SUITES:
        raise unknown("suite", name, SUITES)
    return SUITES[name]
