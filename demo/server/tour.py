"""The guided tour: its stops, each a link to a state of the page with words on what to look at.

`?tour=3` opens the page at stop 3; what else stands in the address counts before what the stop asks for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

TOUR = "tour"
"""The key of an address that names a stop, from 1 on."""


@dataclass(frozen=True)
class TourStop:
    """One row of the table."""

    title: str
    text: str
    """Two to four sentences that hold whatever the results say: no figures."""
    query: str
    """What a link to this state of the page asks for; a stop in Compare without a picture shows the finished
    example.
    """
    look: str
    """CSS selector of what is to come into view."""
    runs: bool = False
    """Whether Inside runs its method, as its frames are what is to be seen."""

    @property
    def asked(self) -> dict[str, str]:
        """The query by its keys."""
        return dict(parse_qsl(self.query))


STOPS = (
    TourStop(
        "The hole and its mask",
        "Inpainting fills in what is missing of a picture, so that nobody sees that it was. The mask says "
        "what is missing: the tinted part of this picture. All that is known stays as it is, and a method "
        "draws inside the hole only. Paint a hole of your own and press Run, here or later.",
        "t=compare&m=telea,patchmatch,lama",
        "#compare-editor",
    ),
    TourStop(
        "Smoothing, copying, drawing",
        "Methods of different families have filled one hole; Grid shows them side by side. Smoothing carries "
        "colours in from the rim, so a wide hole turns soft. Copying takes pieces of the "
        "picture itself: sharp, but only what is there "
        "already. Learned methods draw what they know from other pictures, and can be wrong in a way that "
        "looks right.",
        "t=compare&m=telea,patchmatch,lama",
        "#compare-panes",
    ),
    TourStop(
        "A mask that fills up",
        "A partial convolution looks at known pixels alone, and calls a place known once it has seen one. Go "
        "from layer to layer: the hole in the mask closes from the rim inwards. So the middle of a wide hole "
        "is drawn from what many layers have passed on.",
        "t=inside&img=chelsea&m=partial_conv",
        "#inside .view",
        runs=True,
    ),
    TourStop(
        "Where a pixel comes from",
        "Attention compares each place in the hole with its surroundings, and copies from those "
        "that are most "
        "alike. Choose a point inside the hole: the picture beside it glows where that point "
        "was copied from. "
        "A good source lies on the same thing; a stray one explains a smear or a pattern that repeats.",
        "t=inside&img=chelsea&m=contextual_attention",
        "#inside .view",
        runs=True,
    ),
    TourStop(
        "Out of noise",
        "A diffusion method begins with noise and takes it away in small steps, and the known pixels are put "
        "back at each of them. RePaint also steps back and walks a stretch again: the teeth of its schedule. "
        "Go through the steps: the layout comes first, detail last. Other noise gives another fill, as there "
        "is no single right one.",
        "t=inside&img=chelsea&m=repaint",
        "#inside .view",
        runs=True,
    ),
    TourStop(
        "What numbers say",
        "A metric compares a fill with what was there, but a fill that looks right need not be "
        "that. A figure "
        "says how methods compare on these photographs and holes by one metric, and no more. "
        "The card that is "
        "framed tries a common belief: its verdict follows from paired comparisons, and one whose interval "
        "reaches across zero decides nothing.",
        "t=claims",
        "#claim-copies",
    ),
)


def stop_of(given: object) -> TourStop | None:
    """The stop of a number from 1 on; None for anything else."""
    text = str(given)
    known = text.isascii() and text.isdecimal() and len(text) < 4 and 0 < int(text) <= len(STOPS)
    return STOPS[int(text) - 1] if known else None


def with_stop(asked: Mapping[str, str]) -> dict[str, str]:
    """What an address asks for, completed by the stop that it names."""
    stop = stop_of(asked.get(TOUR, ""))
    return {**(stop.asked if stop else {}), **asked}


def unknown_stop(asked: Mapping[str, str]) -> str:
    """What to say of an address that names a stop that is not there; else empty."""
    given = asked.get(TOUR)
    if not given or stop_of(given):
        return ""
    return f"The tour has no stop '{given[:20]}': it has {len(STOPS)}, the first is ?{TOUR}=1."
