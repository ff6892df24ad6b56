"""The Arena tab: two fills without names, a vote, and what all votes say."""

import random
import re
import secrets
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import gradio as gr

from demo.server.arena import Pair, ShownPair, kinds_to_vote, next_pair, shown_pair, vote_on
from demo.server.visit import App
from demo.server.votes import CountedError
from demo.tabs import Page
from demo.views import arena as view
from demo.views.hole import hole_choices
from demo.widgets.events import QUIET
from inpainters.errors import InputError

VOTER_JS = """(_, ...rest) => {
  const key = 'inpainting-voter';
  let voter = '';
  try {
    voter = localStorage.getItem(key) || '';
    if (!voter) localStorage.setItem(key, (voter = crypto.randomUUID?.() ?? String(Math.random()).slice(2)));
  } catch {}
  if (!window.inpaintingArena) {
    window.inpaintingArena = true;
    const held = (event) => event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.repeat;
    const inView = (bar) => {
      const { top, bottom } = bar.getBoundingClientRect();
      return top < innerHeight && bottom > 0;
    };
    const keys = { ArrowLeft: 'one', ArrowRight: 'other', ArrowDown: 'tie', ArrowUp: 'bad', Enter: 'next' };
    document.addEventListener('keydown', (event) => {
      const bar = document.getElementById('arena-bar');
      const typing = event.target.closest?.('input, textarea, select, button, summary, a, [role=tab]');
      if (!keys[event.key] || held(event) || typing || !bar || !bar.offsetParent || bar.inert) return;
      if (!inView(bar)) return;
      const button = document.getElementById('arena-' + keys[event.key]);
      if (!button || button.disabled || !button.offsetParent) return;
      event.preventDefault();
      button.click();
    });
  }
  return [voter, ...rest];
}"""
"""The voter's own token, which stays in the browser, and the Arena's keys."""
SHUT_JS = """(...given) => {
  const bar = document.getElementById('arena-bar');
  const pair = document.querySelector('#arena-pair .pair')?.dataset.pair ?? '';
  if (bar) bar.inert = true;
  document.getElementById('arena-note')?.setAttribute('role', 'status');
  return [...given.slice(0, -1), pair];
}"""
"""Buttons wait for the answer, which screen readers are told, and what is sent names the pair on the screen.
"""
WAIT_JS = """() => {
  const bar = document.getElementById('arena-bar');
  if (bar) setTimeout(() => (bar.inert = false), 600);
}"""
"""Nobody looks at two fills in less: buttons wait."""
_VOTER = re.compile(r"[A-Za-z0-9-]{8,64}")
BUTTONS = (("one", "← A"), ("tie", "Tie"), ("bad", "Both bad"), ("other", "B →"))


@dataclass
class Voter:
    """A visitor of the Arena. It stays on the server: the page never holds the names of a pair."""

    name: str
    pair: Pair | None = None
    shown: str = ""
    """What the page calls the pair: it tells nothing of it."""
    pictures: ShownPair | None = None
    looks: bool = False
    """Whether what the votes say is open on the page: only then is it worked out."""
    chance: random.Random = field(default_factory=lambda: random.Random(secrets.randbits(64)))


def build(page: Page) -> None:
    """Lay out the tab inside the current Blocks and wire it."""
    try:
        _, kinds = kinds_to_vote(page.app.results)
    except InputError as error:
        gr.Markdown(str(error), elem_id="arena-empty")
        return
    tab = ArenaTab(page.app, kinds)
    tab.wire(page.blocks)


