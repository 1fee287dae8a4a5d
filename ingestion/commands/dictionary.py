"""The command that writes the data dictionary."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from ingestion.commands.telling import errors_told


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; end with code 1 if the page is not what it should be.")
@click.option(
    "--project", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Where models/ and docs/ are."
)
def dictionary(check: bool, project: Path | None) -> None:
    """Write docs/data-dictionary.md: what every raw table holds, from the contracts and the dbt project."""
    from ingestion import dictionary as dictionaries
    from ingestion import sources

    project = project or dictionaries.PROJECT
    path = project / dictionaries.PAGE
    with errors_told():
        page = dictionaries.page([sources.find(name) for name in sources.NAMES], project)
    if not check:
        path.write_text(page, "utf-8")
        click.echo(f"{path} has {page.count(chr(10)):,} lines")
    elif not path.is_file() or path.read_text("utf-8") != page:
        click.echo(f"ingest: {path} is out of date; `ingest dictionary` writes it anew", err=True)
        sys.exit(1)
