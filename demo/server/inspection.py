"""What a visitor looks into: one method, on one hole, and what was run on it."""

import hashlib
from dataclasses import dataclass, field

from demo.server import samples
from demo.server.copies import at_most, hatched
from demo.server.explanation import Explanation
from demo.server.jobs import Batch, Price
from demo.server.pictures import read_canvas
from demo.server.store import Store
from demo.server.visit import Session
from inpainters import registry
from inpainters.errors import InputError
from inpainters.imaging import Image, Mask, load_image
from inpainters.masks import generate
from inpainters.spec import MethodSpec

TELLING = ("partial_conv", "gated_conv", "contextual_attention", "pen_net")
"""The methods to begin with, where they are ready."""

COMPARE = "compare"
"""The source that stands for the picture and the hole of the Compare tab."""

SHARE = 0.12
"""Share of a bundled picture that is missing."""

SEEDS = {"coffee": 5, "chelsea": 7, "rocket": 8, "tower": 5, "cheetah": 2}
"""Of its hole: one stroke, clear of the border."""


def explaining() -> list[MethodSpec]:
    """The methods that can show their inside."""
    return [spec for spec in registry.METHODS.values() if spec.explains]


def first_method() -> str:
    """The most telling one that is ready, else the first; empty where there is none."""
    names = [spec.name for spec in explaining()]
    telling = [name for name in TELLING if name in names]
    ready = [name for name in dict.fromkeys([*telling, *names]) if registry.unavailable(name) is None]
    return next(iter([*ready, *names]), "")


@dataclass
class Inspection:
    """What one visitor has chosen and run here."""

    store: Store
    method: str = field(default_factory=first_method)
    preset: str = ""
    """Of the method, where it has presets; empty: its first, which is quick."""
    prices: dict[str, Price] = field(default_factory=dict)
    """Preset -> what its explanation costs, as last worked out."""
    source: str = next(iter(samples.SAMPLES))
    picked: bool = False
    """True once the visitor has chosen a picture or run a method:
    then Compare's hole no longer comes by itself.
    """
    image: str = ""
    """Token of Compare's picture."""
    mask: str = ""
    """Token of the mask."""
    sketch: str = ""
    """Token of the sketch that came with Compare's hole."""
    shown: str = ""
    """Token of the picture with its hole."""
    size: tuple[int, int] = (0, 0)
    digest: str = ""
    batch: Batch | None = None

    def __deepcopy__(self, memo: object) -> "Inspection":
        return self  # Gradio copies the values of its State; a visit is one object

    @property
    def job(self) -> Explanation | None:
        job = self.batch.jobs[0] if self.batch else None
        return job if isinstance(job, Explanation) else None

    @property
    def running(self) -> bool:
        """True while what was started has not ended."""
        return self.job is not None and not self.job.final

    @property
    def spec(self) -> MethodSpec | None:
        """The row of the method; None where no method here can show its inside."""
        return registry.METHODS.get(self.method)

    @property
    def presets(self) -> tuple[str, ...]:
        """Those of the method, none where it has none."""
        return self.spec.preset.choices if self.spec and self.spec.preset else ()

    @property
    def chosen_preset(self) -> str:
        """The preset of the next run; empty where the method has none."""
        return self.preset or next(iter(self.presets), "")

    @property
    def options(self) -> dict[str, object]:
        """Those of the run."""
        return registry.get(self.method).at_preset(self.preset) if self.preset else {}

    def open_sample(self, name: str) -> None:
        """Take a bundled photograph and a hole drawn in it; InputError for an unknown name."""
        image = load_image(samples.sample_path(name)).image
        self._take(
            name,
            image,
            generate("brush", image.shape[:2], seed=SEEDS.get(name, 0), image_id=name, ratio=SHARE),
            "",
        )

    def open_compare(self, session: Session | None, data_url: str) -> None:
        """Take the picture and the hole of the Compare tab; InputError where there is none."""
        if session is None or session.index < 0:
            raise InputError("There is no picture in Compare yet: open one there and paint a hole.")
        mask, sketch = read_canvas(data_url, session.round.picture.size)
        self.image = session.round.picture.token
        self._take(COMPARE, self.store.image(self.image), mask, digest_of(session, data_url))
        if sketch is not None:
            self.sketch = self.store.put_image(sketch)

    def _take(self, source: str, image: Image, mask: Mask, digest: str) -> None:
        self.drop()
        self.source, self.digest, self.size = source, digest, mask.shape
        self.mask = self.store.put_image(mask)
        self.shown = self.store.put_image(at_most(hatched(image, mask)))

    def pixels(self) -> tuple[Image, Mask]:
        """The picture and its hole."""
        image = (
            self.store.image(self.image)
            if self.source == COMPARE
            else load_image(samples.sample_path(self.source)).image
        )
        return image, self.store.mask(self.mask)

    def clear(self) -> None:
        """Forget what was run."""
        if self.job:
            self.job.close()
        self.batch = None

    def drop(self) -> None:
        """Forget what was run, and the hole."""
        self.clear()
        self.store.drop([token for token in (self.mask, self.sketch, self.shown) if token])
        self.mask, self.sketch, self.shown, self.digest = "", "", "", ""

    def close(self) -> None:
        """Called when the visit has ended."""
        self.drop()


def digest_of(session: Session, data_url: str) -> str:
    """Of Compare's picture and its hole: the same hole may lie in another picture."""
    return hashlib.sha256(f"{session.round.picture.token} {data_url}".encode()).hexdigest()[:16]
