"""A page with the four components and drawn pictures, for looking at and for the browser tests.

python tests/demo/widgets/harness_components.py PORT
"""

import io
import json
import sys

import gradio as gr
import numpy as np
from fastapi import FastAPI, Response
from PIL import Image
from skimage import data, transform

from demo.widgets.assets import style_tag
from demo.widgets.chart import Chart
from demo.widgets.events import QUIET
from demo.widgets.panes import Panes
from demo.widgets.picker import Picker
from demo.widgets.table import Table

HOSTILE = '<img src=x onerror="window.hacked=1"> ${window.hacked=2} `${1+1}` {{value}}'
NO_WEIGHTS = "'sd2' needs weights 'sd2': run `python -m inpainters fetch sd2`."
W, H = 300, 200
RECEIVED: list[tuple[str, object]] = []
"""What the browser has sent, as (component.event, payload)."""


def pictures() -> dict[str, np.ndarray]:
    """Original, masked and five made-up fills, (H, W, 3) uint8 each."""
    original = (transform.resize(data.coffee(), (H, W), anti_aliasing=True) * 255).round().astype(np.uint8)
    hole = np.zeros((H, W), bool)
    hole[60:140, 110:200] = True
    rng = np.random.default_rng(0)
    smooth = np.where(hole[..., None], original[~hole].mean(0).astype(np.uint8), original)
    noisy = np.clip(original + hole[..., None] * rng.integers(-60, 60, (H, W, 3)), 0, 255).astype(np.uint8)
    shifted = np.where(hole[..., None], np.roll(original, 40, axis=1), original)
    masked = np.where(hole[..., None], np.array([230, 0, 126], np.uint8), original)
    flipped = np.where(hole[..., None], original[::-1], original)
    return {
        "original": original,
        "masked": masked,
        "telea": smooth,
        "patchmatch": shifted,
        "repaint": noisy,
        "repaint4": flipped,
    }


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def panes_value(
    rev: int = 1, *, ref: bool = True, titles: dict[str, str] | None = None, done: bool = False
) -> dict:
    chips = [
        {"label": "PSNR", "value": "24.1"},
        {"label": "SSIM", "value": ".912"},
        {"label": "L1", "value": ".0213"},
    ]
    missing = {
        "label": "LPIPS",
        "value": None,
        "why": "Weights are missing. Run `python -m benchmark fetch lpips_squeeze`.",
    }
    panes = [
        {"id": "original", "title": "Original", "family": None, "state": "done", "note": "300×200"},
        {"id": "masked", "title": "Masked", "family": None, "state": "done", "note": "12.0 %"},
        {
            "id": "telea",
            "title": "Telea",
            "family": "smoothing",
            "state": "done",
            "seconds": 0.312,
            "chips": [*chips, missing],
        },
        {
            "id": "patchmatch",
            "title": "PatchMatch",
            "family": "patch",
            "state": "done",
            "seconds": 4.2,
            "note": "The picture was halved.",
            "chips": chips,
        },
        {"id": "repaint", "title": "RePaint", "family": "diffusion", "state": "running"},
        {"id": "stopped", "title": "DDNM", "family": "diffusion", "state": "stopped", "src": "pic/repaint"},
        {
            "id": "queued",
            "title": "Deep Image Prior",
            "family": "own_prior",
            "state": "queued",
            "place": 2,
            "eta": 50,
        },
        {
            "id": "error",
            "title": "Contextual attention with a long title",
            "family": "convolutional",
            "state": "error",
        },
        {
            "id": "none",
            "title": "Stable Diffusion 2",
            "family": "latent",
            "state": "unavailable",
            "err": NO_WEIGHTS,
        },
        {"id": "empty", "title": "Mean fill", "family": "baseline", "state": "empty"},
        {
            "id": "stale",
            "title": "Gated convolution",
            "family": "convolutional",
            "state": "stale",
            "src": "pic/telea",
            "seconds": 62,
        },
    ]
    for pane in panes[:5]:
        pane["src"] = f"pic/{pane['id']}"
    by_id = {pane["id"]: pane for pane in panes}
    by_id["patchmatch"]["note"] = "The picture was halved."
    by_id["error"]["err"] = (
        "The picture needs more memory than there is: make it smaller or choose another method."
    )
    by_id["repaint"] |= (
        {"state": "done", "seconds": 48} if done else {"progress": 0.37, "eta": 50, "note": "step 93 of 250"}
    )
    for name, title in (titles or {}).items():
        by_id[name]["title"] = title
    value = {"rev": rev, "w": W, "h": H, "mode": "grid", "panes": panes}
    by_id["repaint"]["answers"] = [
        {
            "seed": seed,
            "name": f"repaint-seed{seed}",
            "state": "done",
            "src": f"pic/{src}",
            "seconds": 40 + seed,
            "chips": chips[:1],
        }
        for seed, src in ((3, "repaint"), (4, "repaint4"))
    ] + [{"seed": 5, "name": "repaint-seed5", "state": "queued", "src": None, "chips": []}]
    return value | ({"ref": "pic/original"} if ref else {})


