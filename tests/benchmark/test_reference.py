"""References: features of other photographs, made once and shared as a file."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save_file
from skimage.data import astronaut, coffee

import benchmark
from benchmark import reference
from benchmark.__main__ import main
from benchmark.metrics import METRICS
from benchmark.metrics.frechet import frechet_distance
from benchmark.metrics.kernel import independent_distance, kernel_distance
from inpainters.errors import InputError
from inpainters.imaging import load_image, save_png

SETS = ["colours_f", "colours_k"]


class Colours:
    """Means and deviations of the channels, for a test without weights."""

    feature_key = "colours"

    def __init__(self, distance):
        self.apart = distance

    def features(self, images):
        rows = [np.concatenate([i.mean((0, 1)), i.std((0, 1))]) for i in (x.astype(float) for x in images)]
        return np.array(rows, np.float32)

    def distance(self, one, other):
        return float(np.abs(one.mean(0) - other.mean(0)).sum())

    def independent(self, one, other):
        return self.apart(one, other)


@pytest.fixture
def colours(monkeypatch):
    """Two metrics of sets that need no weights, in place of the others of sets."""
    before = dict(METRICS)
    for name in SETS:
        spec = replace(METRICS["fd_squeeze"], name=name, weights=None, requires=(), target=f"{name}:x")
        METRICS[name] = spec
    for name in [name for name, spec in METRICS.items() if spec.kind == "set" and name not in SETS]:
        del METRICS[name]
    made = dict(zip(SETS, (frechet_distance, independent_distance), strict=True))
    create = benchmark.metrics.create
    monkeypatch.setattr(
        benchmark.metrics,
        "create",
        lambda name, *a: Colours(made[name]) if name in made else create(name, *a),
    )
    yield
    METRICS.clear()
    METRICS.update(before)  # in the order that it had


@pytest.fixture
def folders(tmp_path):
    """Outputs beside their originals and masks, and other photographs."""
    for i in range(4):
        original = astronaut()[50 * i : 50 * i + 60, 100:180]
        mask = np.zeros((60, 80), bool)
        mask[:20] = True
        output = np.where(mask[..., None], np.uint8(90), original)
        for name, picture in (("originals", original), ("outputs", output), ("masks", mask)):
            (tmp_path / name).mkdir(exist_ok=True)
            save_png(tmp_path / name / f"p{i}.png", picture if name != "masks" else mask)
    (tmp_path / "others").mkdir()
    for i in range(5):
        save_png(tmp_path / "others" / f"o{i}.png", np.ascontiguousarray(coffee()[60 * i : 60 * i + 60, :90]))
    return tmp_path


def test_sets_are_compared_with_the_reference_and_pictures_with_their_originals(colours, folders):
    file = folders / "coffee.safetensors"
    made = reference.make_reference("coffee", folders / "others", file)
    assert (made.name, made.n) == ("coffee", 5)
    three = [folders / name for name in ("originals", "outputs", "masks")]
    paired = benchmark.evaluate(*three, only=["l1", *SETS])
    other = benchmark.evaluate(*three, only=["l1", *SETS], reference=file)
    assert other.interval("l1", "hole") == paired.interval("l1", "hole")
    outputs = Colours(None).features([load_image(folders / "outputs" / f"p{i}.png").image for i in range(4)])
    rows = other.rows[other.rows["image_id"] == ""].set_index("metric")["value"]
    assert rows["colours_f"] == pytest.approx(frechet_distance(made.features["colours"], outputs))
    assert rows["colours_k"] == pytest.approx(independent_distance(made.features["colours"], outputs))
    told = benchmark.evaluation.markdown_of_evaluation(other)
    assert f"5 photographs of 'coffee' (sha256 {made.sha256[:16]})" in told
    assert "`colours_f`, whole set, independent" in told
    assert other.provenance["reference"] == {
        "kind": "independent",
        "name": "coffee",
        "n": 5,
        "sha256": made.sha256,
        "pictures": made.pictures,
        "weights": {"colours": ""},
    }
    told = benchmark.evaluation.markdown_of_evaluation(paired)
    assert "coffee" not in told
    assert "`colours_f`, whole set, paired" in told
    assert "Distances of the whole set are paired: to the originals of the same pictures." in told


def test_distances_of_few_photographs_are_slanted_and_said_to_be_biased(colours, folders, capsys):
    three = [f"--{name}={folders / name}" for name in ("originals", "outputs", "masks")]
    METRICS["colours_k"] = replace(METRICS["colours_k"], fair_n=5)
    METRICS["colours_f"] = replace(METRICS["colours_f"], fair_n=4)
    command = ["evaluate", *three, "--metrics", ",".join(["l1", *SETS])]
    assert main(command) == 0
    told = capsys.readouterr().out
    assert re.search(r"`colours_k`, whole set, paired \| +\*[\d.]+\*", told)
    assert re.search(r"`colours_f`, whole set, paired \| +[\d.]+ ", told)
    assert "*Slanted values rest on fewer than 5 photographs and are biased upwards: " in told
    assert "fewer than 4" not in told
    # the reference is the smaller one
    for i in (3, 4):
        (folders / "others" / f"o{i}.png").unlink()
    reference.make_reference("few", folders / "others", folders / "few.safetensors")
    assert main([*command, "--reference", str(folders / "few.safetensors")]) == 0
    assert "*Slanted values rest on fewer than 4 photographs" in capsys.readouterr().out


def test_features_are_taken_in_batches_and_kept(colours, folders, monkeypatch):
    sizes, features = [], Colours.features
    monkeypatch.setattr(
        Colours, "features", lambda self, images: sizes.append(len(images)) or features(self, images)
    )
    three = [folders / name for name in ("originals", "outputs", "masks")]
    given = {"only": SETS, "out": folders / "out"}
    first = benchmark.evaluate(*three, **given, batch=3)
    assert sizes == [6, 2]  # originals and outputs
    assert benchmark.evaluate(*three, only=SETS, batch=1).rows.equals(first.rows)
    sizes.clear()
    assert benchmark.evaluate(*three, **given).rows.equals(first.rows)
    assert sizes == []
    picture = load_image(folders / "outputs" / "p1.png").image.copy()
    picture[0] = 0
    save_png(folders / "outputs" / "p1.png", picture)
    assert not benchmark.evaluate(*three, **given).rows.equals(first.rows)
    assert sizes == [2]


def test_a_reference_is_made_in_batches_on_the_device_that_is_named(colours, folders, monkeypatch):
    sizes, devices, features, create = [], [], Colours.features, benchmark.metrics.create
    monkeypatch.setattr(
        Colours, "features", lambda self, images: sizes.append(len(images)) or features(self, images)
    )
    monkeypatch.setattr(benchmark.metrics, "create", lambda *a: devices.append(a[1]) or create(*a))
    files = [folders / f"{n}.safetensors" for n in range(2)]
    one = reference.make_reference("a", folders / "others", files[0])
    assert (sizes, set(devices)) == ([5], {"cpu"})
    monkeypatch.setattr(reference, "chosen_device", lambda device: {"auto": "cuda"}[device])
    given = ["--pictures", str(folders / "others"), "--out", str(files[1]), "--batch", "2"]
    assert main(["reference", "a", *given]) == 0
    assert (sizes, devices[-1]) == ([5, 2, 2, 1], "cuda")
    assert reference.open_reference(files[1]).sha256 == one.sha256


def test_one_that_was_broken_off_goes_on_and_ends_as_it_would_have(colours, folders, monkeypatch):
    monkeypatch.setattr(reference, "_PART", 2)
    others, out = folders / "others", folders / "out.safetensors"
    parts = folders / "out.safetensors.parts"
    looked_at, features = [], Colours.features

    def dies(self, images):
        if len(looked_at) == 2:
            raise KeyboardInterrupt
        return looks(self, images)

    def looks(self, images):
        looked_at.append(len(images))
        return features(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(Colours, "features", dies)
        with pytest.raises(KeyboardInterrupt):
            reference.make_reference("coffee", others, out)
    assert not out.exists()
    (parts / "mine.txt").write_text("mine")
    monkeypatch.setattr(Colours, "features", looks)
    save_png(others / "o0.png", np.ascontiguousarray(coffee()[320:380, :90]))
    made = reference.make_reference("coffee", others, out)
    assert looked_at == [2, 2, 2, 1]  # of the first time's parts the first is another now
    assert [path.name for path in parts.iterdir()] == ["mine.txt"]
    again = reference.make_reference("coffee", others, folders / "again.safetensors")
    assert (made.n, made.sha256) == (5, again.sha256)
    assert not (folders / "again.safetensors.parts").exists()


def test_what_could_not_be_read_is_tried_again(colours, folders, monkeypatch):
    monkeypatch.setattr(reference, "_PART", 2)
    others, out = folders / "others", folders / "out.safetensors"

    def refuses(path):
        if path.name == "o1.png":
            raise InputError("It cannot be read for now.")
        if path.name == "o2.png":
            raise KeyboardInterrupt
        return load_image(path)

    with monkeypatch.context() as patch:
        patch.setattr(reference, "load_image", refuses)
        with pytest.raises(KeyboardInterrupt):
            reference.make_reference("coffee", others, out)
    assert reference.make_reference("coffee", others, out).n == 5


def test_a_set_without_a_distance_says_why_and_its_pictures_are_counted(colours, folders, monkeypatch):
    def too_few(self, one, other):
        raise InputError("It takes more pictures.")

    monkeypatch.setattr(Colours, "distance", too_few)
    found = benchmark.evaluate(*(folders / name for name in ("originals", "outputs", "masks")), only=SETS)
    assert found.notes == tuple(f"Without `{name}`: It takes more pictures." for name in SETS)
    assert "\n4 pictures. White is" in benchmark.evaluation.markdown_of_evaluation(found)


def test_a_file_that_cannot_be_read_is_left_out_of_a_reference(colours, folders, capsys):
    (folders / "others" / "o1.png").write_bytes(b"torn")
    file = folders / "a.safetensors"
    command = ["reference", "a", "--pictures", str(folders / "others"), "--out"]
    assert main([*command, str(file)]) == 1
    assert capsys.readouterr().err.startswith("Left out: ")
    assert reference.open_reference(file).n == 4
    for path in (folders / "others").iterdir():
        path.write_bytes(b"torn")
    with pytest.raises(InputError, match="0 can be read: a reference needs two"):
        reference.make_reference("a", folders / "others", file)


@pytest.mark.parametrize("command", ["evaluate", "reference"])
def test_where_it_is_to_be_written_is_tried_first(command, folders, monkeypatch, capsys):
    def measured(*args, **given):
        raise AssertionError("the work began")

    monkeypatch.setattr(benchmark.evaluation, "evaluate", measured)
    monkeypatch.setattr(reference, "make_reference", measured)
    (folders / "file").touch()
    three = [f"--{name}={folders / name}" for name in ("originals", "outputs", "masks")]
    given = three if command == "evaluate" else ["a", f"--pictures={folders / 'others'}"]
    assert main([command, *given, "--out", str(folders / "file" / "below")]) == 2
    assert "cannot be read or written" in capsys.readouterr().err


def test_the_same_pictures_give_the_same_file_and_others_another(colours, folders):
    files = [folders / f"{n}.safetensors" for n in range(3)]
    one, two = (reference.make_reference("a", folders / "others", file) for file in files[:2])
    assert one.sha256 == two.sha256
    save_png(folders / "others" / "o9.png", np.zeros((60, 90, 3), np.uint8))
    third = reference.make_reference("a", folders / "others", files[2])
    assert third.sha256 != one.sha256
    assert third.pictures != one.pictures


def test_what_does_not_fit_is_refused_with_a_sentence(colours, folders, capsys):
    three = [f"--{name}={folders / name}" for name in ("originals", "outputs", "masks")]
    file = folders / "a.safetensors"
    save_file({"colours": np.zeros((3, 6), np.float32)}, file)
    assert main(["evaluate", *three, "--reference", str(file)]) == 2
    assert "holds no reference" in capsys.readouterr().err
    file.write_bytes(b"x" * 100)
    assert main(["evaluate", *three, "--reference", str(file)]) == 2
    assert "cannot be read as a reference" in capsys.readouterr().err
    assert main(["evaluate", *three, "--reference", str(folders / "nowhere")]) == 2
    assert "There is no reference" in capsys.readouterr().err
    facts = {"format": "reference 1", "name": "a", "pictures": "", "weights": {"colours": "other"}}
    save_file({"colours": np.zeros((3, 6), np.float32)}, file, metadata={"facts": json.dumps(facts)})
    with pytest.raises(InputError, match="a network with other weights"):
        benchmark.evaluate(
            *(folders / name for name in ("originals", "outputs", "masks")), only=SETS, reference=file
        )
    (folders / "none").mkdir()
    with pytest.raises(InputError, match="holds 0 pictures"):
        reference.make_reference("a", folders / "none", file)


def test_the_independent_kernel_distance_is_gretton_s_equation_3():
    rng = np.random.default_rng(0)
    x, y = (np.abs(rng.normal(m, 1, (n, 6))).astype(np.float32) for m, n in ((0, 7), (0.5, 5)))

    def k(a, b):
        return (float(a.astype(float) @ b.astype(float)) / 6 + 1) ** 3

    def own(side):
        pairs = [k(a, b) for i, a in enumerate(side) for j, b in enumerate(side) if i != j]
        return np.mean(pairs)

    wanted = own(x) + own(y) - 2 * np.mean([k(a, b) for a in x for b in y])
    assert independent_distance(x, y) == pytest.approx(wanted, rel=1e-9)
    assert kernel_distance(x, x) == 0
    with pytest.raises(ValueError, match="at least 2 pictures on each side"):
        independent_distance(x[:1], y)
