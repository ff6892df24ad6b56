"""One name, one meaning: what two modules call alike is the same thing in both."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("inpainters", "benchmark", "demo")
LIKEWISE = {
    "main": "runs a command line, from its arguments to its exit code",
    "build": "builds a tab of the page",
    "get": "the row of a table, or a sentence that suggests the nearest name",
    "create": "what a row of a table names, ready to be used",
    "unavailable": "why a row of a table cannot be used here, or None",
    "fill": "an engine's entry: fills the cells of a plan",
    "SUITE": "the suite that a file of suites is about",
    "alex": "a metric's variant that looks through AlexNet",
    "vgg": "a metric's variant that looks through VGG16",
    "squeeze": "a metric's variant that looks through SqueezeNet",
    "inception_tm": "a metric's variant that looks through Inception, resized as torchmetrics does",
    "inception_legacy": "a metric's variant that looks through Inception, resized as TensorFlow 1 did",
    "inception_clean": "a metric's variant that looks through Inception, resized with antialias",
}
"""Public names that several modules define, each for the same role -> the role."""


def defined(source: str) -> Iterator[str]:
    """The public names that a module's own lines define, imports left out."""
    for line in ast.parse(source).body:
        match line:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Assign(targets=targets):
                nodes = (node for target in targets for node in ast.walk(target))
                names = [
                    node.id
                    for node in nodes
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
                ]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def places(root: Path) -> Mapping[str, set[str]]:
    """Public name -> the modules that define it."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in (file for package in PACKAGES for file in (root / package).rglob("*.py")):
        for name in defined(file.read_text(encoding="utf-8")):
            found[name].add(file.relative_to(root).as_posix())
    return found


@pytest.mark.slow
def test_a_public_name_is_defined_in_one_module() -> None:
    shared = {name: sorted(files) for name, files in places(ROOT).items() if len(files) > 1}
    alike = {name: files for name, files in shared.items() if name not in LIKEWISE}
    assert not alike, f"rename, make private or define once: {alike}"
    assert not LIKEWISE.keys() - shared.keys(), "no longer shared: leave it out of the table"


@pytest.mark.parametrize(
    "line", ["def found(): ...", "async def found(): ...", "class found: ...", "found = 1", "found: int = 1",
             "one, found = 1, 2"]
)  # fmt: skip
def test_every_kind_of_definition_counts(line: str, tmp_path: Path) -> None:
    for package in PACKAGES[:2]:
        (tmp_path / package).mkdir()
        (tmp_path / package / "module.py").write_text(f"from os import path\n_own = 1\n{line}\n")
    assert places(tmp_path)["found"] == {"inpainters/module.py", "benchmark/module.py"}
    assert not places(tmp_path).keys() & {"path", "_own"}
