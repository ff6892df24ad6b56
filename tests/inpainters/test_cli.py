"""`python -m inpainters`: exit codes, one sentence, no traceback."""

import errno
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image as PilImage
from skimage.data import chelsea

from inpainters import __main__ as cli
from inpainters import inpaint
from inpainters.errors import InputError
from inpainters.imaging import load_image, save_png
from inpainters.methods.classical.opencv import Telea
from inpainters.registry import METHODS

CAT = chelsea()[100:140, 120:180]


@pytest.fixture
def files(tmp_path):
    mask = np.zeros((40, 60), bool)
    mask[10:15, 10:20] = True
    for folder, picture in (("photos", CAT), ("masks", mask)):
        (tmp_path / folder).mkdir()
        for stem in ("a", "b"):
            save_png(tmp_path / folder / f"{stem}.png", picture)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    save_png(tmp_path / "small.png", mask[:20])
    return tmp_path


def fill(files, *arguments):
    return cli.main(
        ["fill", *(str(files / part) if "/" in part or part.endswith(".png") else part for part in arguments)]
    )


def test_one_photograph(files):
    assert (
        fill(
            files,
            "photos/a.png",
            "masks/a.png",
            "--method",
            "telea",
            "-o",
            "out/x.png",
            "--option",
            "radius=5",
        )
        == 0
    )
    result = load_image(files / "out/x.png").image
    assert np.array_equal(result[:10], CAT[:10])
    assert (result[10:15, 10:20] != CAT[10:15, 10:20]).any()


def test_folders_methods_and_seeds(files):
    assert (
        fill(
            files, "photos/", "masks/", "--method", "telea,mean_fill", "-o", "out/", "--n", "2", "--seed", "3"
        )
        == 0
    )
    found = sorted(str(path.relative_to(files / "out")) for path in (files / "out").rglob("*.png"))
    assert found == [
        f"{method}/{stem}-{seed}.png" for method in ("mean_fill", "telea") for stem in "ab" for seed in (3, 4)
    ]


def test_a_strip_shows_the_answers_side_by_side(files):
    base = ("photos/", "masks/", "--method", "telea,mean_fill", "-o", "out/", "--n", "3", "--strip")
    assert fill(files, *base) == 0
    for method in ("telea", "mean_fill"):
        strip = load_image(files / f"out/{method}/a-strip.png").image
        assert strip.shape == (40, 3 * 60 + 2 * 8, 3)
        for i in range(3):
            assert np.array_equal(
                strip[:, 68 * i : 68 * i + 60], load_image(files / f"out/{method}/a-{i}.png").image
            )
        assert (strip[:, 60:68] == 255).all()


def test_several_answers_come_in_a_list():
    mask = np.zeros((40, 60), bool)
    mask[10:15, 10:20] = True
    alone = [inpaint(CAT, mask, "shift_map", seed=seed) for seed in (3, 4)]
    assert np.array_equal(inpaint(CAT, mask, "shift_map", seed=3, n=2), alone)
    assert np.array_equal(inpaint(CAT, mask, "shift_map", seed=3, n=1), alone[:1])
    with pytest.raises(InputError, match="n must lie between 1 and 64"):
        inpaint(CAT, mask, n=0)


def test_the_list_has_the_network_calls_of_each_preset(capsys):
    assert cli.main(["list"]) == 0
    assert "  repaint: preview 57, balanced 460, paper 2,410\n" in capsys.readouterr().out


@pytest.mark.parametrize("terminal", [True, False])
def test_the_price_of_a_diffusion_run_is_said_to_a_person(files, capsys, monkeypatch, terminal):
    """A method whose network calls its options set stands in for one whose weights may be absent."""
    priced = replace(METHODS["telea"], calls=f"{__name__}:two_per_radius")
    monkeypatch.setitem(METHODS, "telea", priced)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    assert fill(files, *BASE, "--method", "telea", "-o", "out/", "--n", "4", "--option", "radius=5") == 0
    assert ("a.png: Telea: 40 network calls, under 1 s.\n" in capsys.readouterr().err) is terminal


