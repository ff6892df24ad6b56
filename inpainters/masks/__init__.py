"""Pure mask generators: the same arguments give the same mask, in any process and on any machine.

A random generator draws marks (lines, walks, words, boxes) until the next one would pass the target, and
shortens that last one to the pixel; or it draws things as large as the target. A fixed pattern has a ratio of
its own. A mask is (H, W) bool, True where the pixel is missing.
"""

from inpainters.masks.bins import BINS, TOLERANCE, bin_of, touches_border
from inpainters.masks.drawing import derive_seed, generate
from inpainters.masks.table import GENERATORS, GeneratorSpec

__all__ = [
    "BINS", "GENERATORS", "TOLERANCE", "GeneratorSpec", "bin_of", "derive_seed", "generate", "touches_border",
]  # fmt: skip
