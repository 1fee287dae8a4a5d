"""The second docs site: one page with the lineage of every column, written by docglow from what dbt's own docs wrote.

    python tools/docs_site.py <dbt's target folder> <page to write>

docglow is in an environment of its own (`make docs` makes it), for its SQL parser is older than the one dlt needs.
Three things are put right here. It takes an exposure's missing url, label or maturity for a mistake, so they are left
out of the manifest that it sees. It follows every path through a query, and there are exponentially many through the
rounds of `connected_components`: the SQL of a model that is made by it is kept from it. And it has telemetry, which is
off unless somebody says yes: here nobody is asked, whatever the machine's settings are.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
DOCGLOW = PROJECT / ".venv-docs" / "bin" / "docglow"
# its chat asks a language model, once somebody has typed a key in; not from here
POLICY = (
    """<meta http-equiv="Content-Security-Policy" """
    """content="default-src 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'none'">"""
)
ICON = r'<link rel="icon"[^>]*>'
ENDLESS = "macro.majakka.connected_components"


class DocsSiteError(Exception):
    """The site could not be written; the text says why."""


def main(arguments: list[str]) -> None:
    """The command."""
    target, page = (Path(argument).absolute() for argument in arguments)
    write_lineage_site(target, page)
    found, total = traced(page.read_text("utf-8"))
    print(f"{found:,} of {total:,} columns of models are traced to the columns that they come from.")
    print(f"The site with the lineage of columns is written: open {page}")


def write_lineage_site(target: Path, page: Path) -> None:
    """Write the page, one file that opens without a server.

    Args:
        target: dbt's target folder, with `manifest.json`, `catalog.json` and perhaps `run_results.json`.
        page: where to write it; an older one is replaced when the new one is complete.

    Raises:
        DocsSiteError: dbt's docs are not there, or docglow failed.
    """
    if not (target / "catalog.json").is_file():
        raise DocsSiteError(f"{target} has no catalog.json: run `make docs`, which has dbt write it first")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        artifacts = folder / "target"
        artifacts.mkdir()
        manifest = json.loads((target / "manifest.json").read_text("utf-8"))
        (artifacts / "manifest.json").write_text(json.dumps(readable(manifest)), "utf-8")
        for artifact in ("catalog.json", "run_results.json"):
            if (target / artifact).is_file():
                shutil.copy(target / artifact, artifacts)
        # a project folder of its own: no docglow.yml of the machine's, and nothing written into ours
        command = [str(DOCGLOW), "generate", "--static", "--title", "Majakka", "--project-dir", str(folder)]
        command += ["--target-dir", str(artifacts), "--output-dir", str(folder / "site")]
        quiet = {"DOCGLOW_NO_TELEMETRY": "1", "CI": "1", "HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
        done = subprocess.run(
            command, env={**os.environ, **quiet}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        written = folder / "site" / "index.html"
        if done.returncode or not written.is_file():
            raise DocsSiteError(f"docglow failed:\n{done.stdout}{done.stderr}")
        page.parent.mkdir(parents=True, exist_ok=True)
        page.with_suffix(".new").write_text(closed(written.read_text("utf-8")), "utf-8")
        page.with_suffix(".new").replace(page)


def closed(html: str) -> str:
    """The page, forbidden to ask anything of anybody, and without the icon that would be a second file.

    Raises:
        DocsSiteError: the page has another shape than the one this was written for.
    """
    if not re.match(r"\s*<!doctype html>\s*<html[^>]*>\s*<head>", html, re.IGNORECASE) or not re.search(ICON, html):
        raise DocsSiteError("docglow's page has changed: look where its head and its icon are now")
    return re.sub(ICON, "", html, count=1).replace("<head>", f"<head>{POLICY}", 1)


def traced(html: str) -> tuple[int, int]:
    """How many columns of models the page can follow to where they come from, and how many there are."""
    data, _ = json.JSONDecoder().raw_decode(html.partition("window.__DOCGLOW_DATA__=")[2].lstrip())
    models = data["models"].values() if isinstance(data["models"], dict) else data["models"]
    of_models = {model["unique_id"]: model["columns"] for model in models if model["unique_id"].startswith("model.")}
    found = sum(len(data["column_lineage"].get(name, {})) for name in of_models)
    return found, sum(len(columns) for columns in of_models.values())


def readable(manifest: dict[str, Any]) -> dict[str, Any]:
    """The manifest as docglow can read it: exposures without nulls, and no SQL that it would never finish."""
    exposures = {
        name: {key: value for key, value in exposure.items() if value is not None}
        for name, exposure in manifest["exposures"].items()
    }
    nodes = {
        name: {**node, "compiled_code": None} if ENDLESS in node.get("depends_on", {}).get("macros", []) else node
        for name, node in manifest["nodes"].items()
    }
    return {**manifest, "exposures": exposures, "nodes": nodes}


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except DocsSiteError as error:
        sys.exit(f"docs: {error}")
