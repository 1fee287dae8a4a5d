"""The command that takes events over HTTP."""

from __future__ import annotations

import dataclasses

import click

from ingestion.commands.telling import errors_told


@click.command()
@click.option("--host", help="The address to listen on; otherwise collector.host.")
@click.option("--port", type=click.IntRange(1, 65_535), help="The port to listen on; otherwise collector.port.")
def collect(host: str | None, port: int | None) -> None:
    """Take events over HTTP and put them on the stream, until SIGTERM or Ctrl-C.

    An event is acknowledged when the stream has it, or, as long as the stream is away, the spool on disk. Sites with
    their write keys, limits and the spool are set under [collector] in .dlt/config.toml and .dlt/secrets.toml, the
    stream under [sources.events]. docs/collector.md has every setting, and how to send events.

    GET /openapi.json describes the interface, /health tells whether events can be taken, /metrics is for Prometheus.
    """
    with errors_told():
        from ingestion.collector.serve import serve
        from ingestion.collector.settings import from_configuration

        settings = from_configuration()
        if host:
            settings = dataclasses.replace(settings, host=host)
        if port:
            settings = dataclasses.replace(settings, port=port)
        serve(settings, lambda address: click.echo(f"ingest: taking events at {address}", err=True))
