"""Where numbers come from: the commit, the code of a metric, threads."""

import shutil
import subprocess
from pathlib import Path

import pytest

from benchmark import measure
from benchmark.record import code_digest


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    if shutil.which("git") is None:
        pytest.skip("this machine has no git")
    for command in (["init", "-q", "-b", "main"], ["add", "a"], ["commit", "-q", "-m", "a"]):
        (tmp_path / "a").write_text("a")
        identity = ["-c", "user.name=n", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *command], check=True)
    return tmp_path


def test_a_checkout_names_its_commit_and_whether_it_was_changed(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    head = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    commit = measure.commit.__wrapped__
    assert commit(checkout) == head
    (checkout / "b").write_text("not tracked")
    assert commit(checkout) == head
    (checkout / "a").write_text("changed")
    assert commit(checkout) == f"{head}-dirty"
    subprocess.run(["git", "-C", str(checkout), "worktree", "add", "-q", "tree"], check=True)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert commit(checkout) == f"{head}-unchecked"
    assert commit(checkout / "tree") == f"{head}-unchecked"
    subprocess.run(["git", "-C", str(checkout), "pack-refs", "--all"], check=True)
    assert commit(checkout) == f"{head}-unchecked"


def test_what_is_no_checkout_names_none(tmp_path: Path) -> None:
    assert measure.commit.__wrapped__(tmp_path) is None
    (tmp_path / ".git").write_text("gitdir: nowhere")
    assert measure.commit.__wrapped__(tmp_path) is None


def test_a_metrics_digest_hangs_on_its_module_and_on_what_it_imports_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "gauges"
    package.mkdir()
    sources = {
        "__init__": "",
        "one": "import json\nfrom gauges.two import f\n",
        "two": "from gauges import three\ndef f(): pass\n",
        "three": "",
        "four": "",
    }
    for name, text in sources.items():
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    found = {}
    for changed in (None, "one", "two", "three", "four"):
        for name, text in sources.items():
            (package / f"{name}.py").write_text(text + ("# another comment\n" if name == changed else ""))
        found[changed] = code_digest.__wrapped__("gauges.one:f")
    assert found[None] == found["four"]
    assert len(set(found.values())) == 4
    assert code_digest("gauges.none:f") is None
    assert code_digest("nowhere.one:f") is None


def test_threads_are_unlike_only_where_both_sides_name_them() -> None:
    assert not measure.unlike({"opencv": 2}, {"opencv": 2, "torch": 1})
    assert not measure.unlike({}, {"opencv": 2})
    assert measure.unlike({"opencv": 2, "torch": 2}, {"opencv": 2, "torch": 1})
    assert measure.threads()["opencv"] >= 1
