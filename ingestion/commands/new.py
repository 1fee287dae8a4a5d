"""The command that starts a new source."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from ingestion.commands.telling import errors_told


@click.command()
@click.argument("name")
@click.option(
    "--transport",
    type=click.Choice(["sftp", "s3", "s3-events", "http", "soap", "local"]),
    required=True,
    help="How its data is fetched.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "json", "xml", "parquet"]),
    required=True,
    help="How its data is written; http brings json, soap brings xml.",
)
@click.option("--table", help="Its first raw table; its name without it.")
@click.option("--project", type=click.Path(path_type=Path, file_okay=False, exists=True), help="Where to write it.")
def new(name: str, transport: str, file_format: str, table: str | None, project: Path | None) -> None:
    """Start a new source: its description, a test with recorded records, its staging model, its settings.

    What is written passes every check of the house. docs/add-a-source.md says how to go on.
    """
    from ingestion import dictionary, scaffold

    project = project or dictionary.PROJECT
    with errors_told():
        written = scaffold.write(scaffold.Plan(name, table or name, transport, file_format), project)
    for path in written:
        click.echo(path)
    # in a process that knows the new source
    path_first = os.pathsep.join(filter(None, (str(project), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "ingestion", "dictionary", "--project", str(project)]
    done = subprocess.run(
        command, check=False, cwd=project, env={**os.environ, "PYTHONPATH": path_first}, stdout=sys.stderr
    )
    if done.returncode:
        click.echo(
            f"ingest: {dictionary.PAGE} was not written; mend the error above, and `ingest dictionary`", err=True
        )
        sys.exit(1)
    click.echo(dictionary.PAGE)
    click.echo(f"\nNext: docs/add-a-source.md, from step 2; `pytest tests/ingestion/test_source_{name}.py`", err=True)
