"""More pictures to train with: the command, and an example of what it makes."""

import gradio as gr

from demo.server.exemplars import augmented
from demo.server.visit import App
from demo.views.uses.dataset import DATASET_COMMAND, exemplars

_LEAD = (
    "Parts of each training photograph are masked and filled again, so that what is left of a "
    "thing stands in other "
    "surroundings. A dataset is no work for a page: the command does it on a machine of your "
    "own, and goes on where "
    "it was broken off."
)
_AFTER = (
    "The folders of classes stay, so that whatever reads one folder per class, such as "
    "torchvision's ImageFolder, "
    "reads OUT/pictures. The masks are in OUT/masks, and OUT/manifest.csv says of each variant "
    "which photograph, "
    "mask, method and seed it came from."
)


class DatasetPart:
    """Words, pictures, and a command to copy."""

    def __init__(self, app: App) -> None:
        gr.HTML(_LEAD, elem_classes="uses-lead", padding=False)
        gr.HTML(exemplars(augmented(app.store)), elem_id="uses-dataset-pictures", padding=False)
        gr.Textbox(
            DATASET_COMMAND, label="On a machine of your own", interactive=False, buttons=["copy"],
            elem_id="uses-dataset-command", elem_classes="uses-command",
        )  # fmt: skip
        gr.HTML(_AFTER, elem_classes="uses-lead", padding=False)

    def wire(self, session: gr.State) -> None:
        """Nothing is run here."""
