"""Opens a docs page from its file in a headless Chromium, and says what is wrong with it.

    .venv-docs/bin/python tools/docs_check.py <page> <what must be drawn> [--go <hash>] [--click <button>]

It must load, ask nothing of any other machine, write no error to the console, and draw the thing that is named by a CSS
selector (for a lineage graph: the element of its nodes). Exit codes: 0 all well, 1 something is wrong, 3 no Chromium.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Error, Page, sync_playwright

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_BROWSER = 3
# dbt's page names its icons by templates, one filled in a moment later and one never; a browser looks for such files
UNFILLED = ("%7B%7B%20getIcon(", "$%7Brequire('./assets/favicons/")
PATIENCE_MS = float(os.environ.get("DOCS_CHECK_SECONDS", "60")) * 1000


def browser() -> str | None:
    """The Chromium that is on the machine: CHROMIUM, or the first on the path."""
    return os.environ.get("CHROMIUM") or next((found for name in BROWSERS if (found := shutil.which(name))), None)


def faults(
    page_file: Path, drawn: str, executable: str, *, go: str = "", click: str = "", screenshot: Path | None = None
) -> list[str]:
    """What is wrong with a page, in words.

    Args:
        page_file: the page, opened as file://.
        drawn: a CSS selector of which at least two elements must be visible: two nodes make a graph.
        executable: the Chromium.
        go: what comes after # in the address, as in `!/overview?g_v=1`.
        click: the name of a button to press first.
        screenshot: where to write a picture of it.
    """
    found: list[str] = []
    with sync_playwright() as playwright:
        # no sandbox: in a container one is root, and the page is ours
        chromium = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1400, "height": 800})
        page.on("request", lambda request: _note_request(found, request.url))
        page.on("websocket", lambda socket: found.append(f"asks {socket.url}"))
        page.on("console", lambda said: _note_console(found, said))
        page.on("pageerror", lambda error: found.append(f"fails: {error}"))
        try:
            page.goto(page_file.absolute().as_uri() + (f"#{go}" if go else ""), timeout=PATIENCE_MS)
            if click:
                page.get_by_role("button", name=click, exact=True).last.click(timeout=PATIENCE_MS)
            _wait_until_drawn(page, drawn)
        except Error as error:
            found.append(f"does not draw {drawn}: {error.message.splitlines()[0]}")
        if screenshot:
            # a graph moves into its place
            page.wait_for_timeout(2000)
            page.screenshot(path=screenshot, timeout=PATIENCE_MS)
        chromium.close()
    return found


def _note_request(found: list[str], url: str) -> None:
    if not url.startswith(("file:", "data:", "blob:", "about:")):
        found.append(f"asks {url}")


def _note_console(found: list[str], said: ConsoleMessage) -> None:
    text = f"{said.text} ({said.location.get('url')})"
    if said.type == "error" and not any(unfilled in text for unfilled in UNFILLED):
        found.append(f"console: {text}")


def _wait_until_drawn(page: Page, drawn: str) -> None:
    if drawn == "canvas":
        # of a canvas only its picture tells whether something is on it
        script = """() => [...document.querySelectorAll('canvas')].some(c => c.width > 300 &&
            new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 3)"""
        page.wait_for_function(script, timeout=PATIENCE_MS)
    else:
        page.locator(drawn).nth(1).wait_for(state="visible", timeout=PATIENCE_MS)


def main(arguments: list[str]) -> int:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("page", type=Path)
    parser.add_argument("drawn")
    parser.add_argument("--go", default="")
    parser.add_argument("--click", default="")
    parser.add_argument("--screenshot", type=Path)
    options = parser.parse_args(arguments)
    executable = browser()
    if not executable:
        print(f"docs-check: there is no Chromium ({', '.join(BROWSERS)}); CHROMIUM can name one", file=sys.stderr)
        return NO_BROWSER
    found = faults(
        options.page, options.drawn, executable, go=options.go, click=options.click, screenshot=options.screenshot
    )
    for fault in found:
        print(f"docs-check: {options.page.name} {fault}", file=sys.stderr)
    if not found:
        print(f"{options.page.name}: loads from its file, asks nobody, no error, {options.drawn} is drawn")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
