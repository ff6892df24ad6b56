"""The centre of each picture: Pathak et al. 2016."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "center_box",
    "the middle quarter of each picture",
    "folder",
    ("box_center:natural",),
    paper="Pathak, Krahenbuhl, Donahue, Darrell and Efros, Context encoders: feature learning by inpainting, "
    "CVPR 2016, section 5",
    departs="The paper's pictures are of Paris StreetView and ImageNet, at 128 pixels.",
)
