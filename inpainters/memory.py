"""How much memory is free here."""

import os
from pathlib import Path

_CGROUPS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


def free_ram(proc: Path = Path("/proc/meminfo"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes that this process may still take, by its machine and its container; 0 where nobody says."""
    found = [_available(proc)]
    for most, used in _CGROUPS:
        try:
            found.append(int((groups / most).read_text()) - int((groups / used).read_text()))
        except (OSError, ValueError):  # there is no such limit
            continue
    known = [bytes_ for bytes_ in found if bytes_]
    return max(1, min(known)) if known else 0


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
