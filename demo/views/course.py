"""The course of a run: all steps that a method will take, before it takes them."""

from collections.abc import Mapping
from typing import Any

from inpainters import registry
from inpainters.spec import Course, MethodSpec


def course_lines(spec: MethodSpec, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """The course of a run and of the one beside it; None where the method has none."""
    if (way := spec.course_under(options)) is None:
        return None
    lines = [_line(spec, options, way)]
    if spec.beside:
        other = registry.get(spec.beside)
        shared = spec.shared(other, options)
        if (along := other.course_under(shared)) is not None:
            lines.append(_line(other, shared, along))
    return {"top": way.top, "steps": way.points[-1][0], "lines": lines}


def _line(spec: MethodSpec, options: Mapping[str, Any], way: Course) -> dict[str, Any]:
    points = [list(corner) for corner in way.points]
    return {"title": spec.title, "calls": spec.network_calls(options), "points": points}
