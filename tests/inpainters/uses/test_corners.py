"""What is turned or rectified agrees with scikit-image; what is empty is the mask, and is filled."""

import numpy as np
import pytest
from PIL import Image
from skimage import data, filters, transform

from inpainters.__main__ import main
from inpainters.errors import InputError
from inpainters.imaging import load_image, load_mask
from inpainters.uses.corners import rectified, straightened, without_borders

PHOTO = data.coffee()[::2, ::2].copy()
SMOOTH = (255 * filters.gaussian(PHOTO, 3, channel_axis=2)).round().astype(np.uint8)
"""Half a pixel, by which canvases may differ, changes it little."""


@pytest.mark.parametrize("degrees", [-20.0, 3.2, 12.5])
def test_turned_as_scikit_image_turns(degrees):
    picture, mask = straightened(SMOOTH, degrees)
    expected = transform.rotate(SMOOTH, degrees, resize=True, order=3, preserve_range=True)
    assert np.abs(np.subtract(picture.shape, expected.shape)).max() <= 1
    height, width = (
        min(one, other) for one, other in zip(picture.shape[:2], expected.shape[:2], strict=True)
    )
    inside = ~mask[:height, :width]
    assert np.abs(picture[:height, :width] - expected[:height, :width])[inside].mean() < 2
    assert (~mask).sum() == pytest.approx(PHOTO.shape[0] * PHOTO.shape[1], rel=0.02)
    assert not picture[mask].any()


def test_no_turn_changes_nothing():
    picture, mask = straightened(PHOTO, 0.0)
    assert (picture == PHOTO).all()
    assert not mask.any()
    picture, mask = rectified(PHOTO, [(50, 40), (200, 40), (200, 150), (50, 150)])
    assert picture.shape == PHOTO.shape
    assert (picture[~mask] == PHOTO[~mask]).mean() > 0.99
    assert mask.mean() < 0.01


def test_a_board_seen_askew_becomes_upright():
    board = np.kron(np.indices((6, 8)).sum(0) % 2, np.ones((25, 25)))
    flat = np.full((250, 300), 0.5)
    flat[50:200, 50:250] = board
    upright = np.array([(50, 50), (250, 50), (250, 200), (50, 200)], float)
    askew = upright + [(10, 5), (-20, 18), (8, -12), (-5, 10)]
    seen = transform.warp(flat, transform.ProjectiveTransform.from_estimate(askew, upright), mode="edge")
    photo = np.repeat((255 * seen).round().astype(np.uint8)[..., None], 3, 2)
    picture, mask = rectified(photo, [tuple(corner) for corner in askew])
    board_seen = picture[..., 0] > 127
    rows = [board_seen[row, 70:230] for row in (80, 105, 130)]
    columns = np.diff(rows[0].astype(int)).nonzero()[0]
    for row in rows[1:]:
        assert np.abs(np.diff(row.astype(int)).nonzero()[0] - columns).max() <= 1
    assert 0 < mask.mean() < 0.2


def test_black_borders_are_found_and_dark_things_inside_are_not():
    picture = np.full((100, 200, 3), 120, np.uint8)
    edge = (10 + 6 * np.sin(np.arange(200) / 9)).astype(int)
    empty = np.arange(100)[:, None] < edge
    picture[empty] = 3
    picture[50:60, 80:90] = 0
    found, mask = without_borders(picture)
    assert mask[empty].all()
    assert not mask[22:].any()
    assert (found[~mask] == picture[~mask]).all()


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: straightened(PHOTO, 60), "between -45 and 45"),
        (lambda: straightened(PHOTO, float("nan")), "between -45 and 45"),
        (lambda: rectified(PHOTO, [(0, 0), (9, 9)]), "four corners"),
        (lambda: rectified(PHOTO, [(0, 0), (0, 90), (90, 90), (90, 0)]), "clockwise"),
        (lambda: rectified(PHOTO, [(140, 20), (160, 20), (290, 190), (10, 190)]), "horizon"),
        (lambda: without_borders(np.full((9, 9, 3), 99, np.uint8)), "No border"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_the_command_turns_and_fills(tmp_path, capsys):
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    asked = ["straighten", str(tmp_path / "photo.png"), "--method", "telea", "--overwrite"]
    asked += ["-o", str(tmp_path / "out.png"), "--save-mask", str(tmp_path / "mask.png")]
    expected = {
        ("--angle", "-4"): straightened(PHOTO, -4),
        ("--corners", "20,20", "270,12", "260,180", "25,170"): rectified(
            PHOTO, [(20, 20), (270, 12), (260, 180), (25, 170)]
        ),
    }
    for more, (picture, mask) in expected.items():
        assert main([*asked, *more]) == 0
        result = load_image(tmp_path / "out.png").image
        assert (result[~mask] == picture[~mask]).all()
        assert result[mask].mean() > 20
        assert (load_mask(tmp_path / "mask.png")[0] == mask).all()
    for more, words in (
        ([], "One of the arguments"),
        (["--panorama"], "No border"),
        (["--corners", "1,1", "2", "3,3", "4,4"], "x,y"),
    ):
        assert main([*asked, *more]) == 2
        assert words in capsys.readouterr().err


def test_what_the_file_has_is_kept_and_what_is_not_is_said(tmp_path, capsys):
    bordered = PHOTO.copy()
    bordered[:12] = 0
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    alpha = np.full(PHOTO.shape[:2], 200, np.uint8)
    Image.fromarray(np.dstack([bordered, alpha])).save(tmp_path / "photo.png", exif=tags)
    asked = ["straighten", str(tmp_path / "photo.png"), "--method", "telea", "--overwrite"]
    corners = ["--corners", "20,20", "270,12", "260,180", "25,170"]
    for more, mode, said in (
        (["--panorama"], "RGBA", ""),
        (["--angle", "0"], "RGB", "photo.png: Alpha was dropped.\nphoto.png: The mask is empty"),
        (corners, "RGB", "photo.png: Alpha was dropped.\n"),
    ):
        assert main([*asked, *more, "-o", str(tmp_path / "out.png")]) == 0
        assert capsys.readouterr().err.startswith(said)
        with Image.open(tmp_path / "out.png") as kept:
            assert (kept.mode, dict(kept.getexif())) == (mode, {0x010F: "Maker"})


def test_transparent_borders_of_a_panorama_are_filled(tmp_path):
    alpha = np.full(PHOTO.shape[:2], 255, np.uint8)
    alpha[:12, :80] = 0
    Image.fromarray(np.dstack([PHOTO, alpha])).save(tmp_path / "wide.png")
    asked = ["straighten", str(tmp_path / "wide.png"), "-o", str(tmp_path / "out.png"), "--panorama"]
    assert main([*asked, "--method", "telea"]) == 0
    result = load_image(tmp_path / "out.png").image
    assert (result[alpha > 0] == PHOTO[alpha > 0]).all()
    assert (result[alpha == 0] != PHOTO[alpha == 0]).any()
