"""The zip of a round."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image as PilImage

from demo.server.archive import archive
from inpainters.errors import InputError


def test_archive_has_the_pictures_and_their_settings(store, photo, tmp_path, done_session):
    session = done_session(store, photo, tmp_path)
    with zipfile.ZipFile(io.BytesIO(archive(session))) as packed:
        assert sorted(packed.namelist()) == ["mask.png", "original.png", "settings.json", "telea.png"]
        assert np.array_equal(np.asarray(PilImage.open(packed.open("telea.png"))), 255 - photo)
        settings = json.loads(packed.read("settings.json"))
    assert settings["picture"] == "a.png"
    assert settings["results"][0]["method"] == "telea"
    session.follow("telea")
    with pytest.raises(InputError, match="Nothing is masked yet"):
        archive(session)
