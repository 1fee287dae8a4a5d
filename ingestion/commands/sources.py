"""The command that lists the sources."""

from __future__ import annotations

import click

from ingestion.commands.telling import json_option, print_json, print_table


@click.command("list")
@json_option
def list_sources(as_json: bool) -> None:
    """Show the sources and their tables."""
    from ingestion import sources

    found = [sources.find(name) for name in sources.NAMES]
    if as_json:
        print_json(
            [
                {"source": s.name, "description": s.description, "resources": [r.name for r in s.resources]}
                for s in found
            ]
        )
        return
    rows = [(s.name, s.description, ", ".join(r.name for r in s.resources)) for s in found]
    rows.append(("files", "any CSV, JSON lines or Parquet file (--path)", "one table for each file"))
    print_table(("source", "what", "tables"), rows)
