"""Downloads at the start of the app, in the background: `INPAINTING_FETCH=big_lama,mi_gan`.

Each name is one of the weights' table; a pipeline's has its commit behind it, `sd15@COMMIT`, as nobody is
there to be asked. A method is offered once its weights are here.
"""

import threading
from collections.abc import Sequence

from inpainters.errors import sentence, unknown
from inpainters.weights.fetch import fetch
from inpainters.weights.table import WEIGHTS

FETCH = "INPAINTING_FETCH"
_states: dict[str, str] = {}


def begin_fetching(names: str) -> threading.Thread | None:
    """Fetch these, one after the other; None where there is nothing to fetch. Raises InputError for a name
    that the table does not have, before anything is downloaded.
    """
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        if name.partition("@")[0] not in WEIGHTS:
            raise unknown(f"weights in {FETCH}", name, WEIGHTS)
    if not asked:
        return None
    _states.update({name.partition("@")[0]: "It will be fetched." for name in asked})
    thread = threading.Thread(target=_fetch_all, args=(asked,), name="fetch", daemon=True)
    thread.start()
    return thread


def state(name: str) -> str:
    """What becomes of these weights, in one sentence; empty where nobody fetches them, or they are here."""
    return _states.get(name, "")


def _fetch_all(asked: Sequence[str]) -> None:
    for text in asked:
        name, _, commit = text.partition("@")

        def show(done: int, total: int, name: str = name) -> None:
            share = f": {100 * done // total} %" if total else ""
            _states[name] = f"It is being fetched{share}."

        try:
            fetch(name, show, commit=commit)
            _states.pop(name, None)
        except Exception as error:  # one that fails must not take the others along
            _states[name] = f"It could not be fetched. {sentence(error)}"
