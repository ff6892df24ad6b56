"""What a page may ask of the methods."""

import pytest

from demo.server.options import checked, parse_options
from inpainters import registry
from inpainters.errors import InputError


def test_options_are_a_json_object():
    assert parse_options('{"radius": 5}') == {"radius": 5}
    assert parse_options("") == {}
    for junk in ("{", "[1]", "3", "nonsense"):
        with pytest.raises(InputError, match="JSON object"):
            parse_options(junk)


def test_a_page_runs_no_more_network_calls_than_all_its_visitors_can_bear():
    spec = registry.get("repaint")
    assert checked(spec, {"preset": "paper"}) == {"preset": "paper"}
    with pytest.raises(
        InputError, match=r"RePaint: 49,951 network calls for one answer are more than the 5,000"
    ):
        checked(spec, {"steps": 1000, "jump_length": 1, "resamplings": 50})
