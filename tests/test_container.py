"""The container's recipe, as far as it can be checked without building it."""

import re
import shlex
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[1]
LINES = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text("utf-8")).splitlines()
STEPS = [line.partition(" ")[::2] for line in LINES if line.strip() and not line.startswith("#")]


def test_every_step_is_one_that_docker_knows():
    known = {"FROM", "RUN", "WORKDIR", "COPY", "USER", "ENV", "EXPOSE", "HEALTHCHECK", "CMD"}
    assert {name for name, _ in STEPS} <= known
    assert STEPS[0][0] == "FROM"
    assert STEPS[-1][0] == "CMD"


def test_what_is_copied_is_there_and_is_sent_along():
    ignored = (ROOT / ".dockerignore").read_text("utf-8").split()
    sent = [one[1:] for one in ignored if one.startswith("!")]
    copied = [
        source
        for name, rest in STEPS
        if name == "COPY"
        for source in [part for part in shlex.split(rest) if not part.startswith("--")][:-1]
    ]
    assert ignored[0] == "*"
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(fnmatch(source, one) for one in sent), source
    assert sorted(copied) == sorted(sent)


def test_it_runs_as_a_user_without_rights_and_installs_before_it_copies_the_code():
    names = [name for name, _ in STEPS]
    assert dict(STEPS)["USER"] == "app"
    install = next(i for i, (name, rest) in enumerate(STEPS) if name == "RUN" and "requirements.txt" in rest)
    code = next(i for i, (name, rest) in enumerate(STEPS) if name == "COPY" and "inpainters" in rest)
    assert install < code < names.index("USER")


def test_the_port_is_one_everywhere():
    text = "\n".join(LINES)
    assert set(re.findall(r"\b\d{4}\b", text)) == {"1000", "7860"}
    assert "7860" in (ROOT / "docs/space.md").read_text("utf-8")
