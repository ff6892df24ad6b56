"""Repositories from a Hub of our own on this machine: what it holds, and all that can go wrong with it."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from inpainters import __main__ as cli
from inpainters.errors import InputError, UnavailableError
from inpainters.weights import fetch as downloads
from inpainters.weights import files, hub
from inpainters.weights.fetch import fetch
from inpainters.weights.table import WEIGHTS, WeightsFile

COMMIT = "0123456789abcdef0123456789abcdef01234567"
INDEX = {"_class_name": "StableDiffusionInpaintPipeline", "unet": ["diffusers", "UNet2DConditionModel"]}
HELD = {
    "model_index.json": json.dumps(INDEX).encode(),
    "README.md": b"hello",
    "unet/config.json": b"{}",
    "unet/diffusion_pytorch_model.safetensors": b"f" * 40_000,
    "unet/diffusion_pytorch_model.fp16.safetensors": b"h" * 20_000,
    "unet/diffusion_pytorch_model.bin": b"p" * 40_000,
}


class Hub(ThreadingHTTPServer):
    """Answers as the Hub does. `status`: of all answers, where it is not 0; `cuts`: after how many bytes it
    hangs up, one per download; `lies`: file -> what it sends in its place.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.held, self.status, self.error, self.cuts, self.lies = dict(HELD), 0, "", [], {}
        self.got, self.gated, self.home = [], False, "owner/name"
        self.slow, self.drip = threading.Event(), 0
        self.url = f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self.answer(body=False)

    def do_GET(self):
        self.answer(body=True)

    def answer(self, *, body):
        path = urlsplit(self.path).path
        if self.server.status:
            self.send_response(self.server.status)
            if self.server.error:
                self.send_header("X-Error-Code", self.server.error)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path.startswith("/api/models/"):
            self.send(json.dumps(self.info()).encode(), {"Content-Type": "application/json"}, body=body)
        else:
            self.file(path.partition(f"/resolve/{COMMIT}/")[2], body=body)

    def info(self):
        rows = []
        for name, data in self.server.held.items():
            row = {"rfilename": name, "size": len(data), "blobId": git(data)}
            if not name.endswith((".json", ".md")):
                lfs = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
                row["lfs"] = lfs
            rows.append(row)
        card = {"license": "apache-2.0"}
        same = {
            "id": self.server.home,
            "sha": COMMIT,
            "gated": self.server.gated,
            "private": False,
            "tags": [],
        }
        return {**same, "siblings": rows, "cardData": card, "downloads": 0, "likes": 0}

    def file(self, name, *, body):
        data = self.server.held[name]
        large = not name.endswith((".json", ".md"))
        etag = hashlib.sha256(data).hexdigest() if large else git(data)
        start = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
        sent = self.server.lies.get(name, data)[start:]
        head = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "X-Linked-Size": str(len(data))}
        head |= {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        if body:
            self.server.got.append((name, start))
        cut = self.server.cuts.pop(0) if body and large and self.server.cuts else None
        self.send(sent, head, body=body, status=206 if start else 200, cut=cut)

    def send(self, data, head, *, body, status=200, cut=None):
        self.send_response(status)
        for key, value in {**head, "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            self.wfile.write(data[:cut])
            self.server.slow.wait(self.server.drip)


def git(data):
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv(files.ENV, str(tmp_path / "weights"))
    monkeypatch.delenv(hub.OFFLINE, raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between retries
    with Hub() as made:
        for name, value in {
            "ENDPOINT": made.url,
            "HF_HUB_CACHE": str(tmp_path / "hub"),
            "HUGGINGFACE_CO_URL_TEMPLATE": made.url + "/{repo_id}/resolve/{revision}/{filename}",
            "DOWNLOAD_CHUNK_SIZE": 1000,
        }.items():
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        monkeypatch.setattr("huggingface_hub.hf_api.ENDPOINT", made.url, raising=False)
        monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def row(server, monkeypatch):
    made = WeightsFile("p", {}, "", "Apache-2.0", "photographs", repository="owner/name")
    monkeypatch.setitem(WEIGHTS, "p", made)
    return made


def yes(question):
    return True


def test_a_pipeline_is_asked_for_once_and_comes_whole(row, server):
    asked, seen = [], []
    folder = fetch("p", lambda *step: seen.append(step), lambda question: not asked.append(question))
    assert folder.name == COMMIT
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == ["model_index.json", "unet/config.json", "unet/diffusion_pytorch_model.fp16.safetensors"]
    assert len(asked) == 1
    for words in ("owner/name", COMMIT, "0.00 GB in 3 files", "licence apache-2.0"):
        assert words in asked[0]
    assert seen[-1][0] == seen[-1][1] == sum(len(HELD[name]) for name in names)
    assert files.accepted("p") == {"owner/name": COMMIT, files.CHECKED: "yes"}
    server.status = 500
    assert fetch("p") == folder  # it is here: nobody is asked, neither the Hub nor the one at the terminal


def test_nothing_is_downloaded_without_a_yes(row, server):
    with pytest.raises(UnavailableError, match=f"`fetch p@{COMMIT}` takes this commit without asking"):
        fetch("p")
    assert [name for name, _ in server.got if name != "model_index.json"] == []
    assert files.accepted("p") == {}
    assert fetch("p", commit=COMMIT).name == COMMIT


@pytest.mark.parametrize("text", ["p@main", "p@0123", f"p@{COMMIT[:-1]}x", "lpips_squeeze@" + COMMIT])
def test_only_a_whole_commit_of_a_pipeline_stands_for_a_yes(text, row, server, capsys):
    assert cli.main(["fetch", text]) == 2
    assert "the commit of a pipeline, 40 digits" in capsys.readouterr().err
    assert server.got == []


def test_a_named_commit_vouches_for_its_own_repository_alone(server, monkeypatch):
    made = WeightsFile("two", {}, "", "", "", repository="owner/name", beside=("owner/prior",))
    monkeypatch.setitem(WEIGHTS, "two", made)
    with pytest.raises(UnavailableError, match=r"'owner/prior' was not accepted: .+ asks again.$"):
        fetch("two", commit=COMMIT)
    asked = []
    fetch("two", commit=COMMIT, confirm=lambda question: not asked.append(question))
    assert len(asked) == 1
    assert asked[0].startswith("owner/prior ")
    assert len(files.find_all("two")) == 2


def test_another_commit_is_asked_for_though_one_is_here(row, server):
    fetch("p", confirm=yes)
    server.status, server.error = 404, "RevisionNotFound"
    with pytest.raises(UnavailableError, match="has no revision 'ffff"):
        fetch("p", commit="f" * 40)


def test_what_another_program_or_commit_has_brought_is_not_downloaded_again(row, server, tmp_path):
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    blobs = hub.path_in_cache("owner/name", COMMIT).parents[1] / "blobs"
    blobs.mkdir(parents=True)
    (blobs / hashlib.sha256(HELD[name]).hexdigest()).write_bytes(HELD[name])
    folder = fetch("p", confirm=yes)
    assert (folder / name).read_bytes() == HELD[name]
    assert name not in [got for got, _ in server.got]


def test_a_lock_in_any_folder_counts(row, server, tmp_path, monkeypatch):
    folder = fetch("p", confirm=yes)
    monkeypatch.setenv(files.ENV, f"{tmp_path / 'first'}:{tmp_path / 'weights'}")
    assert files.find_all("p") == [folder]


@pytest.mark.parametrize("damage", ['{"p": {"owner/name": null}}', '{"p": 3}', "[]", "{broken"])
def test_a_damaged_lock_is_no_yes_and_nothing_of_it_is_lost(damage, row, server, tmp_path):
    (tmp_path / "weights").mkdir()
    path = tmp_path / "weights" / files.LOCK
    path.write_text(damage)
    assert files.find_all("p") == []
    with pytest.raises(UnavailableError, match=r"cannot be read: mend it, or delete it|was not accepted"):
        fetch("p", confirm=lambda question: "broken" in damage)
    assert path.read_text() == damage


def test_shards_of_16_bits_come_alone(row, server):
    for name in [name for name in server.held if name.startswith("unet/diffusion")]:
        del server.held[name]
    for kind, middle in (("", ""), (".fp16", ".fp16")):
        names = [f"model{middle}-0000{number}-of-00002.safetensors" for number in (1, 2)]
        server.held |= {f"unet/{name}": name.encode() for name in names}
        listed = {"weight_map": dict(zip("ab", names, strict=True))}
        server.held[f"unet/model.safetensors.index{kind}.json"] = json.dumps(listed).encode()
    folder = fetch("p", confirm=yes)
    there = sorted(path.name for path in (folder / "unet").iterdir() if path.name != "config.json")
    assert there == [
        "model.fp16-00001-of-00002.safetensors",
        "model.fp16-00002-of-00002.safetensors",
        "model.safetensors.index.fp16.json",
    ]
    (folder / "unet" / there[1]).unlink()
    assert files.find_all("p") == []


def test_a_later_commit_does_not_replace_what_was_accepted(row, server, tmp_path):
    files.accept("p", {"owner/name": COMMIT})
    assert files.find_all("p") == []
    assert fetch("p").name == COMMIT  # accepted before: no question
    assert files.find_all("p") == [hub.path_in_cache("owner/name", COMMIT)]


def test_a_broken_download_is_gone_on_with_and_never_used(row, server):
    server.cuts = [8000, *[0] * 20]
    with pytest.raises(UnavailableError, match=r"'owner/name' (cannot be had|is not here)"):
        fetch("p", confirm=yes)
    assert files.find_all("p") == []
    server.cuts, server.got = [], []
    fetch("p", confirm=yes)
    large = [start for name, start in server.got if name.endswith(".safetensors")]
    assert large == [8000]


def test_a_server_that_falls_silent_is_asked_again(row, server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 0.2)
    server.cuts, server.drip = [8000], 3
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    timer = threading.Timer(0.8, lambda: setattr(server, "drip", 0))
    timer.start()
    assert (fetch("p", confirm=yes) / name).read_bytes() == HELD[name]
    server.slow.set()
    assert (name, 8000) in server.got


def test_a_renamed_repository_is_asked_for_by_its_old_name(row, server):
    server.home = "owner/new-name"
    asked = []
    folder = fetch("p", confirm=lambda question: not asked.append(question))
    assert "owner/name (called owner/new-name now)" in asked[0]
    assert files.find_all("p") == [folder]


def test_other_bytes_are_noticed_and_leave_nothing(row, server):
    name = "unet/diffusion_pytorch_model.fp16.safetensors"
    server.lies[name] = b"x" * len(HELD[name])
    with pytest.raises(UnavailableError, match=r"is damaged .+ run this again"):
        fetch("p", confirm=yes)
    assert files.find_all("p") == []
    server.lies.clear()
    assert (fetch("p", confirm=yes) / name).read_bytes() == HELD[name]


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (401, "", "wants a token that may read it: sign in"),
        (404, "RepoNotFound", "is not on the Hub, or is private"),
        (403, "GatedRepo", "wants its terms accepted: accept them on its page"),
        (404, "RevisionNotFound", "has no revision"),
        (429, "", "too many requests: try again in some minutes"),
        (503, "", "check the network"),
    ],
)
def test_what_the_hub_refuses_gets_a_sentence(status, error, words, row, server, capsys):
    server.status, server.error = status, error
    assert cli.main(["fetch", "p", "--yes"]) == 2
    told = capsys.readouterr().err.strip().splitlines()
    assert words in told[-1]
    assert len(told) == 2  # the licence before, the refusal after


def test_a_repository_that_moved_names_its_new_home(server):
    server.status, server.error = 404, "RepoNotFound"
    with pytest.raises(UnavailableError, match="lie at 'sd2-community/stable-diffusion-2-inpainting' now"):
        hub.look("stabilityai/stable-diffusion-2-inpainting")


def test_no_network_gets_a_sentence(row, server, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="check the network, or name a folder"):
        fetch("p", confirm=yes)


@pytest.mark.parametrize("name", ["diffusers:", "diffusers:nothing", "diffusers:a/b/c", "diffusers:../x"])
def test_what_is_no_name_of_the_hub(name, server, capsys):
    assert cli.main(["fetch", name]) == 2
    assert "is written OWNER/NAME" in capsys.readouterr().err


def test_offline_nothing_is_asked_for(row, server, monkeypatch, capsys):
    monkeypatch.setenv(hub.OFFLINE, "0")
    assert cli.main(["fetch", "p", "--offline", "--yes"]) == 2
    assert "forbids downloads" in capsys.readouterr().err
    assert server.got == []


def test_what_is_here_already_needs_no_room(row, server, monkeypatch):
    server.cuts = [19_000, *[0] * 20]
    with pytest.raises(UnavailableError):
        fetch("p", confirm=yes)
    server.cuts = []

    class Tight:
        free = 1500

    monkeypatch.setattr("shutil.disk_usage", lambda path: Tight())
    fetch("p", confirm=yes)
    assert files.find_all("p")


def test_a_full_disk_is_said_before_the_download(row, server, monkeypatch):
    class Full:
        free = 10

    monkeypatch.setattr("shutil.disk_usage", lambda path: Full())
    with pytest.raises(UnavailableError, match=r"the disk has 0.0 GB free: make room, or let HF_HOME"):
        fetch("p", confirm=yes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_index.json": None}, "holds no diffusers pipeline"),
        ({"model_index.json": b"{"}, "no JSON object"),
        ({"model_index.json": b'{"unet": ["evil", "Unet"]}'}, "code of 'evil', which is not run"),
        ({"model_index.json": b'{"../../x": ["diffusers", "Unet"]}'}, "is no name of a pipeline's part"),
        (
            {name: None for name in HELD if name.endswith(".safetensors")},
            "comes as a pickle alone, which is not loaded",
        ),
    ],
)
def test_what_is_not_loaded_is_not_downloaded(changes, message, row, server):
    for name, data in changes.items():
        server.held.pop(name) if data is None else server.held.update({name: data})
    with pytest.raises(InputError, match=message):
        fetch("p", confirm=yes)
    assert [name for name, _ in server.got if name != "model_index.json"] == []


