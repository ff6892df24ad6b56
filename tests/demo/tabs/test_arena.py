"""The Arena in a real browser: nothing tells the methods before the vote, keys vote, a voter stays one."""

import re

import gradio as gr
import pytest

from demo.app import RESULTS, launch_options, make
from demo.server.arena import vote_on
from demo.server.visit import App
from demo.server.votes import Votes
from demo.tabs.arena import ArenaTab
from inpainters.registry import METHODS

NAMES = [word for spec in METHODS.values() for word in (spec.name, spec.title) if len(word) > 4]


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    """The page's address and the app behind it, with votes in a file of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INPAINTING_VOTES", str(tmp_path_factory.mktemp("votes") / "votes.sqlite"))
        blocks, app = make(RESULTS)
        _, url, _ = blocks.launch(
            server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(app)
        )
        yield url, app
        blocks.close()
        app.runner.close()
        app.store.close()


@pytest.fixture
def voter(chromium, arena):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{arena[0]}?t=arena")
    page.wait_for_selector("#arena-pair [data-side=b] img")
    yield page
    context.close()
    assert complaints == []


def told(page):
    """What a curious voter could read: the pair, its bar, and the address."""
    parts = [page.inner_html(f"#arena-{name}") for name in ("pair", "bar", "note")]
    return " ".join([*parts, page.url])


def press(page, key):
    page.wait_for_function("!document.getElementById('arena-bar').inert")
    page.keyboard.press(key)


def test_a_vote_by_key_counts_and_only_then_the_names_are_told(voter, arena):
    app = arena[1]
    assert app.votes.all() == []
    assert [name for name in NAMES if name in told(voter)] == []
    assert all(re.fullmatch(r"pic/[\w-]+(\.\w+)?", src) for src in voter.eval_on_selector_all(
        "#arena-pair img", "all => all.map((one) => one.getAttribute('src'))"
    ))  # fmt: skip
    own = voter.eval_on_selector_all("#arena-pair [data-side] img", "all => all.map((one) => one.src)")
    others = voter.eval_on_selector_all(
        "img", "all => all.filter((one) => !one.closest('#arena-pair')).map((one) => one.src)"
    )
    assert not {own[0], own[2]} & set(others)
    voter.keyboard.press("Alt+ArrowUp")  # not a vote
    press(voter, "ArrowRight")
    voter.get_by_role("status").filter(has_text="Your vote counted.").wait_for()
    vote = app.votes.all()[-1]
    assert vote.choice == "other"
    sides = voter.locator("#arena-pair figcaption").all_inner_texts()
    assert METHODS[vote.one].title in sides[0]
    assert METHODS[vote.other].title in sides[2]
    press(voter, "Enter")
    voter.wait_for_selector("#arena-one:visible")
    assert [name for name in NAMES if name in told(voter)] == []
    assert "1 votes of yours." in voter.inner_text("#arena-note")


def test_a_voter_is_the_same_after_a_reload_and_sees_new_pairs(voter, arena):
    app = arena[1]
    for key in ("ArrowLeft", "ArrowDown", "ArrowUp"):
        before = len(app.votes.all())
        press(voter, key)
        voter.wait_for_selector("text=Your vote counted.")
        assert len(app.votes.all()) == before + 1
        voter.reload()
        voter.wait_for_selector("#arena-pair [data-pair]:not([data-pair='']) img")
    mine = [vote for vote in app.votes.all() if vote.voter == app.votes.all()[-1].voter]
    assert [vote.choice for vote in mine] == ["one", "tie", "bad"]
    assert len({(vote.hole, frozenset((vote.one, vote.other))) for vote in mine}) == 3
    voter.click("#arena-standing button")
    voter.wait_for_selector("#arena-tables >> text=Ratings")


def test_the_kinds_of_holes_are_apart(voter, arena):
    before = voter.get_attribute("#arena-pair [data-side=a] img", "src")
    voter.click("#arena-kind label:has-text('irregular')")
    voter.wait_for_function(
        "src => document.querySelector('#arena-pair [data-side=a] img')?.getAttribute('src') !== src",
        arg=before,
    )
    voter.click("#arena-question")
    press(voter, "ArrowLeft")
    voter.wait_for_selector("text=Your vote counted.")
    assert arena[1].votes.all()[-1].kind == "irregular"


@pytest.fixture
def tab(store, tmp_path):
    """The tab without a browser, with votes in a file of their own."""
    app = App(store, None, RESULTS, votes=Votes(tmp_path / "votes.sqlite"))
    with gr.Blocks():
        return ArenaTab(app, ["object"])


def test_what_the_votes_say_is_worked_out_while_it_is_open_and_once_for_the_same_votes(tab, monkeypatch):
    voter = tab.on_load("voter-01", "object")[0]
    tab.app.votes.cast(vote_on(voter.pair, "one", "voter-02"))
    counted = []
    monkeypatch.setattr("demo.views.arena.ratings", lambda own: counted.append(own) or [])
    assert tab.on_next(voter, "object")[-1] == ""
    assert counted == []
    for _ in range(2):
        assert "1 votes of 1 voter" in tab.on_look(True, voter, "object")[-1]
    assert "1 votes of 1 voter" in tab.on_next(voter, "object")[-1]
    assert len(counted) == 1
    tab.on_vote("one", voter, "object", voter.shown)
    assert len(counted) == 2


def test_after_the_vote_stand_the_pictures_that_were_voted_on(tab):
    voter, before = tab.on_load("voter-01", "object")[:2]
    after = tab.on_vote("one", voter, "object", voter.shown)[1]
    sources = re.compile(r"pic/[^\"]+")
    assert after != before
    assert sources.findall(after) == sources.findall(before)


def test_without_pictures_the_tab_says_what_makes_some(chromium, tmp_path):
    blocks, app = make(tmp_path)
    _, url, _ = blocks.launch(
        server_name="127.0.0.1", prevent_thread_lock=True, quiet=True, **launch_options(app)
    )
    page = chromium.new_page()
    page.goto(f"{url}?t=arena")
    page.wait_for_selector("text=There are no pictures to vote on here")
    page.close()
    blocks.close()
    app.runner.close()
    app.store.close()
