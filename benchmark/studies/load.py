"""Whether light requests stay quick while heavy ones queue: `python -m benchmark.studies.load`.

It starts the app in a process of its own and lets clients ask it over loopback, each one question after the
other with a pause between, as visitors do: most want a light method, some a heavy one, some leave in the
middle of a call, some send what is broken. It measures the time of each answer, counts those that are not
what they should be, and watches the app's memory.
"""

import argparse
import http.client
import io
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark import cells, measure
from benchmark.report.markdown import markdown_table
from inpainters import commandline
from inpainters.imaging import encode_png
from inpainters.masks import generate

ROOT = Path(__file__).parents[2]
LIGHT_METHODS = (
    "mean_fill",
    "telea",
    "navier_stokes",
    "biharmonic",
    "context_encoder",
    "partial_conv",
    "gated_conv",
)
HEAVY_METHODS = (
    ("deep_image_prior", "{}"),
    ("repaint", '{"preset": "balanced"}'),
    ("ddnm", '{"preset": "balanced"}'),
    ("patchmatch", '{"iterations": 8}'),
)
KINDS = {"light": 0.7, "heavy": 0.14, "leaves": 0.08, "broken": 0.08}
"""Share of the clients of each kind."""
THOUGHT = 12.0
"""Seconds between an answer and the next question of a light client, in the mean."""
AFTERWARDS = 30.0
"""Seconds for which answers are awaited after the end."""
PICTURE_SIDE = 512
"""Of the pictures that are sent, in pixels."""
_NONE = "no answer"
WANTED = 3.0
"""Seconds within which 95 % of the light answers should come."""


@dataclass
class Seen:
    """What the clients and the watch over memory have found."""

    answers: list[dict[str, object]] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    """(seconds since the start, MB)"""
    cores: float = float("nan")
    """How many the app had, in the mean (Linux)."""
    busy: float = float("nan")
    """The machine's load in the minute before the start: what others kept busy."""


