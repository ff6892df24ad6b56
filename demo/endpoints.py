"""The named endpoints for gradio_client and MCP: `/inpaint`, `/answers`, `/explain` and `/methods`."""

from dataclasses import asdict
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import api

from demo.server.explanation import Explanation, price_of_explanation
from demo.server.jobs import job_for
from demo.server.options import answers_of, checked, described, numbers, offered, parse_options
from demo.server.pictures import PAGE_PIXELS
from demo.server.visit import App
from inpainters import registry
from inpainters.errors import InputError, UnavailableError
from inpainters.imaging import Image, Mask, load_image, load_mask, side_by_side
from inpainters.spec import MethodSpec

INPAINT_HELP = """Fill the missing region of a photograph with one method.

Args:
    image: a picture file, at most 4096x4096 pixels
    mask: a picture of the same size; white is missing
    method: a name that `methods` lists
    seed: for methods that draw at random; a whole number, 0 or more
    options: the method's own settings as a JSON object in text, for example {"radius": 5}
"""

ANSWERS_HELP = """Fill the missing region of a photograph several times with a method that draws at random; \
also all fills side by side.

Args:
    image: a picture file, at most 4096x4096 pixels
    mask: a picture of the same size; white is missing
    method: a name that `methods` lists with stochastic = true
    seed: of the first answer; the others have the numbers after it
    n: how many answers, 1 to 8
    options: the method's own settings as a JSON object in text, for example {"preset": "balanced"}
"""

EXPLAIN_HELP = """Show what happens inside a method that fills the missing region of a photograph, as named \
pictures in order.

Args:
    image: a picture file, at most 4096x4096 pixels
    mask: a picture of the same size; white is missing
    method: a name that `methods` lists with explains = true
    seed: for methods that draw at random; a whole number, 0 or more
"""

Filled = tuple[np.ndarray, dict[str, Any]]
Named = list[tuple[np.ndarray, str]]
Answers = tuple[np.ndarray, Named, dict[str, Any]]
"""The answers side by side, the same one by one with their names, and what was done."""


def inpaint_file(
    app: App, image: str | None, mask: str | None, method: str, seed: float | None, options: str
) -> Filled:
    """Fill the hole of a picture file; return the (H, W, 3) uint8 picture and what was done.

    Raises InputError or UnavailableError with one sentence.
    """
    spec, loaded, hole, notes = _checked(image, mask, method or "telea", seed)
    given = checked(spec, parse_options(options))
    result = app.runner.run(loaded, hole, job_for(spec.name, hole, given, int(seed or 0)))
    record = {"method": spec.name, "version": spec.version, "seed": result.seed, "options": result.options}
    record |= {"seconds": round(result.seconds, 4), "network_calls": result.network_calls}
    return result.image, record | {"notes": [*notes, *result.notes]}


def answers(
    app: App,
    image: str | None,
    mask: str | None,
    method: str,
    seed: float | None,
    n: float | None,
    options: str,
) -> Answers:
    """Fill the hole of a picture file `n` times; return the answers side by side, each with its name, and
    what was done for each.

    A method that does not draw at random gives one answer, and the notes say so. Raises InputError or
    UnavailableError with one sentence.
    """
    spec, loaded, hole, notes = _checked(image, mask, method or "", seed)
    asked = numbers(int(seed or 0), n)[1]
    given, count = checked(spec, parse_options(options)), answers_of(spec, asked)
    job = job_for(spec.name, hole, given, int(seed or 0), count)
    app.runner.run(loaded, hole, job)
    results = [answer.result for answer in job.answers]
    record = {
        "method": spec.name,
        "version": spec.version,
        "seeds": [one.seed for one in results],
        "options": results[0].options,
    }
    record |= {
        "seconds": [round(one.seconds, 4) for one in results],
        "network_calls": [one.network_calls for one in results],
    }
    notes += (
        [f"{spec.title} does not draw at random: one answer in place of {asked}."] if count < asked else []
    )
    pictures = [(one.image, f"{spec.name}-seed{one.seed}") for one in results]
    strip = side_by_side([one.image for one in results])
    return (
        strip,
        pictures,
        record | {"notes": list(dict.fromkeys([*notes, *(note for one in results for note in one.notes)]))},
    )


def explain(
    app: App, image: str | None, mask: str | None, method: str, seed: float | None
) -> tuple[Named, dict[str, Any]]:
    """The frames of `Inpainter.explain`: (picture, name) in order, and each one's name, title, value and
    size.

    Raises InputError or UnavailableError with one sentence.
    """
    spec, loaded, hole, notes = _checked(image, mask, method or "", seed)
    seconds = price_of_explanation(spec, hole, {}).seconds
    job = Explanation(spec.name, int(seed or 0), seconds=seconds, store=app.store)
    try:
        app.runner.run(loaded, hole, job)
        pictures = [(app.store.image(shot.token), shot.name) for shot in job.shots]
        frames = [
            {"name": s.name, "title": s.title, "value": s.value, "height": s.size[0], "width": s.size[1]}
            for s in job.shots
        ]
    finally:
        job.close()
    return pictures, {
        "method": spec.name,
        "version": spec.version,
        "seed": job.seed,
        "frames": frames,
        "notes": notes,
    }