@pytest.mark.parametrize("name", ["unet/../../../out.json", "/etc/out.json", "unet/..json"])
def test_no_name_of_a_file_leads_out_of_the_cache(name, row, server, tmp_path):
    server.held[name] = b"{}"
    fetch("p", confirm=yes)
    assert name not in [got for got, _ in server.got]
    assert not list(tmp_path.rglob("out.json"))


@pytest.mark.parametrize("commit", ["../../../out", "main", ""])
def test_a_commit_that_is_none_is_no_folder(commit, row, server, monkeypatch, tmp_path):
    before = Handler.info
    monkeypatch.setattr(Handler, "info", lambda self: {**before(self), "sha": commit})
    with pytest.raises(InputError, match="names no commit, or no digests"):
        fetch("p", confirm=yes)
    assert not (tmp_path / "hub").exists()


def test_shards_are_all_needed(row, server):
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    for name in list(server.held):
        if name.startswith("unet/diffusion"):
            del server.held[name]
    server.held |= {f"unet/model-{number}.safetensors": b"%d" % number for number in (1, 2)}
    server.held["unet/model.safetensors.index.json"] = json.dumps(index).encode()
    folder = fetch("p", confirm=yes)
    assert files.find_all("p") == [folder]
    (folder / "unet/model-2.safetensors").unlink()
    assert files.find_all("p") == []


