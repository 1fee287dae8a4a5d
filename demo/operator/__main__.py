"""`python -m demo.operator serve`: the operator in the foreground."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from demo.operator.settings import OperatorError, Ports


@click.group()
def main() -> None:
    """The demo operator."""


@main.command()
@click.option("--folder", type=click.Path(file_okay=False, path_type=Path), required=True, help="A generated folder.")
@click.option("--http-port", type=click.IntRange(0, 65535), default=8701, show_default=True, help="CRM and catalogue.")
@click.option("--sftp-port", type=click.IntRange(0, 65535), default=8702, show_default=True, help="Billing files.")
@click.option("--aws-port", type=click.IntRange(0, 65535), default=8703, show_default=True, help="S3, SQS, Kinesis.")
def serve(folder: Path, http_port: int, sftp_port: int, aws_port: int) -> None:
    """Serve a generated folder on loopback until SIGTERM or SIGINT; port 0 takes a free one."""
    # moto and Flask take most of a second to import: not for --help.
    from demo.operator import service

    try:
        service.serve(folder, Ports(http_port, sftp_port, aws_port))
    except OperatorError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