def _checked(
    image: str | None, mask: str | None, method: str, seed: float | None
) -> tuple[MethodSpec, Image, Mask, list[str]]:
    """The method, the picture, its hole, and what was converted."""
    if not image or not mask:
        raise InputError(
            f"The {'mask' if image else 'image'} is missing: send two picture files of one size."
        )
    spec = registry.get(method.strip())
    if reason := registry.unavailable(spec.name):
        raise UnavailableError(reason)
    if seed is not None and (seed < 0 or seed != int(seed)):
        raise InputError(f"The seed must be a whole number, 0 or more, not {seed:g}.")
    loaded = load_image(image, max_pixels=PAGE_PIXELS)
    hole, notes = load_mask(mask, loaded.image.shape[:2])
    return spec, loaded.image, hole, [*loaded.notes, *notes]


def methods() -> list[dict[str, Any]]:
    """List all inpainting methods: name, family, what each does, what it costs, its options, presets with
    their network calls, and why one is not available here."""
    return [_row(spec) for spec in registry.METHODS.values()]


def _row(spec: MethodSpec) -> dict[str, Any]:
    options = [described(option) for option in offered(spec)]
    row = {
        "name": spec.name,
        "title": spec.title,
        "family": spec.family,
        "summary": spec.summary,
        "paper": spec.paper,
        "year": spec.year,
    }
    row |= {
        "link": spec.link,
        "licence": spec.licence,
        "version": spec.version,
        "seconds": asdict(spec.cost),
        "options": options,
    }
    row |= {"explains": spec.explains, "takes_guide": spec.takes_guide, "stochastic": spec.stochastic}
    return row | {"presets": spec.presets(), "unavailable": registry.unavailable(spec.name)}


def add_endpoints(app: App) -> None:
    """Add the endpoints to the current Blocks; nothing of them shows on the page."""

    def call(
        image: str | None, mask: str | None, method: str = "telea", seed: float = 0, options: str = "{}"
    ) -> Filled:
        try:
            return inpaint_file(app, image, mask, method, seed, options)
        except (InputError, UnavailableError) as error:
            raise gr.Error(str(error), print_exception=False) from None

    def call_answers(
        image: str | None, mask: str | None, method: str, seed: float = 0, n: float = 4, options: str = "{}"
    ) -> Answers:
        try:
            return answers(app, image, mask, method, seed, n, options)
        except (InputError, UnavailableError) as error:
            raise gr.Error(str(error), print_exception=False) from None

    def call_explain(
        image: str | None, mask: str | None, method: str, seed: float = 0
    ) -> tuple[Named, dict[str, Any]]:
        try:
            return explain(app, image, mask, method, seed)
        except (InputError, UnavailableError) as error:
            raise gr.Error(str(error), print_exception=False) from None

    call.__name__, call.__doc__ = "inpaint", INPAINT_HELP
    call_answers.__name__, call_answers.__doc__ = "answers", ANSWERS_HELP
    call_explain.__name__, call_explain.__doc__ = "explain", EXPLAIN_HELP
    # gr.File, because gr.Image opens the file before we can say in one sentence what is wrong with it
    image, mask = gr.File(label="image", visible=False), gr.File(label="mask", visible=False)
    method = gr.Textbox("telea", label="method", visible=False)
    seed = gr.Number(0, label="seed", precision=0, visible=False)
    options = gr.Textbox("{}", label="options", visible=False)
    picture, record = (
        gr.Image(label="result", format="png", visible=False),
        gr.JSON(label="record", visible=False),
    )
    hidden, inputs = gr.Button(visible=False), [image, mask, method, seed, options]
    # queue=False: our pools do the queueing, and Gradio's MCP bridge hands on several outputs one by one only
    # without its own
    hidden.click(
        call, inputs, [picture, record], api_name="inpaint", api_description=INPAINT_HELP, queue=False
    )
    several = gr.Number(4, label="n", precision=0, visible=False)
    # an MCP client gets a gallery as addresses alone: the strip is what it sees
    strip, fills = (
        gr.Image(label="strip", format="png", visible=False),
        gr.Gallery(label="answers", format="png", visible=False),
    )
    record = gr.JSON(label="record", visible=False)
    gr.Button(visible=False).click(
        call_answers,
        [image, mask, method, seed, several, options],
        [strip, fills, record],
        api_name="answers",
        api_description=ANSWERS_HELP,
        queue=False,
    )
    frames, record = (
        gr.Gallery(label="frames", format="png", visible=False),
        gr.JSON(label="record", visible=False),
    )
    gr.Button(visible=False).click(
        call_explain,
        [image, mask, method, seed],
        [frames, record],
        api_name="explain",
        api_description=EXPLAIN_HELP,
        queue=False,
    )
    api(methods, api_name="methods")
