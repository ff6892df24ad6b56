"""The zip of a round: its pictures, and beside them all that is needed to make them again. `restoring` reads
it.
"""

import io
import json
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from benchmark import measure
from demo.server.pictures import canvas_feather, read_canvas
from demo.server.visit import Round, Session
from inpainters.imaging import encode_png


def archive(session: Session, painted: str = "") -> bytes:
    """All pictures of the round in view and their settings, as a zip. Before there are results: the picture
    and `painted`, the mask as the editor sends it; InputError where nothing is painted either.
    """
    one: Round = session.round
    feather = one.feather
    files: dict[str, str | None] = {"original.png": one.picture.token}
    if one.answers and not one.best:
        files |= {"mask.png": one.mask, "masked.png": one.masked, "sketch.png": one.sketch}
        files |= {f"{name}.png": token for name, token in one.answers.items()}
        contents = {name: session.store.read(token) for name, token in files.items() if token}
    else:
        feather = canvas_feather(painted)
        parts = zip(("mask.png", "sketch.png"), read_canvas(painted, one.picture.size), strict=True)
        contents = {"original.png": session.store.read(one.picture.token)}
        contents |= {name: encode_png(part) for name, part in parts if part is not None}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, data in contents.items():
            packed.writestr(name, data)
        packed.writestr(
            "settings.json",
            settings_json(one, {name: sha256(data).hexdigest() for name, data in contents.items()}, feather),
        )
    return buffer.getvalue()


def settings_json(round_: Round, sha256: Mapping[str, str], feather: int = 0) -> str:
    """The JSON beside downloaded pictures: all that is needed to make them again. `sha256`: of each file in
    the archive; `feather`: pixels of the soft edge around the mask.
    """
    picture, batch = round_.picture, round_.batch
    records = [] if batch is None else [record for job in batch.jobs for record in job.records()]
    jobs = [record | {"again": _again(record, "sketch.png" in sha256, feather)} for record in records]
    record: dict[str, Any] = {
        "picture": picture.title,
        "example": picture.sample,
        "width": picture.size[1],
        "height": picture.size[0],
    }
    record |= {
        "notes": list(picture.notes),
        "mask": "mask.png: white = missing",
        "feather": feather,
        "mask_drawn_by": round_.drawn or "hand or file",
    }
    record |= {"results": jobs, "sha256": dict(sha256), "environment": measure.environment()}
    return json.dumps(record, indent=2, ensure_ascii=False)


def _again(record: Mapping[str, Any], sketched: bool, feather: int) -> str:
    """The command that makes one answer again from the files beside the settings."""
    settings = "".join(f" --option {name}={json.dumps(value)}" for name, value in record["options"].items())
    settings += " --guide sketch.png" if sketched else ""
    settings += f" --feather {feather}" if feather else ""
    file = record.get("file", f"{record['method']}.png")
    chosen = f"--method {record['method']} --seed {record['seed']}{settings}"
    return f"python -m inpainters fill original.png mask.png {chosen} -o again/{file}"
