"""The named endpoints for gradio_client and MCP: `/inpaint`, `/answers`, `/explain` and `/methods`."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import wraps
from inspect import getdoc
from typing import Any, ParamSpec, TypeVar

import gradio as gr
import numpy as np
from gradio.components import Component
from gradio.events import api

from demo.server.explanation import Explanation, price_of_explanation
from demo.server.jobs import NO_MEMORY, STOPPED, Job, job_for
from demo.server.options import answers_of, checked, described, numbers, offered, parse_options
from demo.server.pictures import PAGE_PIXELS
from demo.server.visit import App
from inpainters import registry
from inpainters.base import InpaintResult
from inpainters.errors import Cancelled, InputError, UnavailableError
from inpainters.imaging import ALPHA, Image, Mask, NothingTransparentError, load_pair, side_by_side
from inpainters.spec import MethodSpec

Filled = tuple[np.ndarray, dict[str, Any]]
Named = list[tuple[np.ndarray, str]]
Answers = tuple[np.ndarray, Named, dict[str, Any]]
"""The answers side by side, the same one by one with their names, and what was done."""


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _told(act: Callable[_P, Awaitable[_R]]) -> Callable[_P, Awaitable[_R]]:
    """What cannot be done is told to the client in its one sentence."""

    @wraps(act)
    async def telling(*args: _P.args, **given: _P.kwargs) -> _R:
        try:
            return await act(*args, **given)
        except (InputError, UnavailableError) as error:
            said = str(error)
        except Cancelled:
            said = STOPPED
        except MemoryError:
            said = NO_MEMORY
        except Exception as error:  # a method's fault, not the caller's
            said = f"It failed here: {type(error).__name__}: {str(error)[:200]}"
        raise gr.Error(said, print_exception=False)

    return telling


class Endpoints:
    """A method for each endpoint; clients read its signature and its docstring."""

    def __init__(self, app: App) -> None:
        self.app = app

    @_told
    async def inpaint(
        self,
        image: str | None,
        mask: str | None,
        method: str = "telea",
        seed: float | None = 0,
        options: str = "{}",
        request: gr.Request | None = None,
    ) -> Filled:
        """Fill the missing region of a photograph with one method.

        Args:
            image: a picture file, at most 4096x4096 pixels and 72 MB
            mask: a picture of the same size, white is missing; null: the image's own transparent pixels
            method: a name that `methods` lists
            seed: for methods that draw at random; a whole number, 0 or more
            options: the method's own settings as a JSON object in text, for example {"radius": 5}
        """
        spec, loaded, hole, notes = await asyncio.to_thread(_checked, image, mask, method or "telea", seed)
        given = checked(spec, parse_options(options))
        job = await asyncio.to_thread(job_for, spec.name, hole, given, int(seed or 0))
        result = await self._run(loaded, hole, job, request)
        record = {"method": spec.name, "version": spec.version, "seed": result.seed}
        record |= {"options": result.options, "seconds": round(result.seconds, 4)}
        record |= {"network_calls": result.network_calls, "notes": [*notes, *result.notes]}
        return result.image, record

    @_told
    async def answers(
        self,
        image: str | None,
        mask: str | None,
        method: str,
        seed: float | None = 0,
        n: float | None = 4,
        options: str = "{}",
        request: gr.Request | None = None,
    ) -> Answers:
        """Fill the missing region of a photograph several times with a method that draws at random; also all
        fills side by side.

        Args:
            image: a picture file, at most 4096x4096 pixels and 72 MB
            mask: a picture of the same size, white is missing; null: the image's own transparent pixels
            method: a name that `methods` lists with stochastic = true
            seed: of the first answer; the others have the numbers after it
            n: how many answers, 1 to 8
            options: the method's own settings as a JSON object in text, for example {"preset": "balanced"}
        """
        spec, loaded, hole, notes = await asyncio.to_thread(_checked, image, mask, method or "", seed)
        first, asked = numbers(int(seed or 0), n)
        given, count = checked(spec, parse_options(options)), answers_of(spec, asked)
        job = await asyncio.to_thread(job_for, spec.name, hole, given, first, count)
        await self._run(loaded, hole, job, request)
        results = [answer.result for answer in job.answers]
        if count < asked:
            notes.append(f"{spec.title} does not draw at random: one answer in place of {asked}.")
        record = {
            "method": spec.name,
            "version": spec.version,
            "seeds": [one.seed for one in results],
            "options": results[0].options,
            "seconds": [round(one.seconds, 4) for one in results],
            "network_calls": [one.network_calls for one in results],
            "notes": list(dict.fromkeys([*notes, *(note for one in results for note in one.notes)])),
        }
        strip = await asyncio.to_thread(side_by_side, [one.image for one in results])
        return strip, [(one.image, f"{spec.name}-seed{one.seed}") for one in results], record

    @_told
    async def explain(
        self,
        image: str | None,
        mask: str | None,
        method: str,
        seed: float | None = 0,
        request: gr.Request | None = None,
    ) -> tuple[Named, dict[str, Any]]:
        """Show what happens inside a method that fills the missing region of a photograph, as named pictures
        in order.

        Args:
            image: a picture file, at most 4096x4096 pixels and 72 MB
            mask: a picture of the same size, white is missing; null: the image's own transparent pixels
            method: a name that `methods` lists with explains = true
            seed: for methods that draw at random; a whole number, 0 or more
        """
        spec, loaded, hole, notes = await asyncio.to_thread(_checked, image, mask, method or "", seed)
        _, seconds, cost = await asyncio.to_thread(price_of_explanation, spec, hole, {})
        job = Explanation(spec.name, int(seed or 0), seconds=seconds, cost=cost, store=self.app.store)
        try:
            await self._run(loaded, hole, job, request)
            pictures = await asyncio.to_thread(self._shots, job)
            frames = [
                {"name": s.name, "title": s.title, "value": s.value, "height": s.size[0], "width": s.size[1]}
                for s in job.shots
            ]
        finally:
            job.close()
        record = {"method": spec.name, "version": spec.version, "seed": job.seed}
        return pictures, record | {"frames": frames, "notes": notes}

    def _shots(self, job: Explanation) -> Named:
        return [(self.app.store.image(shot.token), shot.name) for shot in job.shots]

    async def _run(self, image: Image, mask: Mask, job: Job, request: gr.Request | None) -> InpaintResult:
        """The job's result; it is stopped where the client leaves."""
        asked: Any = getattr(request, "request", request)  # an MCP client's is Starlette's own
        job.owner = asked.client.host if asked is not None and asked.client else None
        try:
            future = self.app.runner.submit(image, mask, job)
            return await self.app.presence.result(future, asked, getattr(request, "session_hash", None))
        finally:
            job.halted = True


