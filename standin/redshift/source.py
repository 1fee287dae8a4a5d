"""Connections to the Redshift that a schema snapshot is recorded from."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from standin.errors import StandinError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from standin.settings import Settings

_REQUIRED = ("REDSHIFT_HOST", "REDSHIFT_USER", "REDSHIFT_PASSWORD", "REDSHIFT_DATABASE")


@contextmanager
def standin(settings: Settings) -> Iterator[Callable[[str], list[Any]]]:
    """The local Redshift face. Raises `StandinError` if it does not answer."""
    import psycopg

    from standin.redshift.service import FaceSettings

    face = FaceSettings.from_environment(settings)
    try:
        connection = psycopg.connect(
            host=face.host,
            port=face.port,
            user=settings.user,
            password=settings.password,
            dbname=face.database,
            autocommit=True,
            connect_timeout=10,
        )
    except psycopg.OperationalError as error:
        raise StandinError(
            f"The Redshift face does not answer on {face.host}:{face.port}. Start it with `standin up`. ({error})"
        ) from error
    with connection:
        yield lambda sql: list(connection.execute(sql.encode()).fetchall())


@contextmanager
def redshift(environ: Mapping[str, str] | None = None) -> Iterator[Callable[[str], list[Any]]]:
    """The Redshift that the REDSHIFT_* variables name.

    Raises `StandinError` if one is missing, redshift_connector is not installed, or nobody lets us in.
    """
    environ = os.environ if environ is None else environ
    if missing := [name for name in _REQUIRED if not environ.get(name)]:
        raise StandinError(f"Set {', '.join(missing)} to tell which Redshift to record.")
    try:
        import redshift_connector
        from redshift_connector.error import Error
    except ImportError as error:
        raise StandinError("The package redshift_connector is not installed; dbt-redshift brings it.") from error
    try:
        connection = redshift_connector.connect(
            host=environ["REDSHIFT_HOST"],
            port=int(environ.get("REDSHIFT_PORT") or 5439),
            user=environ["REDSHIFT_USER"],
            password=environ["REDSHIFT_PASSWORD"],
            database=environ["REDSHIFT_DATABASE"],
            # a local stand-in does not encrypt; a cluster does
            ssl=environ.get("REDSHIFT_SSLMODE") != "disable",
        )
    except (Error, OSError) as error:
        raise StandinError(f"{environ['REDSHIFT_HOST']} did not let us in: {error}") from error
    connection.autocommit = True
    cursor = connection.cursor()

    def execute(sql: str) -> list[Any]:
        cursor.execute(sql)
        return list(cursor.fetchall())

    try:
        yield execute
    finally:
        connection.close()
