"""The command `ingest`."""

from __future__ import annotations

import click

from ingestion.commands.check import check
from ingestion.commands.collect import collect
from ingestion.commands.dictionary import dictionary
from ingestion.commands.landing import backfill, prepare, receive, redrive, run
from ingestion.commands.new import new
from ingestion.commands.privacy import privacy
from ingestion.commands.quarantine import quarantine
from ingestion.commands.sources import list_sources
from ingestion.commands.status import status
from ingestion.commands.stream import archive, replay, stream


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Land the operator's systems in the warehouse's raw schemas.

    The warehouse is the local one of `make up`, or the one that MAJAKKA_WAREHOUSE_HOST, _PORT, _USER, _PASSWORD,
    _DATABASE and _ENGINE name. Sources are configured in .dlt/config.toml and .dlt/secrets.toml, or by environment.
    """


for command in (
    list_sources,
    prepare,
    run,
    receive,
    stream,
    archive,
    replay,
    backfill,
    redrive,
    quarantine,
    privacy,
    status,
    check,
    collect,
    dictionary,
    new,
):
    main.add_command(command)
