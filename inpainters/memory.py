"""What this machine has: free memory, graphics cards; and how much memory a run will take."""

import json
import os
from functools import cache
from pathlib import Path

_CGROUPS = (
    ("memory.max", "memory.current", "memory.stat"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "memory/memory.stat"),
)

NEEDS = Path(__file__).parent / "memory.json"
"""Method -> megabytes that it takes for a picture, fixed and for each megapixel, as
`benchmark.studies.memory` measures.
"""
_SHARE = 0.8
"""Of the free memory that one run may take: others come and go."""


def need(method: str, pixels: int) -> int:
    """Bytes that a method takes for a picture of so many pixels, its weights aside; 0 where nobody
    measured.
    """
    one = _needs().get(method, {"fixed": 0, "per_megapixel": 0})
    return round(one["fixed"] * 1e6 + one["per_megapixel"] * pixels)


def pixels_that_fit(method: str, free: int) -> int | None:
    """How many pixels a picture may have for a method where so many bytes are free; None: as many as one
    likes.
    """
    one = _needs().get(method)
    if not free or not one:
        return None
    left = _SHARE * free - one["fixed"] * 1e6
    if left <= 0:
        return 0
    return int(left / one["per_megapixel"]) if one["per_megapixel"] else None


@cache
def _needs() -> dict[str, dict[str, float]]:
    try:
        found: dict[str, dict[str, float]] = json.loads(NEEDS.read_text(encoding="utf-8"))
    except FileNotFoundError:  # it was not measured yet
        return {}
    return found


def free_ram(proc: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this process may still take, by its machine and its container; 0 where nobody says."""
    found = [_available(proc)]
    for most, used, told in _CGROUPS:
        try:
            taken = int((groups / used).read_text()) - _kept_files(groups / told)
            found.append(max(1, int((groups / most).read_text()) - taken))
        except (OSError, ValueError):  # there is no such limit
            continue
    return min(filter(None, found), default=0)


def _kept_files(stat: Path) -> int:
    """Bytes of files that are kept in memory until somebody needs it."""
    try:
        lines = dict(line.split() for line in stat.read_text().splitlines())
        return int(lines.get("total_inactive_file", lines.get("inactive_file", 0)))
    except (OSError, ValueError):
        return 0


def _available(proc: Path) -> int:
    try:
        lines = dict(line.split(":", 1) for line in proc.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        pass
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


@cache
def has_gpu() -> bool:
    """Whether the system has a driver for an NVIDIA card. PyTorch is not asked: importing it takes long."""
    return any(Path(name).exists() for name in ("/dev/nvidiactl", "/proc/driver/nvidia"))