def two_per_radius(name, options):
    return round(2 * options["radius"])


def test_a_sketch_that_the_method_does_not_follow_is_said(files, capsys):
    assert (
        fill(
            files,
            "photos/a.png",
            "masks/a.png",
            "--method",
            "telea",
            "-o",
            "out/x.png",
            "--guide",
            str(files / "masks/b.png"),
        )
        == 0
    )
    assert "follows no sketch" in capsys.readouterr().err


def test_a_sketch_of_another_size_is_refused(files, capsys):
    assert (
        fill(
            files,
            "photos/a.png",
            "masks/a.png",
            "--method",
            "telea",
            "-o",
            "out/x.png",
            "--guide",
            str(files / "small.png"),
        )
        == 2
    )
    assert "The guide is 60×20, the picture 60×40" in capsys.readouterr().err


BASE = ("photos/a.png", "masks/a.png")


def test_a_faint_sketch_is_refused_as_a_sketch(files, capsys):
    save_png(files / "faint.png", np.arange(40 * 60, dtype=np.uint8).reshape(40, 60) % 80)
    assert fill(files, *BASE, "--method", "telea", "-o", "x/", "--guide", str(files / "faint.png")) == 2
    assert "where the sketch has its lines" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((*BASE, "--method", "talea", "-o", "x/"), "did you mean 'telea'"),
        ((*BASE, "--method", ",", "-o", "x/"), "Name a method"),
        ((*BASE, "--method", "telea:radius=3,telea:radius=5", "-o", "x/"), "named twice"),
        ((*BASE, "--method", "telea", "-o", "x.jpg"), "may change the known pixels"),
        ((*BASE, "--method", "telea,mean_fill", "-o", "x.png"), "written to a folder"),
        ((*BASE, "--method", "telea", "-o", "x/", "--option", "radius"), "name=value"),
        ((*BASE, "--method", "telea", "-o", "x/", "--option", "radios=3"), "did you mean 'radius'"),
        ((*BASE, "--method", "mean_fill,telea", "-o", "x/", "--option", "radios=3"), "did you mean 'radius'"),
        ((*BASE, "--method", "telea", "-o", "x/", "--n", "0"), "n must lie"),
        ((*BASE, "--method", "telea", "-o", "x/", "--strip"), "--n 2 or more"),
        ((*BASE, "--method", "telea", "-o", "x/", "--seed", "x"), "invalid int value"),
        ((*BASE, "--method", "telea", "-o", "x/", "--device", "gpu"), "unknown device"),
        (
            (*BASE, "--method", "telea", "-o", "x/", "--weights", "no-such-folder"),
            "no folder 'no-such-folder'",
        ),
        ((*BASE, "--method", "telea", "-o", ""), "path is empty"),
        ((*BASE, "--methd", "telea", "-o", "x/"), "did you mean '--method'"),
        ((*BASE, "--method", "telea"), "required: -o/--out"),
        ((*BASE, "more.png", "--method", "telea", "-o", "x/"), "nrecognized arguments"),
        (("broken.png", "masks/a.png", "--method", "telea", "-o", "x/"), "not a picture"),
        (("none.png", "masks/a.png", "--method", "telea", "-o", "x/"), "There is no file"),
        (("photos/a.png", "small.png", "--method", "telea", "-o", "x/"), "Use the same size"),
        (("photos/a.png", "masks/", "--method", "telea", "-o", "x/"), "needs one mask"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(files, capsys, arguments, sentence):
    arguments = [str(files / "x.jpg") if part == "x.jpg" else part for part in arguments]
    assert fill(files, *arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert error.count("\n") == 1


def test_one_bad_photograph_of_several_is_exit_1(files, capsys):
    (files / "photos/b.png").write_bytes(b"")
    assert fill(files, "photos/", "masks/", "--method", "telea", "-o", "out/") == 1
    assert "is empty" in capsys.readouterr().err
    assert (files / "out/a.png").exists()


@pytest.mark.parametrize("arguments", [["fil"], ["fil", "a", "b", "--method", "telea"]])
def test_unknown_command(capsys, arguments):
    assert cli.main(arguments) == 2
    assert capsys.readouterr().err == "unknown command 'fil'; did you mean 'fill'?\n"


def test_help_of_every_command_is_exit_0(capsys):
    for command in ([], ["list"], ["fill"], ["fetch"]):
        with pytest.raises(SystemExit) as stop:
            cli.main([*command, "-h"])
        assert stop.value.code == 0
    assert "fetch" in capsys.readouterr().out


def test_the_help_leaves_no_command_out(capsys):
    with pytest.raises(SystemExit):
        cli.main(["-h"])
    said = capsys.readouterr().out
    assert said.startswith("usage: python -m inpainters [-h] COMMAND ...\n")
    commands = ("list", "fill", "check", "probe", "fetch", "video", "augment", "restore", "parallax")
    for command in (*commands, "straighten"):
        assert f"\n    {command}" in said
        assert command in cli.__doc__


def test_a_method_that_breaks_on_one_photograph_goes_on(files, capsys, monkeypatch):
    whole = Telea.fill

    def broken(self, piece):
        if piece.image[0, 0, 0] == CAT[0, 0, 0]:
            raise RuntimeError("no luck")
        return whole(self, piece)

    save_png(files / "photos/b.png", 255 - CAT)
    monkeypatch.setattr(Telea, "fill", broken)
    assert fill(files, "photos/", "masks/", "--method", "telea", "-o", "out/") == 1
    assert capsys.readouterr().err == "a.png: RuntimeError: no luck\n"
    assert [path.name for path in (files / "out").iterdir()] == ["b.png"]


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [(OSError(errno.ENOSPC, ""), 2, "disk is full"), (KeyboardInterrupt(), 130, "kept")],
)
def test_full_disk_and_stop(files, capsys, monkeypatch, error, code, word):
    def fail(path, image):
        raise error

    monkeypatch.setattr(cli, "save_bytes", fail)
    assert fill(files, *BASE, "--method", "telea", "-o", "out/") == code
    assert word in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("photos/", "masks/", "-o", "photos/"), "'a.png' is an input, and 1 more are there"),
        (("photos/", "masks/", "-o", "masks/"), "'a.png' is an input"),
        (("photos/a.png", "masks/a.png", "-o", "photos/a.png"), "'a.png' is an input"),
        (("photos/a.png", "masks/a.png", "-o", "masks/a.png"), "'a.png' is an input"),
        (("photos/a.png", "masks/a.png", "-o", "photos/b.png"), "'b.png' is there already"),
        (("photos/a.png", "masks/a.png", "-o", "photos/"), "'a.png' is an input"),
        (("linked/a.png", "masks/a.png", "-o", "photos/"), "'a.png' is an input"),
        (("photos/", "masks/b.png", "-o", "mean_fill/../masks/"), "'b.png' is an input"),
    ],
)
def test_nothing_that_is_there_is_written_over(files, capsys, arguments, named):
    (files / "linked").symlink_to(files / "photos")
    (files / "mean_fill").mkdir()
    before = {path: path.read_bytes() for path in files.rglob("*.png")}
    assert fill(files, *arguments, "--method", "mean_fill") == 2
    assert named in (said := capsys.readouterr().err)
    assert "--overwrite" in said
    assert {path: path.read_bytes() for path in files.rglob("*.png")} == before