def picker_value() -> dict:
    def group(family: str, *methods: tuple[str, str, str]) -> dict:
        return {"id": family, "methods": [{"id": i, "title": t, "cost": c} for i, t, c in methods]}

    return {
        "families": [
            group("baseline", ("mean_fill", "Mean fill", "under 1 s")),
            group(
                "smoothing",
                ("telea", "Telea", "under 1 s"),
                ("navier_stokes", "Navier–Stokes", "under 1 s"),
            ),
            group("patch", ("patchmatch", "PatchMatch", "about 4 s")),
            group(
                "convolutional",
                ("gated_conv", "Gated convolution", "about 1 s"),
                ("lama", "LaMa", "about 2 s"),
            ),
            group("diffusion", ("repaint", "RePaint", "about 50 s"), ("ddnm", "DDNM", "about 20 s")),
            group("own_prior", ("dip", "Deep Image Prior", "about 3 min")),
        ],
        "absent": [{"id": "sd2", "title": "Stable Diffusion 2", "why": NO_WEIGHTS}],
        "chosen": ["telea", "patchmatch"],
    }


BINS = ("1-10", "10-20", "20-30", "30-40", "40-50", "50-60")
METHODS = {
    "telea": ("Telea", "smoothing", 30.1, 0.2),
    "navier_stokes": ("Navier–Stokes", "smoothing", 29.6, 0.0002),
    "patchmatch": ("PatchMatch", "patch", 28.4, 4.2),
    "gated_conv": ("Gated convolution", "convolutional", 31.0, 1.1),
    "repaint": ("RePaint", "diffusion", 30.8, 52.0),
    "sd2": ("Stable Diffusion 2", "latent", 27.5, 95.0),
    "dip": ("Deep Image Prior", "own_prior", 29.0, 160.0),
    "mean_fill": ("Mean fill", "baseline", 22.0, 0.01),
}


LEADERS = ("gated_conv", "repaint", "telea", "navier_stokes", "dip")


def score(method: str, column: int) -> dict:
    """A made-up cell: quality falls by 1.7 per bin; the interval widens."""
    if (method, column) in {("repaint", 1), ("sd2", 5)}:
        return {"v": None, "why": "RePaint was not run on this bin: it would take about 3 h here."}
    v = METHODS[method][2] - 1.7 * column
    best = method == "gated_conv" and column < 3
    return {
        "v": v,
        "lo": v - 0.3 - 0.1 * column,
        "hi": v + 0.3 + 0.1 * column,
        "n": 96,
        "best": best,
        "tied": method == "repaint" and column == 4,
    }


def table_value(title: str | None = None) -> dict:
    cols = [{"id": name, "title": name, "better": "high", "digits": 2} for name in BINS]
    cols.append({"id": "fid", "title": "FID", "better": "low", "digits": 1, "few": 2048})
    cols.append({"id": "s", "title": "s", "better": "low", "kind": "seconds"})
    rows = []
    for name, (shown, family, _, cost) in METHODS.items():
        cells = {label: score(name, i) for i, label in enumerate(BINS)}
        cells |= {
            "fid": {"v": 300 - 8 * METHODS[name][2], "n": 96, "apart": name == "sd2"},
            "s": {"v": cost, "n": 96},
        }
        rows.append({"id": name, "title": title or shown, "family": family, "cells": cells})
    return {
        "caption": "PSNR in the hole (dB) by share of missing pixels, quick suite",
        "cols": cols,
        "rows": rows,
    }


