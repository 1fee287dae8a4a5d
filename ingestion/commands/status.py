"""The command that tells how fresh the raw tables are."""

from __future__ import annotations

import dataclasses
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from ingestion.commands.options import Length
from ingestion.commands.telling import STALE, errors_told, json_option, print_json, print_table
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from ingestion.delivery import Source
    from ingestion.freshness import Freshness
    from ingestion.streams.leases import Lease
    from ingestion.warehouse import Connection


@click.command()
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@click.option("--max-age", type=Length(), help="End with code 6 if a table's newest delivery is older: 36h, 2d.")
@json_option
def status(names: tuple[str, ...], max_age: timedelta | None, as_json: bool) -> None:
    """Show what has landed so far, per table: rows, rejected share, age of the newest delivery, columns that are new.

    Of a stream it also tells how far each partition has landed, and who lands it. Without a SOURCE it tells of all that
    have landed. With --max-age it is for a monitor: a table is too old, too, if nothing has ever landed in it.
    """
    from ingestion.freshness import freshness

    with errors_told(), Warehouse.from_environment().connect() as connection:
        found = freshness(connection, _sources(connection, names))
    old = [line for line in found if max_age and line.is_older_than(max_age)]
    if as_json:
        print_json([dataclasses.asdict(line) for line in found])
    else:
        _print(found, {(line.source, line.resource) for line in old})
    for line in old:
        age = "nothing has ever landed" if line.age_seconds is None else f"{_spoken(line.age_seconds)} old"
        click.echo(f"ingest: {line.source}.{line.resource} is stale: {age}", err=True)
    if old:
        sys.exit(STALE)


def _sources(connection: Connection, names: tuple[str, ...]) -> list[Source]:
    from ingestion import sources
    from ingestion import status as statuses
    from ingestion.sources import files

    landed = {dataset.removeprefix("raw_") for dataset in statuses.datasets(connection)}
    wanted = names or [name for name in (*sources.NAMES, "files") if name in landed]
    return [
        files.landed(files.frozen_contracts(connection)) if name == "files" else sources.find(name) for name in wanted
    ]


def _print(found: list[Freshness], old: set[tuple[str, str]]) -> None:
    print_table(
        ("source", "table", "deliveries", "fetched", "landed", "rejected", "share", "waiting", "age", "new columns"),
        [
            (
                line.source,
                line.resource,
                f"{line.deliveries:,}",
                f"{line.fetched:,}",
                f"{line.landed:,}",
                f"{line.rejected:,}",
                f"{line.rejected_share:.2%}",
                f"{line.quarantined:,}",
                ("never" if line.age_seconds is None else _spoken(line.age_seconds))
                + (" (stale)" if (line.source, line.resource) in old else ""),
                ", ".join(line.new_columns),
            )
            for line in found
        ],
    )
    partitions = [(line, lease) for line in found if line.stream for lease in line.stream.partitions]
    if partitions:
        print_table(
            ("source", "partition", "consumer", "records a second", "lag, records", "lag", "landed until (UTC)"),
            [_partition(line, lease) for line, lease in partitions],
        )


def _partition(line: Freshness, lease: Lease) -> tuple[str, ...]:
    now = datetime.now(UTC)
    reached = lease.read_until
    return (
        line.source,
        lease.scope,
        (lease.holder or "") if lease.is_live(now) else "nobody",
        f"{lease.rows_per_second or 0:,.1f}" if lease.is_live(now) else "",
        "" if lease.behind is None else f"{lease.behind:,}",
        "" if reached is None else _spoken(max(0.0, (now - reached).total_seconds())),
        "" if reached is None else f"{reached:%Y-%m-%d %H:%M:%S}",
    )


def _spoken(seconds: float) -> str:
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"
