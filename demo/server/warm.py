"""Imports what the methods need while the first visitor looks around: the first run need not wait for it."""

import threading
from contextlib import suppress

from inpainters import registry

_once = threading.Lock()


def warm_up() -> None:
    """Import the methods' packages in a thread of their own; only the first call does anything."""
    if _once.acquire(blocking=False):
        threading.Thread(target=import_all, name="warm", daemon=True).start()


def import_all() -> None:
    """Import the packages of all methods that can run here."""
    for name, spec in list(registry.METHODS.items()):
        with suppress(Exception):  # what fails is said when it is run
            if registry.unavailable(name) is None:
                registry.class_of(spec)
    with suppress(Exception):
        import inpainters.patches.detail  # noqa: F401