def test_overwrite_replaces(files):
    target = files / "photos/a.png"
    before = target.read_bytes()
    assert fill(files, *BASE, "-o", "photos/a.png", "--method", "mean_fill", "--overwrite") == 0
    assert target.read_bytes() != before


@pytest.mark.parametrize("out", ["afile/x.png", "afile/x/", "/proc/x/"])
def test_a_place_that_cannot_be_written_is_told_before_the_work(files, capsys, monkeypatch, out):
    (files / "afile").write_text("")
    monkeypatch.setattr(Telea, "fill", lambda *_: pytest.fail("it began"))
    assert fill(files, *BASE, "-o", out, "--method", "telea") == 2
    assert "choose another place" in capsys.readouterr().err


def test_what_the_file_had_it_keeps_and_plain_gives_the_pixels_alone(files, capsys):
    alpha = np.full((40, 60), 200, np.uint8)
    tags = PilImage.Exif()
    tags[0x010F] = "Maker"
    PilImage.fromarray(np.dstack([CAT, alpha])).save(files / "photos/a.png", exif=tags)
    assert fill(files, *BASE, "--method", "telea", "-o", "out/") == 0
    assert capsys.readouterr().err == ""
    assert fill(files, *BASE, "--method", "telea", "-o", "plain/", "--plain", "--n", "2") == 0
    assert "Alpha was dropped" in capsys.readouterr().err
    with PilImage.open(files / "out/a.png") as kept, PilImage.open(files / "plain/a-1.png") as plain:
        assert (kept.mode, dict(kept.getexif())) == ("RGBA", {0x010F: "Maker"})
        assert (plain.mode, dict(plain.getexif())) == ("RGB", {})
        assert np.array_equal(np.asarray(kept)[..., :3], np.asarray(plain))


