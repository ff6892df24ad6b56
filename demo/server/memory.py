"""Memory that C's allocator keeps after it was freed goes back to the machine.

Of what the process holds once all methods have run, about 0.9 GB is the code of torch, gradio and pandas, and
0.1 GB the networks, of which the last eight stay loaded (`weights.build`). What else it held, a third more,
was free: each thread's arena of glibc keeps the activations of the largest picture it has worked on.
"""

import ctypes
import sys

_ARENA_MAX = -8
"""`M_ARENA_MAX` of glibc's malloc.h."""


def few_arenas(most: int = 4) -> bool:
    """Let threads share so many arenas; True where the C library can. Before the threads start."""
    libc = _libc()
    return bool(libc and libc.mallopt(_ARENA_MAX, most))


def give_back() -> None:
    """Return freed memory to the machine, where the C library can."""
    if libc := _libc():
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    return libc if libc is not None and hasattr(libc, "malloc_trim") else None
