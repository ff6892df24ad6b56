"""Photographs of one's own."""

from benchmark.suites.base import Suite

SUITE = Suite("photos", "any folder of photographs (--data DIR), an hour for each method", "folder")
