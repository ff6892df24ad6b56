"""Marks drawn over photographs, whose place is known: most are found, little else is, and a photograph
without any stays as it is.
"""

import time

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont
from skimage import data

from inpainters.__main__ import main
from inpainters.errors import InputError
from inpainters.imaging import load_image, load_mask
from inpainters.uses.restoration import FINDERS, find_dust, find_marks, find_scratches, find_text

PHOTOS = {
    "coffee": data.coffee(),
    "chelsea": data.chelsea(),
    "camera": np.repeat(data.camera()[..., None], 3, 2),
}
SEEN = 25
"""Levels by which a mark must change a pixel to count as one."""


def blended(photo, cover, tone):
    """A photograph with a tone over it, and where that can be seen."""
    share = (cover / 255)[..., None]
    drawn = np.rint(photo * (1 - share) + np.array(tone) * share).astype(np.uint8)
    return drawn, (cover > 100) & (np.abs(drawn.astype(int) - photo).max(2) > SEEN)


def all_blended(photo, covers):
    truth = np.zeros(photo.shape[:2], bool)
    for cover, tone in covers:
        photo, mask = blended(photo, cover, tone)
        truth |= mask
    return photo, truth


def scratched(photo):
    """Eight scratches 1 to 3 pixels wide with soft edges, white and black, half of them upright, gently
    bent.
    """
    random, (height, width) = np.random.default_rng(3), photo.shape[:2]
    covers = []
    for number in range(8):
        angle = np.pi * (0.5 if number % 2 else random.uniform(0.3, 0.7))
        along = np.array([np.cos(angle), np.sin(angle)])
        t = np.linspace(-0.5, 0.5, 60)[:, None]
        middle = np.array([(number + 0.5) / 8, random.uniform(0.25, 0.75)]) * (width, height)
        points = middle + along * t * 0.5 * height + along[::-1] * (-1, 1) * np.cos(3 * t) * 0.02 * height
        cover = np.zeros((height, width), np.uint8)
        cv2.polylines(
            cover, [np.rint(points * 16).astype(np.int32)], False, 255, 1 + number % 3, cv2.LINE_AA, 4
        )
        covers.append((cover, (235, 235, 235) if number % 3 else (12, 12, 12)))
    return all_blended(photo, covers)


def dusty(photo):
    """Thirty round specks 4 to 8 pixels across."""
    random, (height, width) = np.random.default_rng(5), photo.shape[:2]
    covers = []
    for number in range(30):
        cover = np.zeros((height, width), np.uint8)
        centre = tuple(int(16 * part) for part in random.uniform(0.03, 0.97, 2) * (width, height))
        cv2.circle(cover, centre, int(16 * random.uniform(2, 4)), 255, -1, cv2.LINE_AA, 4)
        covers.append((cover, (240, 240, 240) if number % 2 else (8, 8, 8)))
    return all_blended(photo, covers)


def captioned(photo, *, share=1.0, tone=(255, 255, 255)):
    """A caption and a date."""
    height, width = photo.shape[:2]
    layer = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(layer)
    for text, x, y in (("Sample Photo 2024", 0.05, 0.86), ("12.08.1997", 0.6, 0.1)):
        pen.text((x * width, y * height), text, fill=255, font=ImageFont.load_default(height // 16))
    cover = np.asarray(layer)
    drawn, truth = blended(photo, (cover * share).astype(np.uint8), tone)
    return drawn, (cover > 100) & (np.abs(drawn.astype(int) - photo).max(2) > SEEN) if share < 1 else truth


def grown(mask, pixels):
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)) > 0


def rates(found, truth, edge=2):
    """Precision and recall, a mark's edge forgiven."""
    return (found & grown(truth, edge)).sum() / found.sum(), (truth & grown(found, 1)).sum() / truth.sum()


DRAWN = {"scratches": scratched, "dust": dusty, "text": captioned}


BOUNDS = {"scratches": (0.7, 0.8), "dust": (0.7, 0.5), "text": (0.9, 0.25)}
"""Kind -> least precision and recall in the worst of PHOTOS: marks lie on grass, fur and wood too."""
CLEAN = {"scratches": 0.015, "dust": 0.002, "text": 0.0}
"""Kind -> largest share of a photograph without any that is found all the same: a tripod, whiskers, a rim."""


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("kind", DRAWN)
def test_most_of_what_was_drawn_is_found_and_little_else(photo, kind):
    before = PHOTOS[photo].copy()
    drawn, truth = DRAWN[kind](PHOTOS[photo])
    found = FINDERS[kind](drawn)
    assert (found.shape, found.dtype) == (truth.shape, bool)
    precision, recall = rates(found, truth)
    assert precision >= BOUNDS[kind][0]
    assert recall >= BOUNDS[kind][1]
    assert FINDERS[kind](before).mean() <= CLEAN[kind]
    assert (PHOTOS[photo] == before).all()


