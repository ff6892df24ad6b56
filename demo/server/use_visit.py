"""What one visitor has open in one of the uses."""

from dataclasses import dataclass
from typing import Self

from demo.server.jobs import Batch, Job
from demo.server.store import Store


@dataclass(eq=False)
class UseVisit:
    """A method, and what it was last run on; each use adds what is open in it."""

    store: Store
    method: str = ""
    batch: Batch | None = None

    def __deepcopy__(self, memo: object) -> Self:
        return self  # Gradio copies the values of its State; a visit is one object

    @property
    def job(self) -> Job | None:
        return self.batch.jobs[0] if self.batch else None

    @property
    def running(self) -> bool:
        """True while what was started has not ended."""
        return self.job is not None and not self.job.final

    def stop(self) -> None:
        """Stop what is under way."""
        if self.batch is not None:
            self.batch.stop()

    def drop(self, *tokens: str | None) -> None:
        """Delete files of this visit; those that are kept for all stay."""
        self.store.drop([token for token in tokens if token and not token.startswith("k")])

    def clear(self) -> None:
        """Stop, and forget what was run."""
        self.stop()
        self.batch = None

    def close(self) -> None:
        """Called when the visit has ended."""
        self.clear()
