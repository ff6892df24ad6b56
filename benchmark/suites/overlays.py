"""Writing, watermarks and scratches over known pictures: Bertalmio et al. 2000."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "overlays",
    "writing, watermarks and scratches over the picture, up to a fifth of it",
    "folder",
    ("text", "watermark", "scratches"),
    ("1-10", "10-20"),
    paper="Bertalmio, Sapiro, Caselles and Ballester, Image inpainting, SIGGRAPH 2000, section 4",
    departs="The paper shows a few pictures, none with a watermark, and prints no figures.",
)