def test_any_other_pipeline_of_the_hub(server, monkeypatch, capsys):
    monkeypatch.setattr("inpainters.__main__.WEIGHTS", WEIGHTS)
    assert cli.main(["fetch", f"diffusers:owner/name@{COMMIT}"]) == 0
    assert capsys.readouterr().out.strip().endswith(COMMIT)
    assert files.find_all("diffusers:owner/name")
    WEIGHTS.pop("diffusers:owner/name")


def test_what_nobody_pins_is_shown_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(files.ENV, str(tmp_path))
    with pytest.raises(UnavailableError, match=r"nobody publishes 'mat.pt', so export it"):
        fetch("mat")
    (tmp_path / "mat.pt").write_bytes(b"net")
    digest = hashlib.sha256(b"net").hexdigest()
    with pytest.raises(UnavailableError, match="`python -m inpainters fetch mat` shows"):
        files.verified("mat")
    asked = []
    with pytest.raises(UnavailableError, match="was not accepted"):
        fetch("mat", confirm=lambda question: bool(asked.append(question)))
    assert digest in asked[0]
    assert cli.main(["fetch", "mat", "--yes"]) == 0
    assert json.loads((tmp_path / files.LOCK).read_text()) == {"mat": {"mat.pt": digest}}
    assert files.verified("mat") == tmp_path / "mat.pt"
    (tmp_path / "mat.pt").write_bytes(b"another")
    with pytest.raises(UnavailableError, match="is not the file that 'mat' names"):
        files.verified("mat")


def test_several_may_accept_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv(files.ENV, str(tmp_path))
    threads = [threading.Thread(target=files.accept, args=(f"n{i}", {"f": f"{i}"})) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [files.accepted(f"n{i}") for i in range(12)] == [{"f": f"{i}"} for i in range(12)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".locks", files.LOCK]


def test_the_table_of_weights_is_printed(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv(files.ENV, str(tmp_path))
    assert cli.main(["fetch", "list"]) == 0
    told = capsys.readouterr().out
    for name, one in WEIGHTS.items():
        assert (f" {name}: licence" in told) != one.bundled
    assert "flux_fill: licence FLUX.1 [dev] Non-Commercial; commercial use: not allowed" in told
    assert downloads.about("big_lama") in told
