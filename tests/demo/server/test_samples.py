"""The photographs to try."""

import pytest

from demo.server import samples
from inpainters.errors import InputError


def test_samples_ship_with_packages_and_open(store):
    thumbnails = samples.thumbnails(store)
    assert {"coffee", "chelsea"} <= {one["id"] for one in thumbnails}
    for one in thumbnails:
        assert store.image(one["src"].removeprefix("pic/")).shape == (88, 88, 3)
    with pytest.raises(InputError, match="did you mean 'coffee'"):
        samples.sample_path("cofee")
