"""What is shown of how a dataset grows."""

from collections.abc import Mapping

from demo.server.store import url

DATASET_COMMAND = "python -m inpainters augment FOLDER --out OUT --method lama --n 2 --low 0.15"


def exemplars(pictures: Mapping[str, str]) -> str:
    """HTML of pictures with words below them. `pictures`: words of this program -> token."""
    image = '<img src="{}" alt="" width="300" height="200">'
    shown = (
        f"<figure>{image.format(url(token))}<figcaption>{words}</figcaption></figure>"
        for words, token in pictures.items()
    )
    return f'<div class="exemplars">{"".join(shown)}</div>'
