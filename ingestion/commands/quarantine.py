"""The commands that look at quarantined rows, replay them and purge them."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from ingestion.commands.options import Length
from ingestion.commands.telling import Progress, errors_told, json_option, print_json, print_table, quiet_option
from ingestion.errors import IngestError
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from ingestion.delivery import Source


@click.group()
def quarantine() -> None:
    """Look at the rows that broke their contract; land them after all, or drop them."""


@quarantine.command("list")
@click.option("--source", help="Only this source.")
@click.option("--limit", default=50, show_default=True, help="At most so many, the newest first.")
@json_option
def list_rows(source: str | None, limit: int, as_json: bool) -> None:
    """List rows in quarantine with their reasons."""
    found = _quarantined(source, limit)
    if as_json:
        print_json([dataclasses.asdict(row) for row in found])
        return
    print_table(
        ("id", "table", "reason", "where"),
        [
            (row.quarantine_id[:12], f"{row.source}.{row.resource}", row.reason, f"{row.uri} row {row.row}")
            for row in found
        ],
    )


@quarantine.command()
@click.argument("quarantine_id")
def show(quarantine_id: str) -> None:
    """Show one row as it came. The first letters of its id are enough."""
    found = _quarantined(None, 2, quarantine_id)
    if len(found) != 1:
        several = "several rows" if found else "no row"
        click.echo(f"ingest: {several} in quarantine with an id that starts with {quarantine_id!r}", err=True)
        sys.exit(1)
    print_json(dataclasses.asdict(found[0]))


@quarantine.command()
@click.argument("source", required=False)
@click.option("--resource", help="Only this table.")
@click.option("--id", "ids", multiple=True, help="Only this row; the first letters are enough; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Only tell what would land.")
@json_option
@quiet_option
def replay(
    *, source: str | None, resource: str | None, ids: tuple[str, ...], dry_run: bool, as_json: bool, quiet: bool
) -> None:
    """Hold rows against today's contracts again, and land those that keep them.

    For when it was the contract that was wrong. A row lands once, in a load of its own that sorts right behind the one
    that brought it, and leaves the quarantine in the same transaction. Rows that could not be split into columns, or
    are too long for the quarantine, cannot be replayed: the source has to send them again.
    """
    from ingestion.quarantine import Selection
    from ingestion.quarantine import replay as replay_source

    done = []
    with errors_told():
        warehouse = Warehouse.from_environment()
        for described in _sources(source, resource, warehouse):
            with Progress(described.name, quiet) as progress:
                selection = Selection(resource, ids)
                done += replay_source(described, warehouse, selection, dry_run=dry_run, say=progress)
    if as_json:
        print_json([dataclasses.asdict(line) for line in done])
        return
    landed = "would land" if dry_run else "landed"
    print_table(
        ("table", landed, "still broken", "not replayable", "overtaken", "most of them because"),
        [
            (
                f"{line.source}.{line.resource}",
                f"{line.landed:,}",
                f"{line.still_broken:,}",
                f"{line.not_replayable:,}",
                f"{line.overtaken:,}",
                next(iter(line.reasons), ""),
            )
            for line in done
        ],
    )


@quarantine.command()
@click.argument("source", required=False)
@click.option("--resource", help="Only this table.")
@click.option("--id", "ids", multiple=True, help="Only this row; the first letters are enough; may be repeated.")
@click.option("--older-than", type=Length(), help="Only rows that were rejected longer ago: 90d.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def purge(
    source: str | None, resource: str | None, ids: tuple[str, ...], older_than: timedelta | None, yes: bool
) -> None:
    """Drop rows from quarantine for good. At least one word must say which."""
    from ingestion.quarantine import Selection
    from ingestion.quarantine import purge as purge_source

    if not (source or resource or ids or older_than):
        raise click.UsageError("say which rows: a SOURCE, --resource, --id or --older-than")
    with errors_told():
        warehouse = Warehouse.from_environment()
        before = datetime.now(UTC) - older_than if older_than else None
        selection = Selection(resource, ids, before)
        described = _sources(source, resource, warehouse)
        if not yes:
            count = sum(purge_source(one, warehouse, selection, dry_run=True) for one in described)
            if not sys.stdin.isatty():
                raise click.UsageError(f"{count:,} rows would be dropped for good; say --yes to drop them")
            click.confirm(f"Drop {count:,} rows for good?", abort=True)
        count = sum(purge_source(one, warehouse, selection) for one in described)
    click.echo(f"{count:,} rows dropped")


def _sources(name: str | None, resource: str | None, warehouse: Warehouse) -> list[Source]:
    """The source of that name, or every source that has landed (and has the table, if one is named)."""
    from ingestion import sources
    from ingestion import status as statuses
    from ingestion.sources import files

    with warehouse.connect() as connection:
        landed = {dataset.removeprefix("raw_") for dataset in statuses.datasets(connection)}
        if name is not None and name not in landed:
            raise IngestError(f"nothing has landed from {name!r}; `ingest status` shows what has")
        wanted = landed if name is None else {name}
        found = [sources.find(known) for known in sources.NAMES if known in wanted]
        if "files" in wanted:
            found.append(files.landed(files.frozen_contracts(connection)))
    if name is None and resource is not None:
        found = [one for one in found if any(table.name == resource for table in one.resources)]
    return found


def _quarantined(source: str | None, limit: int, beginning: str = "") -> list[Any]:
    from ingestion import status as statuses

    with errors_told(), Warehouse.from_environment().connect() as connection:
        return list(statuses.quarantined(connection, source, limit, beginning))
