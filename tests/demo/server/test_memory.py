"""What was freed goes back to the machine."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from demo.server import memory


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_freed_blocks_of_a_thread_leave_the_process():
    if memory._libc() is None:
        pytest.skip("this C library cannot")
    # In a process of its own: threads that other tests have left take memory meanwhile.
    settings = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    settings["PYTHONPATH"] = str(Path(__file__).parents[3])
    command = [sys.executable, __file__]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 0.25 * 3000 * 64_000


def grown_by_a_thread():
    """Bytes that stay when a thread has freed what it held and gave_back was called."""
    held, gate, freed = [], threading.Event(), threading.Event()

    def work():
        for _ in range(3000):  # below the size from which an array gets pages of its own
            held.append(np.ones(8000))
        keep = np.ones(100)  # above them all: the top of the arena cannot shrink by itself
        held.clear()
        freed.set()
        gate.wait(60)
        del keep

    before, thread = resident(), threading.Thread(target=work)
    thread.start()
    freed.wait(60)
    memory.give_back()
    after = resident()
    gate.set()
    thread.join()
    return after - before


if __name__ == "__main__":
    print(grown_by_a_thread())
