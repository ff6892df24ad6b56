"""The finished example that the page opens with."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image as PilImage

from demo.server.showcase import MASK_SET, SHOWN, showcase
from demo.server.suites import open_suite, values_at
from demo.server.visit import Session
from inpainters import registry


def test_it_is_the_closest_fill_of_each_of_four_families(store):
    shown = showcase(store, Path("results"))
    assert shown is not None
    results = open_suite(Path("results"), "quick", MASK_SET)
    values = values_at(results, "lpips_squeeze", "hole", *SHOWN)
    families = {}
    for name in sorted(values, key=values.get):
        families.setdefault(registry.get(name).family, name)
    assert list(shown.answers) == list(families.values())[:4]
    assert shown.best == min(values, key=values.get)
    name = f"{MASK_SET}/{SHOWN[0]}/{SHOWN[1]}.{shown.best}.webp"
    packed = [zipfile.ZipFile(path) for path in Path("results/quick").glob("display*.zip")]
    [copy] = [
        np.asarray(PilImage.open(io.BytesIO(one.read(name))).convert("RGB"))
        for one in packed
        if name in one.namelist()
    ]
    assert np.array_equal(store.image(shown.answers[shown.best].token), copy)
    assert shown.answers[shown.best].scores["lpips_squeeze"]["value"] == values[shown.best]


def test_visits_share_its_files_and_leave_them(store):
    shown = showcase(store, Path("results"))
    before = sorted(store.folder.iterdir())
    for _ in range(2):
        session = Session(store)
        session.open(shown.round())
        session.forget_answers()
        session.close()
    assert sorted(store.folder.iterdir()) == before
    assert showcase(store, Path("results")) is shown


def test_without_display_copies_there_is_none(store, tmp_path, root):
    assert showcase(store, tmp_path) is None
    assert showcase(store, root) is None
