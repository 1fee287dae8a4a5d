"""The warehouse's role and database on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.server import create_database, drop_database

if TYPE_CHECKING:
    import psycopg

    from standin.server import Server
    from standin.settings import Settings


def provision(server: Server, settings: Settings) -> bool:
    """Make sure that the warehouse's role and database are there; tells whether the database was made just now.

    Idempotent, one step at a time: killed between two of them, the next call does the rest.
    """
    with server.connect() as connection:
        ensure_role(connection, settings.user, settings.password)
        row = connection.execute(
            "select datconnlimit from pg_database where datname = %s", [settings.database]
        ).fetchone()
        # -2: a drop was killed half way, and Postgres lets nobody in any more
        if row is not None and row[0] != -2:
            return False
        drop_database(connection, settings.database)
        create_database(connection, settings.database, owner=settings.user)
        return True


def reset(server: Server, settings: Settings) -> None:
    """Drop the warehouse's database with all that is in it, and make it anew. Ends every connection to it."""
    server.drop_database(settings.database)
    provision(server, settings)


def ensure_role(connection: psycopg.Connection, name: str, password: str) -> None:
    """Make sure that the role exists, may make databases and roles, is no superuser and has the password."""
    from psycopg import sql

    exists = connection.execute("select from pg_roles where rolname = %s", [name]).fetchone() is not None
    # Four thousand rounds of hashing protect a secret; this password is in the documentation, and every
    # connection would pay for them.
    connection.execute("set scram_iterations = 1")
    connection.execute(
        sql.SQL("{} role {} with login nosuperuser createdb createrole password {}").format(
            sql.SQL("alter" if exists else "create"), sql.Identifier(name), sql.Literal(password)
        )
    )
    if connection.info.server_version >= 160000:
        # what a user owns is open to whoever made the user: what older servers do anyway
        connection.execute(
            sql.SQL("alter role {} set createrole_self_grant = 'set, inherit'").format(sql.Identifier(name))
        )
