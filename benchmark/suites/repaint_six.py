"""Six kinds of holes over 100 pictures: Lugmayr et al. 2022."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "repaint_six",
    "thin, thick, every second line, every second pixel, half and expand over 100 pictures",
    "folder",
    ("thin:natural", "thick:natural", "lines", "grid", "half", "expand"),
    n=100,
    paper="Lugmayr, Danelljan, Romero, Yu, Timofte and Van Gool, RePaint: inpainting using denoising "
    "diffusion probabilistic models, CVPR 2022, section 5",
    departs="The paper's pictures are of CelebA-HQ and ImageNet; its thin and thick masks are a fixed set.",
)
