"""Time is measured by the method's template; here are memory and what describes a machine."""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "numpy", "scipy", "opencv-contrib-python-headless", "pillow", "scikit-image", "torch", "torchvision",
    "torchmetrics", "lpips", "piq", "diffusers", "pandas", "matplotlib", "gradio",
)  # fmt: skip
"""Distributions named in every manifest."""
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM"), "1"
)
"""Environment variables by which libraries go when they are imported."""


@contextlib.contextmanager
def environment_with(environment: Mapping[str, str]) -> Iterator[None]:
    """Environment variables of this process for a while, for those that it starts."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


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
        **({"commit": found} if (found := commit()) else {}),
    }


def hardware() -> str:
    """Processor, cores this process may use, memory, and a GPU that torch has already found."""
    parts = [_processor(), f"{cores()} core{'s' if cores() != 1 else ''}"]
    if memory := _memory_gb():
        parts.append(f"{memory:.0f} GB memory")
    torch = sys.modules.get("torch")  # naming the GPU is not worth importing torch
    if torch is not None and torch.cuda.is_available():
        parts.append(torch.cuda.get_device_name(0))
    return ", ".join(parts)


def cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> dict[str, int]:
    """How many threads each library computes with, as the last digits of sums hang on it; torch only where it
    has been imported.
    """
    import cv2

    given = (os.environ.get(name, "") for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"))
    blas = next((int(text) for text in given if text.isdigit() and int(text)), cores())
    torch = sys.modules.get("torch")
    found = {"blas": blas, "opencv": cv2.getNumThreads()}
    return {**found, **({"torch": torch.get_num_threads()} if torch is not None else {})}


def unlike(one: Mapping[str, int], other: Mapping[str, int]) -> bool:
    """True where a library computed with another number of threads; one that is named once says nothing."""
    return any(one[name] != other[name] for name in one.keys() & other.keys())


def in_words(threads: Mapping[str, int]) -> str:
    """Such as `blas 2, opencv 2`."""
    return ", ".join(f"{name} {number}" for name, number in sorted(threads.items()))


@lru_cache
def commit(root: Path = Path(__file__).parents[1]) -> str | None:
    """The commit of the checkout that `root` is, with `-dirty` where tracked files were changed since, or
    `-unchecked` where no git is here to tell; None where it is no checkout.
    """
    if not (root / ".git").exists():
        return None
    if (git := shutil.which("git")) is None:
        found = _head(root)
        return f"{found}-unchecked" if found else None
    try:
        head = _git(git, root, "rev-parse", "HEAD")
        return head + ("-dirty" if _git(git, root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(git: str, root: Path, *arguments: str) -> str:
    quiet = ("-c", "core.fsmonitor=false", "--no-optional-locks")
    command = [git, "-C", str(root), *quiet, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def _head(root: Path) -> str | None:
    """The commit that HEAD names, read as git would."""
    try:
        folder = root / ".git"
        if folder.is_file():  # a worktree: its own HEAD lies elsewhere, beside the common folder's branches
            folder = root / folder.read_text().removeprefix("gitdir:").strip()
        common = folder / "commondir"
        shared = folder / common.read_text().strip() if common.is_file() else folder
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (shared / name).is_file():
            return (shared / name).read_text().strip()
        packed = (line.split() for line in (shared / "packed-refs").read_text().splitlines())
        return next((words[0] for words in packed if words[1:] == [name]), None)
    except (OSError, UnicodeDecodeError):
        return None


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
