"""The commands that answer a person who wants to be forgotten."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import click

from ingestion.commands.telling import Progress, errors_told, json_option, print_json, print_table, quiet_option
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from ingestion.delivery import Source
    from ingestion.privacy.requests import Receipt


@click.group()
def privacy() -> None:
    """Forget people who ask for it, and keep everybody's data no longer than we may (docs/privacy.md)."""


@privacy.command("request")
@click.argument("customer_id")
@click.option("--by", "requested_by", required=True, help="Who takes it down.")
@click.option("--basis", default="GDPR, article 17(1)(b)", show_default=True, help="On what grounds.")
@click.option("--only-this-number", is_flag=True, help="Leave the person's other customer numbers alone.")
def take_down(customer_id: str, requested_by: str, basis: str, only_this_number: bool) -> None:
    """Take down that a customer wants to be forgotten. Prints the request's id; nothing is erased yet."""
    from ingestion.privacy import requests

    with errors_told(), Warehouse.from_environment().connect() as connection:
        scope: requests.Scope = "customer" if only_this_number else "person"
        click.echo(requests.request(connection, customer_id, requested_by, basis, scope).request_id)


@privacy.command("requests")
@json_option
def list_requests(as_json: bool) -> None:
    """List the requests, the oldest first."""
    from ingestion.privacy import requests

    with errors_told(), Warehouse.from_environment().connect() as connection:
        found = requests.requests(connection)
    if as_json:
        print_json([dataclasses.asdict(one) for one in found])
        return
    print_table(
        ("request", "customer", "scope", "requested", "by", "basis", "erased"),
        [
            (
                one.request_id,
                one.customer_id or "",
                one.scope,
                f"{one.requested_at:%Y-%m-%d %H:%M}",
                one.requested_by,
                one.legal_basis,
                f"{one.erased_at:%Y-%m-%d %H:%M}" if one.erased_at else "",
            )
            for one in found
        ],
    )


@privacy.command("erase")
@click.argument("request_id")
@click.option("--dry-run", is_flag=True, help="Undo it, and tell what would have gone.")
@json_option
@quiet_option
def erase(request_id: str, dry_run: bool, as_json: bool, quiet: bool) -> None:
    """Erase the person of a request, from every table of the warehouse and from the archive.

    Nothing may be landed meanwhile, and no dbt build should run; build again afterwards. Killed at any moment, it can
    be run again; of a request that has been done it shows the receipt.
    """
    from ingestion.privacy.erase import erase as erase_person

    with errors_told():
        warehouse = Warehouse.from_environment()
        with Progress(f"erasing {request_id}", quiet) as progress:
            receipt = erase_person(_sources(warehouse), warehouse, request_id, dry_run=dry_run, say=progress)
    _tell(receipt, as_json)


@privacy.command("receipt")
@click.argument("request_id")
@json_option
def show_receipt(request_id: str, as_json: bool) -> None:
    """Show what was erased for a request, and where."""
    from ingestion.errors import IngestError
    from ingestion.privacy import requests

    with errors_told(), Warehouse.from_environment().connect() as connection:
        requests.find(connection, request_id)
        receipt = requests.receipt(connection, request_id)
        if receipt is None:
            raise IngestError(
                f"the request {request_id} has not been done; `ingest privacy erase {request_id}` does it"
            )
    _tell(receipt, as_json)


@privacy.command("retention")
@click.option("--dry-run", is_flag=True, help="Only count what would go.")
@json_option
@quiet_option
def retention(dry_run: bool, as_json: bool, quiet: bool) -> None:
    """Delete what is older than the retention periods allow (seeds/retention_periods.csv), and leave a receipt.

    Killed at any moment, it can be run again. Build afterwards, what is made of visits and usage from the beginning:
    `dbt build --full-refresh --select int_events__deduplicated+ int_usage__summed_to_days+`, then `dbt build`.
    """
    from ingestion.privacy.retention import expire

    with errors_told():
        warehouse = Warehouse.from_environment()
        with Progress("deleting what is too old", quiet) as progress:
            done = list(expire(_sources(warehouse), warehouse, dry_run=dry_run, say=progress))
    if as_json:
        print_json([{**dataclasses.asdict(one), "kept_from": one.kept_from.isoformat()} for one in done])
        return
    print_table(
        ("relation", "kept from", "would go" if dry_run else "deleted", "because"),
        [(one.relation, f"{one.kept_from}", f"{one.count:,}", one.reason) for one in done],
    )


@privacy.command("pseudonym-key")
@click.option("--replace", is_flag=True, help="New keys for old ones: every pseudonym changes.")
def pseudonym_key(replace: bool) -> None:
    """Make the keys of the pseudonyms that analysts see; they are shown to nobody. Needed once, on Redshift."""
    from ingestion.privacy.pseudonym import make_key

    with errors_told(), Warehouse.from_environment().connect() as connection:
        make_key(connection, replace=replace)
    click.echo("made; they are in privacy.pseudonym_keys")


def _sources(warehouse: Warehouse) -> list[Source]:
    from ingestion import sources
    from ingestion.sources import files

    with warehouse.connect() as connection:
        return [*map(sources.find, sources.NAMES), files.landed(files.frozen_contracts(connection))]


def _tell(receipt: Receipt, as_json: bool) -> None:
    if as_json:
        print_json(dataclasses.asdict(receipt))
        return
    print_table(
        ("place", "rows", "what was done", "because"),
        [(line.place, f"{line.row_count:,}", line.action, line.reason or "") for line in receipt.lines],
    )