@dataclass
class Client:
    """One client: asks until `end` and notes what came back."""

    number: int
    kind: str
    port: int
    seen: Seen
    end: float

    def run(self) -> None:
        chance = random.Random(self.number)
        time.sleep(chance.uniform(0, THOUGHT))
        while time.monotonic() < self.end:
            begin = time.monotonic()
            method, problem = self._ask(chance)
            if problem == _NONE and self.kind == "heavy":
                return
            row = {"kind": self.kind, "method": method, "seconds": time.monotonic() - begin}
            self.seen.answers.append({**row, "problem": problem})
            time.sleep(min(chance.expovariate(1 / THOUGHT), max(0.0, self.end - time.monotonic())))

    @property
    def patience(self) -> float:
        return self.end + AFTERWARDS - time.monotonic()

    def _ask(self, chance: random.Random) -> tuple[str, str]:
        """(method, what was wrong with the answer; empty where nothing was)."""
        method, options = (chance.choice(LIGHT_METHODS), "{}")
        if self.kind in ("heavy", "leaves"):
            method, options = chance.choice(HEAVY_METHODS)
        image, mask = picture(chance.randrange(10**6))
        if self.kind == "broken":
            image = image[: chance.randrange(len(image) // 2)]
        try:
            paths = self._upload(image, mask)
            files = [{"path": path, "meta": {"_type": "gradio.FileData"}} for path in paths]
            body = json.dumps({"data": [*files, method, chance.randrange(1000), options]}).encode()
            patience = chance.uniform(0.5, 3.0) if self.kind == "leaves" else self.patience
            status, said = self._post("run/inpaint", body, "application/json", patience)
        except TimeoutError:
            return method, "" if self.kind == "leaves" else _NONE
        except (OSError, http.client.HTTPException, ValueError) as error:
            return method, f"{type(error).__name__}: {error}"
        return method, self._problem(status, said)

    def _problem(self, status: int, said: bytes) -> str:
        if self.kind != "broken":
            return "" if status == 200 else f"{status}: {said[:200].decode(errors='replace')}"
        sentence = json.loads(said).get("error") if status == 500 else None
        return (
            "" if sentence and sentence.endswith(".") else f"{status}: {said[:200].decode(errors='replace')}"
        )

    def _upload(self, image: bytes, mask: bytes) -> list[str]:
        parts = "".join(
            f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{name}.png"\r\n\r\n%s\r\n'
            for name in ("image", "mask")
        )
        begin, middle, end = (part.encode() for part in parts.split("%s"))
        body = begin + image + middle + mask + end + b"--edge--\r\n"
        status, said = self._post("upload", body, "multipart/form-data; boundary=edge", self.patience)
        if status != 200:
            raise ValueError(f"{status} for an upload")
        return [str(path) for path in json.loads(said)]

    def _post(self, route: str, body: bytes, kind: str, patience: float) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request("POST", f"/gradio_api/{route}", body, {"Content-Type": kind})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def picture(seed: int) -> tuple[bytes, bytes]:
    """A picture of smooth colours, and a mask of a stroke in it, as PNG."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
    image = coarse.repeat(PICTURE_SIDE // 8, 0).repeat(PICTURE_SIDE // 8, 1)
    return encode_png(image), encode_png(
        generate("brush", (PICTURE_SIDE, PICTURE_SIDE), seed=seed, ratio=0.05)
    )


def kinds(count: int) -> list[str]:
    """The kind of each client, by their shares."""
    steps = (np.arange(count) + 0.5) / count
    edges = np.cumsum(list(KINDS.values()))
    return [list(KINDS)[min(int(place), len(KINDS) - 1)] for place in np.searchsorted(edges, steps)]


def measured_load(clients: int, seconds: float) -> Seen:
    """Start the app, let the clients ask it for so long, and return what they saw."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    app = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(port, app)
        return _ask_all(app.pid, port, clients, seconds)
    finally:
        app.terminate()
        app.wait()


def _ask_all(pid: int, port: int, clients: int, seconds: float) -> Seen:
    seen, begin, used = Seen(), time.monotonic(), processor_seconds(pid)
    seen.busy = os.getloadavg()[0]
    asking = [Client(i, kind, port, seen, begin + seconds) for i, kind in enumerate(kinds(clients))]
    threads = [threading.Thread(target=client.run, daemon=True) for client in asking]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.memory.append((time.monotonic() - begin, resident(pid)))
        time.sleep(1.0)
    seen.cores = (processor_seconds(pid) - used) / (time.monotonic() - begin)
    return seen


def _await(port: int, app: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 120
    while time.monotonic() < end and app.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return
        time.sleep(0.5)
    raise RuntimeError("The app did not start; run `python app.py` to see why.")


def resident(pid: int) -> float:
    """Megabytes of a process in memory (Linux); NaN elsewhere, and where it has ended."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
    return float("nan")


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process has had (Linux); NaN elsewhere."""
    with suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return float("nan")


def load_rows(seen: Seen) -> pd.DataFrame:
    """A row per kind of client and method: how many answers, how many were wrong, and their seconds."""
    rows = pd.DataFrame(seen.answers, columns=["kind", "method", "seconds", "problem"])
    everything = rows.assign(method="all")
    grouped = pd.concat([everything, rows]).groupby(["kind", "method"], sort=True)
    found = grouped.agg(
        n=("seconds", "size"),
        wrong=("problem", lambda problems: int((problems != "").sum())),
        median=("seconds", "median"),
        p95=("seconds", lambda values: values.quantile(0.95)),
        longest=("seconds", "max"),
    )
    return found.reset_index()


def markdown_of_load(seen: Seen, clients: int) -> str:
    """The page of the study."""
    rows, memory = load_rows(seen), seen.memory
    lines = [
        [f"{kind}, {method}", str(n), str(wrong), *(f"{value:.2f}" for value in seconds)]
        for kind, method, n, wrong, *seconds in rows.itertuples(index=False)
    ]
    light = rows[(rows["kind"] == "light") & (rows["method"] == "all")]["p95"].max()
    verdict = f"95 % of the light answers came within {light:.2f} s (wanted: {WANTED:g} s)."
    return "\n\n".join(
        [
            "# Load",
            f"{clients} clients at once on loopback for {memory[-1][0] / 60:.1f} minutes, "
            f"{THOUGHT:g} s in the mean between an answer and the next question; pictures of "
            f"{PICTURE_SIDE}×{PICTURE_SIDE} pixels. "
            f"Measured on {measure.hardware()}; before the start others kept it busy by a load of "
            f"{seen.busy:.1f}, and the app had {seen.cores:.1f} cores' worth of time. {verdict}",
            markdown_table(["clients, method", "answers", "wrong", "median s", "95 % s", "longest s"], lines),
            f"Memory of the app: {_course(memory)}.",
            "`wrong`: no answer, an error, or for broken files anything but one sentence. Those who leave "
            "wait 0.5 to 3 s. Heavy calls that were under way at the end are not counted. Written by "
            "`python -m benchmark.studies.load`.",
            "",
        ]
    )


def _course(memory: Sequence[tuple[float, float]]) -> str:
    """The memory at the start, and the highest of each fifth of the time."""
    levels = np.array([level for _, level in memory])
    fifths = [f"{np.nanmax(part):.0f}" for part in np.array_split(levels, 5) if len(part)]
    return f"{levels[0]:.0f} MB at the start; highest in each fifth of the time {', '.join(fifths)} MB"


def main(argv: Sequence[str] | None = None) -> int:
    """Ask, measure and write; returns the exit code: 1 where an answer was wrong or light ones were late."""
    parser = commandline.Parser("python -m benchmark.studies.load", description=__doc__)
    parser.add_argument("--clients", type=int, default=50, metavar="N", help="default: 50")
    parser.add_argument("--seconds", type=float, default=300.0, metavar="S", help="default: 300")
    parser.add_argument("--out", type=commandline.path, default=Path("results/load"), metavar="DIR")
    command: Callable[[argparse.Namespace], int] = _main
    parser.set_defaults(command=command)
    return commandline.run_command(parser, argv)


def _main(parsed: argparse.Namespace) -> int:
    seen = measured_load(parsed.clients, parsed.seconds)
    rows = load_rows(seen)
    text = io.StringIO()
    rows.to_csv(text, index=False, float_format="%.4g", lineterminator="\n")
    page = markdown_of_load(seen, parsed.clients)
    cells.write(parsed.out / "load.csv", text.getvalue().encode())
    cells.write(parsed.out / "load.md", page.encode())
    print(page)
    for problem in sorted({str(row["problem"]) for row in seen.answers} - {""}):
        print(f"wrong: {problem}")
    late = rows[(rows["kind"] == "light") & (rows["method"] == "all")]["p95"].max() > WANTED
    return int(bool(rows["wrong"].any()) or bool(late))


if __name__ == "__main__":
    sys.exit(main())