@pytest.mark.parametrize("kind", DRAWN)
def test_on_a_smooth_background_nearly_all_is_found(kind):
    rows, columns = np.mgrid[:400, :600]
    sky = np.dstack([90 + rows // 8, 120 + columns // 12, 150 + rows // 10]).astype(np.uint8)
    drawn, truth = DRAWN[kind](sky)
    precision, recall = rates(FINDERS[kind](drawn), truth, edge=3)
    assert precision > 0.9
    assert recall > {"scratches": 0.8, "dust": 0.85, "text": 0.95}[kind]
    assert not FINDERS[kind](sky).any()


def test_a_watermark_that_lets_half_through_is_found_on_a_smooth_background():
    sky = np.full((400, 600, 3), (90, 120, 160), np.uint8)
    drawn, truth = captioned(sky, share=0.4)
    precision, recall = rates(find_text(drawn), truth, edge=3)
    assert min(precision, recall) > 0.9


def test_rows_of_windows_are_no_text():
    wall = np.full((300, 500, 3), 170, np.uint8)
    for x in range(30, 460, 40):
        for y in range(30, 250, 60):
            wall[y : y + 30, x : x + 18] = 60
    assert not find_text(wall).any()


def test_an_edge_is_no_scratch_and_a_larger_disc_no_dust():
    step = np.full((300, 300, 3), 60, np.uint8)
    step[:, 150:] = 200
    assert not find_scratches(step).any()
    disc = cv2.circle(np.full((300, 300, 3), 60, np.uint8), (150, 150), 20, (200, 200, 200), -1, cv2.LINE_AA)
    assert not find_dust(disc).any()


def test_what_is_bright_is_found_as_what_is_dark():
    drawn, _ = scratched(PHOTOS["camera"])
    one, other = find_dust(drawn), find_dust(255 - drawn)
    assert (one == other).all()
    assert (
        find_text(captioned(PHOTOS["camera"])[0]) == find_text(255 - captioned(PHOTOS["camera"])[0])
    ).all()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 3), (40, 40)])
def test_small_pictures_have_masks_of_their_size(size):
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    for find in FINDERS.values():
        assert find(picture).shape == size


@pytest.mark.slow
def test_a_large_picture_is_searched_small_and_in_time():
    large = cv2.resize(PHOTOS["coffee"], (2400, 1600), interpolation=cv2.INTER_CUBIC)
    cv2.line(large, (300, 200), (1900, 1400), (250, 250, 250), 7, cv2.LINE_AA)
    begun = time.process_time()
    found = find_marks(large, FINDERS)
    assert time.process_time() - begun < 6  # alone each takes about half a second
    assert found.shape == (1600, 2400)
    middle = [found[y, x] for x, y in zip(range(300, 1900, 8), range(200, 1400, 6), strict=True)]
    assert np.mean(middle) > 0.5


def test_the_command_fills_what_it_finds_and_shows_it(tmp_path, capsys):
    rows, columns = np.mgrid[:200, :300]
    clean = np.dstack([100 + rows // 4, 110 + columns // 6, np.full_like(rows, 150)]).astype(np.uint8)
    drawn, truth = scratched(clean)
    Image.fromarray(drawn).save(tmp_path / "old.png")
    asked = [
        "restore",
        str(tmp_path / "old.png"),
        "-o",
        str(tmp_path / "new" / "out.png"),
        "--method",
        "telea",
    ]
    more = ["--save-mask", str(tmp_path / "mask.png"), "--beside", str(tmp_path / "beside.png")]
    assert main([*asked, *more, "--find", "scratches"]) == 0
    assert "of the picture, filled by Telea" in capsys.readouterr().out
    result = load_image(tmp_path / "new" / "out.png").image
    mask, _ = load_mask(tmp_path / "mask.png")
    assert (result[~mask] == drawn[~mask]).all()
    error, before = (np.abs(one.astype(float) - clean)[truth].mean() for one in (result, drawn))
    assert error < before / 3
    assert load_image(tmp_path / "beside.png").image.shape == (200, 3 * 300 + 16, 3)
    for wrong, words in (
        (asked, "--overwrite"),
        ([*asked, "--overwrite", "--find", "scratch"], "did you mean 'scratches'"),
        ([*asked, "--overwrite", "--find", ","], "Name what to find"),
        ([*asked, "--overwrite", "--beside", str(tmp_path / "b.jpg")], "name a .png file"),
        ([*asked, "--overwrite", "--save-mask", str(tmp_path / "new" / "out.png")], "to one file"),
        ([*asked, "--overwrite", "--method", "teleaa"], "did you mean 'telea'"),
    ):
        assert main(wrong) == 2
        assert words in capsys.readouterr().err


def test_a_photograph_without_marks_comes_back_as_it_is(tmp_path, capsys):
    Image.new("RGB", (80, 60), (90, 100, 110)).save(tmp_path / "plain.png")
    asked = ["restore", str(tmp_path / "plain.png"), "-o", str(tmp_path / "out.png"), "--method", "telea"]
    assert main([*asked, "--find", "scratches,dust,text"]) == 0
    assert (load_image(tmp_path / "out.png").image == (90, 100, 110)).all()
    assert capsys.readouterr().err.startswith("plain.png: The mask is empty")


def test_arrays_that_are_no_pictures_are_refused():
    with pytest.raises(InputError, match="uint8 array in RGB"):
        find_marks(np.zeros((4, 4)), ["dust"])
