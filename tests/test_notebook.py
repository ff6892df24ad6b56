"""The notebook's cells run from top to bottom, and it is kept without what they print."""

import json
from pathlib import Path

import matplotlib
import pytest

from demo.server.tour import STOPS

NOTEBOOK = Path(__file__).parents[1] / "examples" / "tour.ipynb"


@pytest.fixture(scope="module")
def cells():
    return json.loads(NOTEBOOK.read_text("utf-8"))["cells"]


def test_it_has_the_stops_of_the_tour_and_no_outputs(cells):
    titles = [line[3:].strip() for cell in cells for line in cell["source"] if line.startswith("## ")]
    assert titles == [f"{number} {stop.title}" for number, stop in enumerate(STOPS, 1)]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)


@pytest.mark.slow
def test_its_cells_run(cells, monkeypatch, capsys):
    monkeypatch.syspath_prepend("")  # what a cell puts on the path is taken off again
    monkeypatch.chdir(NOTEBOOK.parent)
    matplotlib.use("Agg", force=True)
    import matplotlib.pyplot as plt

    names: dict[str, object] = {"__name__": "__main__"}
    try:
        for cell in cells:
            if cell["cell_type"] == "code":
                exec(compile("".join(cell["source"]), str(NOTEBOOK), "exec"), names)
        assert len(plt.get_fignums()) >= len(STOPS)
    finally:
        plt.close("all")
    said = capsys.readouterr().out
    assert "dB" in said
    shares = [frame.value for frame in names["layers"]]
    assert shares == sorted(shares)  # the mask only ever fills up
    assert shares[-1] == 1
    fills = names["fills"]
    assert (fills["first seed"] != fills["second seed"]).any()
