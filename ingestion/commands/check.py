"""The command that asks whether everything could be landed now."""

from __future__ import annotations

import dataclasses
import sys

import click

from ingestion.commands.telling import EXIT_CODES, errors_told, json_option, print_json, print_table
from ingestion.errors import SourceUnavailableError
from ingestion.warehouse import Warehouse


@click.command()
@click.argument("names", nargs=-1, metavar="[SOURCE]...")
@click.option("--offline", is_flag=True, help="Only what can be asked without a connection: the contracts.")
@json_option
def check(names: tuple[str, ...], offline: bool, as_json: bool) -> None:
    """Ask whether each SOURCE (all, if none is named) could be landed now. Moves no data.

    Looked at are the warehouse and its grants, the sources' addresses, credentials and places, and whether what the
    contracts declare fits into Postgres and into Redshift. Exit codes: 0 all is well; 1 somebody must look; 3 something
    cannot be reached.
    """
    from ingestion import check as checks
    from ingestion import sources

    with errors_told():
        described = [sources.find(name) for name in names or sources.NAMES]
        if offline:
            found = [finding for source in described for finding in checks.check_contracts(source)]
        else:
            found = list(checks.check(described, Warehouse.from_environment()))
    if as_json:
        print_json([dataclasses.asdict(finding) for finding in found])
    else:
        print_table(
            ("", "about", "what", "found"),
            [("ok" if one.is_good else "NOT", one.subject, one.what, one.told) for one in found],
        )
    bad = [finding for finding in found if not finding.is_good]
    if bad:
        sys.exit(EXIT_CODES[SourceUnavailableError] if all(finding.is_passing for finding in bad) else 1)
