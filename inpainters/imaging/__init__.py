"""The only room that converts: files to arrays, dtype, range, layout, size.

An image is (H, W, 3) uint8 sRGB; a mask is (H, W) bool, True where the pixel is missing.
"""

from inpainters.imaging.arrays import (
    Image,
    Mask,
    check_guide,
    check_image,
    check_mask,
    colourful,
    composite,
    cut_share,
    enlarge,
    pad_to_multiple,
    seam,
    shrink,
    shrink_guide,
    shrink_mask,
    side_by_side,
    to_uint8,
    uncoloured,
)
from inpainters.imaging.colour import THRESHOLD, Converted
from inpainters.imaging.holes import (
    ALPHA,
    LoadedPair,
    NothingTransparentError,
    load_guide,
    load_mask,
    load_pair,
)
from inpainters.imaging.kept import (
    Original,
    encode_with_exif,
    load_original,
)
from inpainters.imaging.reading import (
    MAX_PIXELS,
    PICTURE_SUFFIXES,
    LoadedPicture,
    Source,
    decode_image,
    load_image,
    shown,
    size_in_header,
)
from inpainters.imaging.writing import (
    encode_png,
    save_bytes,
    save_png,
)

__all__ = [
    "ALPHA", "MAX_PIXELS", "PICTURE_SUFFIXES", "THRESHOLD", "Converted", "Image", "LoadedPair",
    "LoadedPicture", "Mask", "NothingTransparentError", "Original", "Source", "check_guide",
    "check_image", "check_mask", "colourful", "composite", "cut_share", "decode_image", "encode_png",
    "encode_with_exif", "enlarge", "load_guide", "load_image", "load_mask", "load_original", "load_pair",
    "pad_to_multiple", "save_bytes", "save_png", "seam", "shown", "shrink", "shrink_guide", "shrink_mask",
    "side_by_side", "size_in_header", "to_uint8", "uncoloured",
]  # fmt: skip