def _checked(
    image: str | None, mask: str | None, method: str, seed: float | None
) -> tuple[MethodSpec, Image, Mask, list[str]]:
    """The method, the picture, its hole, and what was converted."""
    if not image:
        raise InputError("The image is missing: send two picture files of one size.")
    spec = registry.get(method.strip())
    if reason := registry.unavailable(spec.name):
        raise UnavailableError(reason)
    if seed is not None and (seed < 0 or seed != int(seed)):
        raise InputError(f"The seed must be a whole number, 0 or more, not {seed:g}.")
    try:
        found = load_pair(image, mask or ALPHA, max_pixels=PAGE_PIXELS)
    except NothingTransparentError:
        raise InputError(
            "The mask is missing: send two picture files of one size, or an image with transparent pixels."
        ) from None
    return spec, found.image, found.mask, list(found.notes)


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
    own = Endpoints(app)
    # gr.File, because gr.Image opens the file before we can say in one sentence what is wrong with it
    image, mask = gr.File(label="image", visible=False), gr.File(label="mask", visible=False)
    method = gr.Textbox("telea", label="method", visible=False)
    seed = gr.Number(0, label="seed", precision=0, visible=False)
    several = gr.Number(4, label="n", precision=0, visible=False)
    options = gr.Textbox("{}", label="options", visible=False)
    hole = [image, mask, method, seed]
    _add(own.inpaint, [*hole, options], [_picture("result"), _record()])
    # an MCP client gets a gallery as addresses alone: the strip is what it sees
    strip, fills = _picture("strip"), _gallery("answers")
    _add(own.answers, [*hole, several, options], [strip, fills, _record()])
    _add(own.explain, hole, [_gallery("frames"), _record()])
    api(methods, api_name="methods")


def _add(endpoint: Callable[..., object], inputs: list[Component], outputs: list[Component]) -> None:
    """queue=False: our pools do the queueing, and Gradio's MCP bridge hands on several outputs one by one
    only without its own.
    """
    name, said = endpoint.__name__, getdoc(endpoint)
    gr.Button(visible=False).click(
        endpoint, inputs, outputs, api_name=name, api_description=said, queue=False
    )


def _picture(label: str) -> gr.Image:
    return gr.Image(label=label, format="png", visible=False)


def _gallery(label: str) -> gr.Gallery:
    return gr.Gallery(label=label, format="png", visible=False)


def _record() -> gr.JSON:
    return gr.JSON(label="record", visible=False)
