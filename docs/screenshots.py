"""Takes the pictures of the page that the documents show, from the running app: `python docs/screenshots.py`.

Needs Chromium: the system's, or Playwright's own (`playwright install chromium`).
"""

import io
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from PIL import Image  # noqa: E402
from playwright.sync_api import Page, ViewportSize, sync_playwright  # noqa: E402

from demo.app import launch_options, make  # noqa: E402

FOLDER = ROOT / "docs" / "pictures"
SIZE: ViewportSize = {"width": 1440, "height": 900}


def compare(page: Page) -> None:
    """The finished example, all fills of one hole side by side."""
    page.wait_for_selector("#compare-editor .widget[data-rev]:not([data-rev='0'])", state="attached")
    page.locator("#compare-panes").get_by_role("radio", name="Grid").click()


def leaderboard(page: Page) -> None:
    page.wait_for_selector("#leaderboard-table table")


def inside(page: Page) -> None:
    """A sampler on its way from noise to the fill."""
    page.click("#inside-run")
    page.wait_for_selector("#inside-run:has-text('Running')")
    page.wait_for_function("!document.querySelector('#inside-run').textContent.includes('Running')")


SHOTS: dict[str, tuple[str, Callable[[Page], None]]] = {
    "compare": ("?t=compare", compare),
    "leaderboard": ("?t=leaderboard", leaderboard),
    "inside": ("?t=inside&img=chelsea&m=repaint", inside),
}
"""Name of the picture -> address in the page, and what is done there first."""


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    blocks, app = make()
    _, url, _ = blocks.launch(prevent_thread_lock=True, quiet=True, **launch_options(app))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport=SIZE, color_scheme="light", reduced_motion="reduce")
        page.set_default_timeout(120_000)
        for name, (address, ready) in SHOTS.items():
            page.goto(url + address)
            ready(page)
            page.wait_for_timeout(3000)  # for its pictures; the app's stream of events never ends
            shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
            shot.save(FOLDER / f"{name}.webp", quality=80, method=6)
        browser.close()
    blocks.close()
    app.runner.close()
    app.store.close()


if __name__ == "__main__":
    main()