def test_a_photographs_own_alpha_is_the_mask(files, capsys):
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[10:15, 10:20] = 0
    for stem in "ab":
        PilImage.fromarray(np.dstack([CAT, alpha])).save(files / f"photos/{stem}.png")
    assert fill(files, "photos/", "--mask", "alpha", "--method", "telea", "-o", "alpha/") == 0
    assert fill(files, "photos/", "masks/", "--method", "telea", "-o", "masked/") == 0
    for stem in "ab":
        assert (files / f"alpha/{stem}.png").read_bytes() == (files / f"masked/{stem}.png").read_bytes()
    assert fill(files, "masks/a.png", "--mask", "alpha", "--method", "telea", "-o", "x/") == 2
    assert "'a.png' has no transparent pixels" in capsys.readouterr().err


@pytest.mark.parametrize("masks", [(), ("masks/a.png", "--mask", "alpha")])
def test_one_mask_is_named_and_no_more(files, capsys, masks):
    assert fill(files, "photos/a.png", *masks, "--method", "telea", "-o", "x/") == 2
    assert "Name one mask" in capsys.readouterr().err


def test_a_dry_run_says_the_pairs_and_writes_nothing(files, capsys):
    (files / "photos/below").mkdir()
    for name in ("photos/c.png", "photos/below/a.png", "photos/below/a_mask.png"):
        save_png(files / name, CAT)
    before = sorted(files.rglob("*"))
    assert fill(files, "photos/", "masks/", "--method", "telea,mean_fill", "-o", "out/", "--dry-run") == 0
    said = capsys.readouterr().out.splitlines()
    assert f"{files}/photos/a.png + {files}/masks/a.png -> {files}/out/telea/a.png" in said
    assert len([line for line in said if " -> " in line]) == 4
    assert "Photographs without a mask (3): below/a.png, below/a_mask.png, c.png." in said
    assert said[-1] == "2 pairs; nothing was written."
    assert sorted(files.rglob("*")) == before


def test_photographs_without_a_mask_are_listed_and_the_others_filled(files, capsys):
    for name in ("photos/c.png", "masks/d.png"):
        save_png(files / name, CAT)
    assert fill(files, "photos/", "masks/", "--method", "telea", "-o", "out/") == 1
    error = capsys.readouterr().err
    assert "Photographs without a mask (1): c.png." in error
    assert "Masks without a photograph (1): d.png." in error
    assert sorted(path.name for path in (files / "out").iterdir()) == ["a.png", "b.png"]
