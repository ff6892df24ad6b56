"""The benchmark: test sets, frozen masks, and run -> score -> report as three commands over files."""

from typing import Any


def __getattr__(name: str) -> Any:
    """`benchmark.evaluate`, whose module brings pandas."""
    if name == "evaluate":
        from benchmark.evaluation import evaluate

        return evaluate
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
