"""What a visitor can do in the use that takes something out of a clip."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from demo.actions.compare import checked_hole, checked_holes
from demo.actions.tools import how_it_joins, searching, selected
from demo.actions.uses.shared import cheapest_first, method_to_begin, offered_methods, ready_method
from demo.server.clips import (
    EXAMPLE,
    ClipJob,
    ClipVisit,
    OpenClip,
    check_memory,
    drawn_example,
    open_clip,
    pace_here,
    parts_of,
    price_of_clip,
)
from demo.server.jobs import Batch, Price, price
from demo.server.pictures import canvas_digest, open_mask, read_canvas
from demo.server.visit import App, Reply
from inpainters import registry
from inpainters.errors import InputError
from inpainters.strategy import Outline

MOST_AT_ONCE = 3
"""Clips of all visitors that are worked on or wait: each takes its memory."""


def prices(visit: ClipVisit) -> dict[str, Price]:
    """What the whole clip costs with each method, those that take the least first."""
    if visit.clip is None:
        return {}
    found = {name: price_of_clip(visit.clip, visit.outline, registry.get(name)) for name in offered_methods()}
    return cheapest_first(found)


def open_uses(app: App, visit: ClipVisit) -> Reply:
    """It came into view: the drawn example is open where nothing else is."""
    visit.method = visit.method or method_to_begin()
    return Reply() if visit.clip is not None else choose_example(app, visit, EXAMPLE)


def choose_example(app: App, visit: ClipVisit, name: str) -> Reply:
    """Open a drawn clip with its mask."""
    if name != EXAMPLE:
        raise InputError("That example is unknown; reload the page.")
    clip = drawn_example(app.store)
    visit.open(clip)
    return Reply(mask=clip.mask)


def use_clip_tool(app: App, visit: ClipVisit, data: Mapping[str, Any]) -> Reply:
    """A tool of the editor that needs the server: an example, or a thing found in the first frame."""
    if data.get("kind") == "sample":
        return choose_example(app, visit, str(data.get("id")))
    if data.get("kind") != "object":
        raise InputError("That tool is for pictures; reload the page.")
    with searching(_clip(visit).size):
        mask = selected(app.store.image(_clip(visit).first), data)
    return Reply(mask=app.store.put_image(mask), how=how_it_joins(data))


def take_clip(app: App, visit: ClipVisit, path: str, name: str) -> Reply:
    """Open an uploaded clip in place of the one before. The upload itself is deleted."""
    file = Path(path)
    try:
        clip = open_clip(app.store, file, name or "The clip")
    except FileNotFoundError:  # the same file of another visitor lies in the same place
        raise InputError("That upload is gone; upload it again.") from None
    finally:
        file.unlink(missing_ok=True)
    visit.open(clip)
    return Reply()


def take_mask_file(app: App, visit: ClipVisit, path: str, name: str) -> Reply:
    """A mask file for the first frame takes the place of what is painted."""
    mask, notes = open_mask(path, _clip(visit).size, name or "The mask")
    if mask.shape != _clip(visit).size:
        (h, w), (height, width) = mask.shape, _clip(visit).size
        raise InputError(f"The mask is {w}×{h}, the frames are {width}×{height}. Use the same size.")
    return Reply(" ".join(notes), mask=app.store.put_image(mask))


def frame_painted(visit: ClipVisit, data: Mapping[str, Any]) -> None:
    """Note what the editor says of its mask."""
    if visit.clip is None:
        return
    visit.hole, visit.holes = checked_hole(data, visit.clip.size), checked_holes(data, visit.clip.size)
    visit.digest = str(data.get("digest", ""))[:20]


def start(app: App, visit: ClipVisit, data_url: str) -> Batch:
    """Queue the work on the clip that is open; what was made before is deleted."""
    clip, spec = _clip(visit), ready_method(visit)
    mask, _ = read_canvas(data_url, clip.size)
    if mask.all():
        raise InputError("All of the frame is masked: leave something that can be seen.")
    others = [work for work in app.runner.lanes.works() if work is not visit.job]
    if sum(isinstance(work, ClipJob) for work in others) >= MOST_AT_ONCE:
        raise InputError(f"{MOST_AT_ONCE} clips are being worked on already: try again in a minute.")
    check_memory(clip, others)
    job, first = job_for_clip(app, clip, spec.name, Outline.of(mask)), np.array(app.store.image(clip.first))
    app.runner.check(first, job)
    visit.clear()
    job.owner, visit.batch = id(visit), Batch([job])
    visit.ran = canvas_digest(data_url) or visit.digest, spec.name
    app.runner.start(first, mask, [job])
    return visit.batch


def job_for_clip(app: App, clip: OpenClip, method: str, holes: Outline) -> ClipJob:
    """The job of one clip, with the seconds that it should take."""
    spec = registry.get(method)
    found = price_of_clip(clip, holes, spec)
    parts = parts_of(clip, holes, price(spec, holes).seconds, pace_here())
    return ClipJob(method, seconds=found.seconds, cost=found.cost, store=app.store, clip=clip, parts=parts)


def _clip(visit: ClipVisit) -> OpenClip:
    if visit.clip is None:
        raise InputError("Choose a clip first: upload one, or take the example.")
    return visit.clip