def line_value(title: str | None = None) -> dict:
    def points(name: str) -> list[dict]:
        cells = [score(name, i) for i in range(len(BINS))]
        return [
            {"x": bin, "y": c["v"], "lo": c.get("lo"), "hi": c.get("hi"), "cell": [name, bin]}
            for bin, c in zip(BINS, cells, strict=True)
        ]

    series = [
        {"id": n, "title": title or m[0], "family": m[1], "pts": points(n), "lead": n in LEADERS}
        for n, m in METHODS.items()
    ]
    x = {"label": "Share of missing pixels", "values": list(BINS), "unit": "%"}
    return {
        "title": "PSNR by ratio, band = 95 %",
        "x": x,
        "y": {"label": "PSNR, dB", "better": "high", "digits": 2},
        "series": series,
    }


def scatter_value() -> dict:
    def points(name: str) -> list[dict]:
        return [
            {
                "x": METHODS[name][3],
                "y": METHODS[name][2],
                "lo": METHODS[name][2] - 0.5,
                "hi": METHODS[name][2] + 0.5,
                "cell": name,
            }
        ]

    series = [
        {"id": n, "title": m[0], "family": m[1], "pts": points(n), "lead": n in LEADERS}
        for n, m in METHODS.items()
    ]
    x = {"label": "Seconds per picture", "scale": "log", "unit": "s"}
    return {
        "kind": "scatter",
        "title": "Quality by seconds",
        "x": x,
        "y": {"label": "PSNR, dB", "better": "high", "digits": 1},
        "series": series,
    }


def build() -> gr.Blocks:
    with gr.Blocks(title="Components", fill_width=True, analytics_enabled=False) as page:
        log = gr.Textbox(label="log", elem_id="log")
        with gr.Row():
            buttons = {
                name: gr.Button(name, elem_id=name, size="sm")
                for name in ("newer", "older", "noref", "hostile", "nothing", "hide")
            }
        with gr.Row():
            with gr.Column(scale=0, min_width=360):
                picker = Picker(picker_value(), elem_id="picker")
            with gr.Column(scale=1, min_width=320):
                panes = Panes(panes_value(), elem_id="panes")
        table = Table(table_value(), elem_id="table")
        with gr.Row():
            with gr.Column(min_width=320):
                line = Chart(line_value(), elem_id="line")
            with gr.Column(min_width=320):
                scatter = Chart(scatter_value(), elem_id="scatter")

        def listen(name: str, component: gr.HTML, event: str) -> None:
            def report(sent: gr.EventData) -> str:
                RECEIVED.append((f"{name}.{event}", sent._data))
                return json.dumps(sent._data)

            getattr(component, event)(report, None, log, **QUIET)

        for name, component in {
            "panes": panes,
            "picker": picker,
            "table": table,
            "line": line,
            "scatter": scatter,
        }.items():
            for event in component.SENDS:
                listen(name, component, event)
        picker.choose(lambda choice: RECEIVED.append(("picker.ids", choice.ids)), picker, None, **QUIET)
        buttons["newer"].click(
            lambda: panes_value(5, done=True, titles={"telea": "Newer"}), None, panes, **QUIET
        )
        buttons["older"].click(
            lambda: (panes_value(4, titles={"telea": "Older"}), "sent"),
            None,
            [panes, log],
            **QUIET,
        )
        buttons["noref"].click(lambda: panes_value(6, ref=False), None, panes, **QUIET)
        buttons["hostile"].click(
            lambda: [table_value(HOSTILE), line_value(HOSTILE)], None, [table, line], **QUIET
        )
        buttons["hostile"].click(
            lambda: panes_value(7, titles=dict.fromkeys(("telea", "error", "queued"), HOSTILE)),
            None,
            panes,
            **QUIET,
        )
        buttons["nothing"].click(
            lambda: {"rev": 8, "w": 0, "h": 0, "mode": "grid", "panes": []},
            None,
            panes,
            **QUIET,
        )
        buttons["hide"].click(lambda: gr.update(visible=False), None, panes, **QUIET)
    return page


def application() -> FastAPI:
    files = {name: png(picture) for name, picture in pictures().items()}
    app = FastAPI()

    @app.get("/pic/{name}")
    def picture(name: str) -> Response:
        return Response(files[name], media_type="image/png")

    theme = gr.themes.Base()
    return gr.mount_gradio_app(
        app, build(), path="/", theme=theme, head=style_tag("tokens.css"), ssr_mode=False
    )


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
