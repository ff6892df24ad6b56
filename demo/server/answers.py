"""What becomes of the answers of a run: pictures in the store, thumbnails, and scores."""

from collections.abc import Sequence
from functools import partial

from demo.server.copies import THUMBNAIL, around, at_most, hatched, thumbnail
from demo.server.jobs import Answer, Job
from demo.server.scores import scores_in_hole
from demo.server.visit import App, Round
from inpainters.imaging import Image, Mask
from inpainters.uses.feather import feathered, feathered_result, widened


class Keeper:
    """Keeps what the jobs of one round show and answer. Its methods are called in the workers. Scores are
    those of the hole alone, whatever its feather: the pixels of that ring are known.
    """

    def __init__(
        self, app: App, one: Round, image: Image, mask: Mask, sketch: Mask | None, feather: int = 0
    ) -> None:
        self.store, self.runner, self.round = app.store, app.runner, one
        self.image, self.mask, self.sketch = image, mask, sketch
        self.feather, self.wide, self.square = feather, widened(mask, feather), around(mask)

    def know_hole(self) -> None:
        """Note whether something true is known inside the hole."""
        transparent = self.round.picture.transparent
        hidden = transparent is not None and (self.store.mask(transparent) & self.mask).any()
        self.round.reference = not hidden

    def keep_hole(self) -> None:
        """Keep the mask and the sketch of the run, and the picture with its hole."""
        one = self.round
        one.mask = self.store.put_image(self.mask)
        one.sketch = None if self.sketch is None else self.store.put_image(self.sketch)
        shown = hatched(self.image, self.mask)
        one.masked, one.thumb = self.store.put_image(shown), self.store.put_image(at_most(shown, THUMBNAIL))

    def start(self, jobs: Sequence[Job]) -> None:
        """Queue jobs on the hole."""
        for job in jobs:
            job.guide, job.owner = self.sketch, id(self.round)
            job.preview, job.on_answer = partial(self.show, job), partial(self.keep, job)
        self.runner.start(self.image, self.wide, jobs, let_go)

    def show(self, job: Job, image: Image) -> None:
        """Keep a preview; those before it stay as well, as the page may be loading one."""
        if self.feather:
            image = feathered(image, self.image, self.mask, self.feather)
        job.showing = self.store.put_image(image), self._thumb(job, image)
        job.previews += filter(None, job.showing)

    def keep(self, job: Job, answer: Answer) -> None:
        """Keep an answer, and have it scored where something true is known."""
        answer.result = feathered_result(answer.result, self.image, self.mask, self.feather)
        filled = answer.result.image
        answer.thumb = self._thumb(job, filled)
        answer.token = self.round.answers[job.name(answer.result.seed)] = self.store.put_image(filled)
        self.store.drop(job.faded)
        job.faded, job.previews, job.showing = job.previews, [], ("", "")
        if self.round.reference:
            self.runner.later(answer, partial(self.rate, answer))
        else:
            answer.let_go()

    def rate(self, answer: Answer) -> None:
        self._rate(answer, answer.result.image)
        answer.let_go()

    def rate_kept(self, answer: Answer) -> None:
        """As `rate`, of an answer whose pixels are in the store alone."""
        self._rate(answer, self.store.image(answer.token))

    def _rate(self, answer: Answer, filled: Image) -> None:
        for known in scores_in_hole(self.image, filled, self.mask):
            answer.scores = known

    def small(self, image: Image) -> str:
        """Keep a small square around the hole."""
        return self.store.put_image(thumbnail(image, self.square))

    def _thumb(self, job: Job, image: Image) -> str:
        return self.small(image) if job.n > 1 else ""


def let_go(job: Job) -> None:
    """Called when all answers of a job are kept."""
    job.result = None
