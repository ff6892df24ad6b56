"""What import-linter cannot say: the light modules load nothing heavy, and the lists run without it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LINTER = Path(sys.executable).with_name("lint-imports")
HEAVY = {
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "lpips",
    "piq",
    "torchmetrics",
    "torch_fidelity",
    "gradio",
}


def test_imports_keep_to_the_contracts() -> None:
    done = subprocess.run([LINTER], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    "module",
    [
        "inpainters",
        "inpainters.registry",
        "inpainters.methods.diffusion.schedules",
        "benchmark.__main__",
        "benchmark.metrics",
    ],
)
def test_a_light_module_loads_nothing_heavy(module: str) -> None:
    done = python(f"import sys, {module}; print(*sorted({HEAVY!r} & set(sys.modules)))")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("package", ["inpainters", "benchmark"])
def test_list_runs_without_the_heavy_packages(package: str) -> None:
    done = python(f"""
import runpy, sys
class Hiding:  # as if they were not installed: neither importable nor found
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {HEAVY!r} else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
sys.argv = [{package!r}, "list"]
runpy.run_module({package!r}, run_name="__main__")
""")
    assert done.returncode == 0, done.stderr
    assert "telea" in done.stdout
    assert "Traceback" not in done.stderr
