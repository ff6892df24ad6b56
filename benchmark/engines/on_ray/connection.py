"""The cluster: connected to, or started on this machine, and what its processes are told."""

import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmark import measure
from benchmark.measure import ONE_THREAD
from inpainters.errors import InputError, UnavailableError, sentence
from inpainters.weights.files import ENV

TRIES = 2
"""How often what a process was given is given out again where the process dies."""


@contextmanager
def cluster(address: str) -> Iterator[Any]:
    """Ray, connected to the cluster at `address`, or to one of this machine's cores that ends afterwards.

    Raises UnavailableError where the package is absent, InputError where nothing answers.
    """
    if find_spec("ray") is None:
        raise UnavailableError("--engine ray needs the package 'ray': run `pip install ray`.")
    os.environ.setdefault("RAY_task_oom_retries", str(TRIES))  # else what takes all memory is tried for ever
    if not address:  # nobody else is to reach it; another cluster says itself how it is entered
        os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    import ray

    if address and address != "auto" and "://" not in address:
        _check_answer(address)
    given = {name: value for name in (ENV, "HF_HOME", "TORCH_HOME") if (value := os.environ.get(name))}
    given["PYTHONPATH"] = os.pathsep.join([str(Path.cwd()), *filter(None, sys.path)])  # for one's own methods
    variables = {**given, **ONE_THREAD}
    quiet: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    try:
        if address:
            ray.init(address=address, runtime_env={"env_vars": variables}, **quiet)
        else:  # processes that are up before they are asked for know what the one that starts them knows
            with measure.environment_with(variables):
                ray.init("local", num_cpus=measure.cores(), include_dashboard=False, **quiet)
    except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
        raise InputError(f"No Ray cluster answers at '{address}' ({sentence(error)}).") from None
    try:
        yield ray
    finally:
        with _unbroken():
            ray.shutdown()


def _check_answer(address: str) -> None:
    """Raise InputError where nothing answers: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=5):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise InputError(
            f"No Ray cluster answers at '{address}' ({sentence(error)}): start one by `ray start --head`."
        ) from None


@contextmanager
def _unbroken() -> Iterator[None]:
    """A second Ctrl-C must not leave the cluster's processes behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def gpu_serves(ray: Any, device: str) -> bool:
    """Whether work for `device` can have a GPU of the cluster."""
    return not device.startswith("cpu") and ray.cluster_resources().get("GPU", 0) >= 1
