"""docs/uses.md: each command on the page is one that the program takes."""

import re
import shlex
from pathlib import Path

import pytest

from inpainters.__main__ import _parser

PAGE = (Path(__file__).parents[3] / "docs" / "uses.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^ {4}python -m inpainters (.+?)(?: {2,}#.*)?$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_taken(command):
    assert _parser().parse_args(shlex.split(command)).command


def test_every_use_is_on_the_page():
    assert {command.split()[0] for command in COMMANDS} >= {
        "video", "augment", "restore", "straighten", "parallax",
    }  # fmt: skip
