"""Time is measured by the method's template; here are memory and what describes a machine."""

import contextlib
import os
import platform
import sys
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "numpy", "scipy", "opencv-contrib-python-headless", "pillow", "scikit-image", "torch", "torchvision",
    "torchmetrics", "lpips", "diffusers", "pandas", "matplotlib", "gradio",
)  # fmt: skip
"""Distributions named in every manifest."""


def version(distribution: str) -> str | None:
    """The installed version; None where it is absent. Nothing is imported."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def packages(names: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """Name -> version of those that are installed."""
    return {name: found for name in names if (found := version(name))}


def environment() -> dict[str, object]:
    """Where a run took place: it bears on times, and on numbers only in their last digits."""
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "hardware": hardware(),
        "threads": threads(),
        "packages": packages(),
    }


def hardware() -> str:
    """Processor, cores this process may use, memory, and a GPU that torch has already found."""
    parts = [_processor(), f"{cores()} cores"]
    if memory := _memory_gb():
        parts.append(f"{memory:.0f} GB memory")
    torch = sys.modules.get("torch")  # naming the GPU is not worth importing torch
    if torch is not None and torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name(0))
    return ", ".join(parts)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> dict[str, object]:
    import cv2

    torch = sys.modules.get("torch")
    found: dict[str, object] = {
        "opencv": cv2.getNumThreads(),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS"),
    }
    return {**found, "torch": torch.get_num_threads() if torch is not None else None}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _memory_gb() -> float | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    except (ValueError, OSError, AttributeError):
        return None


def reset_peak() -> None:
    """Start a new measurement of the process's peak memory, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.reset_peak_memory_stats()


def peak_mb() -> float | None:
    """Peak memory since `reset_peak` in MB (10**6 bytes): the GPU's if one is in use, else the process's;
    None where unknown.
    """
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        return float(torch.cuda.max_memory_allocated()) / 1e6
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    found = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return int(found[0]) * 1024 / 1e6 if found else None