class ArenaTab:
    """The tab's components, and an adapter for each of their events."""

    def __init__(self, app: App, kinds: list[str]) -> None:
        self.app = app
        self.voter, self.token, self.on_screen = (
            gr.State(None),
            *(gr.Textbox(visible=False) for _ in range(2)),
        )
        gr.Markdown(f"## {view.QUESTION}", elem_id="arena-question")
        self.kind = gr.Radio(
            hole_choices(kinds),
            value=kinds[0],
            label="Holes",
            elem_id="arena-kind",
            visible=len(kinds) > 1,
            min_width=160,
        )
        self.pictures = gr.HTML("", elem_id="arena-pair", padding=False)
        with gr.Row(elem_id="arena-bar"):
            self.buttons = {
                name: gr.Button(text, elem_id=f"arena-{name}", min_width=60) for name, text in BUTTONS
            }
            self.next = gr.Button("Next pair", variant="primary", elem_id="arena-next", visible=False)
        self.note = gr.Markdown("", elem_id="arena-note")
        self.fold = gr.Accordion("What the votes say", open=False, elem_id="arena-standing")
        with self.fold:
            self.standing = gr.HTML("", elem_id="arena-tables", padding=False)
        self.shown = [self.voter, self.pictures, *self.buttons.values(), self.next, self.note, self.standing]

    def wire(self, blocks: gr.Blocks) -> None:
        """What opens a pair, and what takes a vote."""
        blocks.load(self.on_load, [self.token, self.kind], self.shown, js=VOTER_JS, **QUIET)
        asked = [self.voter, self.kind, self.on_screen]
        handlers: dict[Any, Any] = {
            button.click: partial(self.on_vote, name) for name, button in self.buttons.items()
        }
        handlers |= dict.fromkeys((self.next.click, self.kind.input), self.on_next)
        for event, handler in handlers.items():
            answered = event(handler, asked, self.shown, js=SHUT_JS, **QUIET)
            answered.then(None, js=WAIT_JS, api_visibility="private")
        looked = [self.voter, self.standing]
        self.fold.expand(partial(self.on_look, True), [self.voter, self.kind], looked, **QUIET)
        self.fold.collapse(partial(self.on_look, False), [self.voter, self.kind], looked, **QUIET)

    def on_look(self, looks: bool, voter: Voter | None, kind: str) -> list[Any]:
        voter = voter or Voter(secrets.token_hex(16))
        voter.looks = looks
        return [voter, self._told(voter, kind)]

    def on_load(self, token: str, kind: str) -> list[Any]:
        name = token if _VOTER.fullmatch(token or "") else secrets.token_hex(16)
        return self.on_next(Voter(name), kind)

    def on_next(self, voter: Voter | None, kind: str, on_screen: str = "", note: str = "") -> list[Any]:
        del on_screen
        voter = voter or Voter(secrets.token_hex(16))
        votes = self.app.votes.all()
        try:
            mine = [vote for vote in votes if vote.voter == voter.name]
            voter.pair = next_pair(self.app.results, kind, votes, mine, voter.chance)
            voter.shown = secrets.token_hex(8)
            voter.pictures = shown_pair(self.app.store, self.app.results, voter.pair)
            pictures = view.pair_html(voter.pictures, voter.shown)
        except InputError as error:
            voter.pair = None
            return self._outputs(voter, "", str(error), kind)
        return self._outputs(voter, pictures, note or (f"{len(mine)} votes of yours." if mine else ""), kind)

    def on_vote(self, choice: str, voter: Voter | None, kind: str, on_screen: str) -> list[Any]:
        same: list[Any] = [gr.skip()] * len(self.shown)
        if voter is None or voter.pair is None or voter.pictures is None or voter.shown != on_screen:
            return same  # a second press, or one that was meant for the pair before
        pair = voter.pair
        try:
            self.app.votes.cast(vote_on(pair, choice, voter.name))
        except CountedError as error:
            return self.on_next(voter, kind, note=f"{error} Here is another one.")
        except InputError as error:
            return [*same[:-2], str(error), gr.skip()]
        below = view.revealed(self.app, pair)
        pictures = view.pair_html(voter.pictures, "", below)
        voter.pair = None
        return self._outputs(voter, pictures, "Your vote counted.", kind)

    def _outputs(self, voter: Voter, pictures: str, note: str, kind: str) -> list[Any]:
        open_pair = voter.pair is not None
        bar = [gr.update(visible=open_pair) for _ in self.buttons]
        more = gr.update(visible=not open_pair and bool(pictures))
        return [voter, pictures, *bar, more, note, self._told(voter, kind)]

    def _told(self, voter: Voter, kind: str) -> str:
        return view.standing(self.app, self.app.votes.all(), kind) if voter.looks else ""
