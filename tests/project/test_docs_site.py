"""The second docs site is closed to the outside; and what looks at the sites in a browser sees what it should.

The sites themselves are looked at by `make docs-check`, for it takes a built warehouse to write them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.docs_site import DocsSiteError, closed, readable

PROJECT = Path(__file__).resolve().parents[2]
LOOKING = PROJECT / ".venv-docs" / "bin" / "python"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GRAPH = "<p class=node>a</p><p class=node>b</p>"
PAGE = (
    '<!doctype html>\n<html lang="en">\n<head>\n<link rel="icon" href="./favicon.svg" />\n</head><body>{}</body></html>'
)


def test_a_manifest_is_left_without_what_the_writer_cannot_read() -> None:
    manifest = {
        "exposures": {"exposure.e": {"name": "e", "url": None}},
        "nodes": {
            "model.a": {"resource_type": "model", "compiled_code": "select 1", "depends_on": {"macros": []}},
            "model.b": {
                "resource_type": "model",
                "compiled_code": "with recursive",
                "depends_on": {"macros": ["macro.majakka.connected_components"]},
            },
        },
    }
    read = readable(manifest)
    assert read["exposures"] == {"exposure.e": {"name": "e"}}
    assert [node["compiled_code"] for node in read["nodes"].values()] == ["select 1", None]
    # the macro that is named there is there: were it called otherwise, `make docs` would not end
    assert (PROJECT / "macros/lib/graph/connected_components.sql").is_file()


def test_a_page_is_forbidden_to_ask_anybody() -> None:
    page = closed(PAGE.format(""))
    assert page.index("Content-Security-Policy") < page.index("</head>")
    assert "favicon" not in page
    with pytest.raises(DocsSiteError, match="page has changed"):
        closed("<html><body></body></html>")


@pytest.fixture
def look(tmp_path: Path) -> object:
    """Looks at a page in a browser; gives the exit code and what was said."""
    if not LOOKING.exists():
        pytest.skip("there is no .venv-docs (make docs makes it): the check of the docs sites is not proven here")
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("there is no Chromium (apt install chromium): the check of the docs sites is not proven here")

    def look(html: str) -> tuple[int, str]:
        (tmp_path / "page.html").write_text(html, "utf-8")
        command = [str(LOOKING), str(PROJECT / "tools" / "docs_check.py"), str(tmp_path / "page.html"), ".node"]
        patience = {**os.environ, "DOCS_CHECK_SECONDS": "10" if "node" in html else "1"}
        done = subprocess.run(command, env=patience, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    return look


def test_a_page_that_is_well_is_found_well(look) -> None:
    assert look(closed(PAGE.format(GRAPH)))[0] == 0


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (f"{GRAPH}<img src='http://127.0.0.1:9/counter.gif'>", "asks http://127.0.0.1:9/counter.gif"),
        (f"{GRAPH}<script>no_such_thing()</script>", "no_such_thing is not defined"),
        (f"{GRAPH}<script>console.error('oh no')</script>", "console: oh no"),
        ("<p>nothing drawn</p>", "does not draw"),
    ],
)
def test_what_is_wrong_with_a_page_is_told(look, body: str, fault: str) -> None:
    code, said = look(PAGE.format(body).replace('<link rel="icon" href="./favicon.svg" />', ""))
    assert code == 1
    assert fault in said
