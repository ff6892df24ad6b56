"""Imports point down only, and the lists need neither torch nor gradio."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("inpainters", "benchmark", "demo")
ABOVE = {"inpainters": {"benchmark", "demo", "app"}, "benchmark": {"demo", "app"}, "demo": {"app"}}
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
HEAVY = {
    "torch",
    "torchvision",
    "diffusers",
    "transformers",
    "lpips",
    "torchmetrics",
    "torch_fidelity",
    "gradio",
}


def imports(path, top_only=False):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = tree.body if top_only else ast.walk(tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute here"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_down_only(path):
    package = path.relative_to(ROOT).parts[0]
    names = set(imports(path))
    roots = {name.partition(".")[0] for name in names}
    assert not roots & ABOVE[package]
    assert package == "demo" or not {root for root in roots if root.startswith("gradio")}, (
        "only demo may import gradio"
    )
    if "training" not in path.parts:
        assert not {name for name in names if name.startswith("inpainters.training")}, (
            "nobody imports training"
        )


@pytest.mark.parametrize(
    "path",
    [
        "inpainters/registry.py",
        "inpainters/base.py",
        "inpainters/methods/diffusion/schedules.py",
        "inpainters/__init__.py",
        "benchmark/__main__.py",
    ],
)
def test_no_torch_on_import(path):
    assert not {name.partition(".")[0] for name in imports(ROOT / path, top_only=True)} & HEAVY


@pytest.mark.parametrize("package", ["inpainters", "benchmark"])
def test_list_runs_without_the_heavy_packages(package):
    code = f"""
import runpy, sys
class Hiding:  # as if they were not installed: neither importable nor found
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in {HEAVY!r} else self.finder.find_spec(name, path, target)
sys.meta_path[:] = [Hiding(finder) for finder in sys.meta_path]
sys.argv = [{package!r}, "list"]
runpy.run_module({package!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "telea" in done.stdout
    assert "Traceback" not in done.stderr
