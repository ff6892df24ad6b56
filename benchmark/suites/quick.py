"""The built-in photographs, for a quarter of an hour."""

from benchmark.suites.base import Suite

SUITE = Suite(
    "quick",
    "8 fixed crops of the built-in photographs, under 15 minutes",
    "sample",
    n=8,
    seconds=840,
    budget="shared",
)
