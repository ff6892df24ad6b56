"""A page with the four components and drawn pictures, for looking at and for the browser tests.

python tests/demo/harness_components.py PORT
"""

import io
import json
import sys

import gradio as gr
import numpy as np
from fastapi import FastAPI, Response
from PIL import Image
from skimage import data, transform

from demo.assets_loader import style_tag
from demo.panes import Panes
from demo.picker import Picker

HOSTILE = '<img src=x onerror="window.hacked=1"> ${window.hacked=2} `${1+1}` {{value}}'
NO_WEIGHTS = "'sd2' needs weights 'sd2': run `python -m inpainters fetch sd2`."
W, H = 300, 200


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
    return {"original": original, "masked": masked, "telea": smooth, "patchmatch": shifted, "repaint": noisy, "repaint4": flipped}


def png(picture: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def panes_value(rev: int = 1, *, ref: bool = True, titles: dict[str, str] | None = None, done: bool = False) -> dict:
    chips = [{"label": "PSNR", "value": "24.1"}, {"label": "SSIM", "value": ".912"}]
    missing = {"label": "LPIPS", "value": None, "why": "Weights are missing. Run `python -m benchmark fetch lpips_squeeze`."}
    panes = [
        {"id": "original", "title": "Original", "family": None, "state": "done", "note": "300×200"},
        {"id": "masked", "title": "Masked", "family": None, "state": "done", "note": "12.0 %"},
        {"id": "telea", "title": "Telea", "family": "smoothing", "state": "done", "seconds": 0.312, "chips": [*chips, missing]},
        {"id": "patchmatch", "title": "PatchMatch", "family": "patch", "state": "done", "seconds": 4.2, "chips": chips},
        {"id": "repaint", "title": "RePaint", "family": "diffusion", "state": "running"},
        {"id": "stopped", "title": "DDNM", "family": "diffusion", "state": "stopped", "src": "pic/repaint"},
        {"id": "queued", "title": "Deep Image Prior", "family": "own_prior", "state": "queued", "place": 2, "eta": 50},
        {"id": "error", "title": "Contextual attention with a long title", "family": "convolutional", "state": "error"},
        {"id": "none", "title": "Stable Diffusion 2", "family": "latent", "state": "unavailable", "err": NO_WEIGHTS},
        {"id": "empty", "title": "Mean fill", "family": "baseline", "state": "empty"},
        {"id": "stale", "title": "Gated convolution", "family": "convolutional", "state": "stale", "src": "pic/telea", "seconds": 62},
    ]
    for pane in panes[:5]:
        pane["src"] = f"pic/{pane['id']}"
    by_id = {pane["id"]: pane for pane in panes}
    by_id["error"]["err"] = "The picture needs more memory than there is: make it smaller or choose another method."
    by_id["repaint"] |= {"state": "done", "seconds": 48} if done else {"progress": 0.37, "eta": 50, "note": "step 93 of 250"}
    for name, title in (titles or {}).items():
        by_id[name]["title"] = title
    value = {"rev": rev, "w": W, "h": H, "mode": "grid", "panes": panes}
    frames = {"labels": ["3", "4"], "srcs": {"repaint": ["pic/repaint", "pic/repaint4"]}}
    return value | {"frames": frames} | ({"ref": "pic/original"} if ref else {})


def picker_value() -> dict:
    def group(family: str, *methods: tuple[str, str, str, str | None]) -> dict:
        return {"id": family, "methods": [{"id": i, "title": t, "cost": c, "why": w} for i, t, c, w in methods]}

    return {
        "families": [
            group("baseline", ("mean_fill", "Mean fill", "under 1 s", None)),
            group("smoothing", ("telea", "Telea", "under 1 s", None), ("navier_stokes", "Navier–Stokes", "under 1 s", None)),
            group("patch", ("patchmatch", "PatchMatch", "about 4 s", None)),
            group("convolutional", ("gated_conv", "Gated convolution", "about 1 s", None), ("lama", "LaMa", "about 2 s", None)),
            group("diffusion", ("repaint", "RePaint", "about 50 s", None), ("ddnm", "DDNM", "about 20 s", None)),
            group("latent", ("sd2", "Stable Diffusion 2", "", NO_WEIGHTS)),
            group("own_prior", ("dip", "Deep Image Prior", "about 3 min", None)),
        ],
        "chosen": ["telea", "patchmatch"],
    }


def build() -> gr.Blocks:
    with gr.Blocks(title="Components", fill_width=True, analytics_enabled=False) as page:
        log = gr.Textbox(label="log", elem_id="log")
        chosen = gr.Textbox(label="chosen", elem_id="chosen")
        with gr.Row():
            buttons = {name: gr.Button(name, elem_id=name, size="sm") for name in ("newer", "older", "noref", "hostile", "nothing", "hide")}
        with gr.Row():
            with gr.Column(scale=0, min_width=360):
                picker = Picker(picker_value(), elem_id="picker")
            with gr.Column(scale=1, min_width=320):
                panes = Panes(panes_value(), elem_id="panes")

        def report(event: gr.EventData) -> str:
            return json.dumps(event._data)

        for name in panes.SENDS:
            getattr(panes, name)(report, None, log, show_progress="hidden")
        picker.choose(report, None, log, show_progress="hidden")
        picker.choose(lambda ids: json.dumps(ids), picker, chosen, show_progress="hidden")
        buttons["newer"].click(lambda: panes_value(5, done=True, titles={"telea": "Newer"}), None, panes, show_progress="hidden")
        buttons["older"].click(lambda: panes_value(4, titles={"telea": "Older"}), None, panes, show_progress="hidden")
        buttons["noref"].click(lambda: panes_value(6, ref=False), None, panes, show_progress="hidden")
        buttons["hostile"].click(
            lambda: panes_value(7, titles=dict.fromkeys(("telea", "error", "queued"), HOSTILE)), None, panes, show_progress="hidden"
        )
        buttons["nothing"].click(lambda: {"rev": 8, "w": 0, "h": 0, "mode": "grid", "panes": []}, None, panes, show_progress="hidden")
        buttons["hide"].click(lambda: gr.update(visible=False), None, panes, show_progress="hidden")
    return page


def application() -> FastAPI:
    files = {name: png(picture) for name, picture in pictures().items()}
    app = FastAPI()

    @app.get("/pic/{name}")
    def picture(name: str) -> Response:
        return Response(files[name], media_type="image/png")

    theme = gr.themes.Base()
    return gr.mount_gradio_app(app, build(), path="/", theme=theme, head=style_tag("tokens.css"), ssr_mode=False)


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(application(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
