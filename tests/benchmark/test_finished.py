"""Whether a finished run used the same files."""

from pathlib import Path

import pytest

from benchmark.finished import used_by


@pytest.mark.parametrize("masks", ["folder:{}", "object,folder:{}:natural"], ids=["in bins", "in one column"])
def test_a_mask_that_was_changed_in_a_folder_of_masks_is_noticed(masks: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"one")
    asked = {"masks": masks.format(tmp_path)}
    before = used_by(asked)
    assert used_by(asked) == before
    (tmp_path / "a.png").write_bytes(b"another")
    assert used_by(asked) != before
