"""Downloads at the start of the app."""

import hashlib

import pytest

from demo.server import fetching
from inpainters import registry
from inpainters.errors import InputError, UnavailableError
from inpainters.weights import files
from inpainters.weights.table import WEIGHTS, WeightsFile


@pytest.fixture(autouse=True)
def _apart(tmp_path, monkeypatch):
    monkeypatch.setenv(files.ENV, str(tmp_path))
    monkeypatch.setattr(fetching, "_states", {})


def test_a_method_is_ready_once_its_weights_have_come(monkeypatch, tmp_path):
    pinned = hashlib.sha256(b"net").hexdigest()
    monkeypatch.setitem(WEIGHTS, "big_lama", WeightsFile("big_lama", {"big-lama.pt": pinned}, "", "", ""))
    said = []

    def fetch(name, show, commit):
        said.append(fetching.state(name))
        show(1, 4)
        said.append(fetching.state(name))
        (tmp_path / "big-lama.pt").write_bytes(b"net")

    monkeypatch.setattr(fetching, "fetch", fetch)
    assert registry.unavailable("big_lama")
    fetching.begin_fetching("big_lama").join(10)
    assert said == ["It will be fetched.", "It is being fetched: 25 %."]
    assert fetching.state("big_lama") == ""
    assert registry.unavailable("big_lama") is None


def test_one_that_fails_is_said_and_the_others_come(monkeypatch):
    asked = []

    def fetch(name, show, commit):
        asked.append((name, commit))
        if name == "sd15":
            raise UnavailableError("The Hub cannot be reached: check the network.")

    monkeypatch.setattr(fetching, "fetch", fetch)
    fetching.begin_fetching("sd15@abc, mi_gan").join(10)
    assert asked == [("sd15", "abc"), ("mi_gan", "")]
    assert fetching.state("sd15") == "It could not be fetched. The Hub cannot be reached: check the network."
    assert fetching.state("mi_gan") == ""


def test_nothing_is_fetched_unasked_and_a_wrong_name_is_said_at_once():
    assert fetching.begin_fetching("") is None
    with pytest.raises(
        InputError, match="unknown weights in INPAINTING_FETCH 'big_lam'; did you mean 'big_lama'"
    ):
        fetching.begin_fetching("big_lam")
