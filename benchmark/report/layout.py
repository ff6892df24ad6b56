"""Which metrics a report and the page show first, and in which order: (metric, region) pairs, here alone.

Every other metric that holds a value has its section and its place in the choosers, in the order of the
METRICS table.
"""

OVERVIEW = (
    ("lpips_squeeze", "hole"),
    ("psnr", "hole"),
    ("ssim", "hole"),
    ("haarpsi", "whole"),
    ("gmsd", "whole"),
    ("mdsi", "whole"),
    ("ms_ssim", "whole"),
    ("l1", "hole"),
    ("st_lpips_alex", "hole"),
    ("lpips_alex", "hole"),
    ("lpips_vgg", "hole"),
)
"""The first table's columns, before a distance between sets; those without a value are left out."""
SET_DISTANCES = (
    (("fid_inception_clean", "whole"), ("kid_inception_clean_u", "whole")),
    (("fid_inception_tm", "whole"), ("kid_inception_tm_u", "whole")),
    (("fd_squeeze", "whole"), ("kd_squeeze_u", "whole")),
)
"""The last columns of the first table: the first of these that could be computed."""
RANKED = OVERVIEW[:3]
"""What methods are ranked by: a perceptual distance, and two that no perceptual loss flatters."""
LEADING = OVERVIEW[:2]
"""Drawn against seconds, and under each picture of the Leaderboard; the first is what it opens with."""
BY_RATIO = (*RANKED, ("fd_squeeze", "whole"), ("kd_squeeze_u", "whole"))
"""Drawn against the missing share."""
BY_CALLS = (("lpips_squeeze", "hole"), ("kd_squeeze_u", "whole"), ("seam", "band"))
"""Drawn against network calls, where methods that call their network more or less often are in the results.
"""
SHEET = ("lpips_squeeze", "hole")
"""What a contact sheet is sorted by."""
BY_PICTURE = ("l1", "hole")
"""What pictures are sorted by where that, or a set metric, has no value for each of them."""
CHIPS = {"psnr": "PSNR", "lpips_squeeze": "LPIPS", "ssim": "SSIM", "l1": "L1"}
"""Scored inside the hole as soon as a fill is there -> what the page calls it."""
