"""The warehouse's role and database come into being, however often that was interrupted."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from standin import provision
from standin.ephemeral import temporary
from standin.server import Server
from standin.settings import Settings

SETTINGS = Settings(user="keeper", password="it's", database="the warehouse")


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with temporary() as server:
        yield server


@pytest.fixture(autouse=True)
def clean(server: Server) -> Iterator[None]:
    yield
    server.drop_database(SETTINGS.database)
    with server.connect() as connection:
        connection.execute("drop role if exists keeper")


def owner_connection(server: Server) -> psycopg.Connection:
    return psycopg.connect(server.url(SETTINGS.database, user="keeper", password="it's"), autocommit=True)


def test_role_and_database_are_as_agreed(server: Server) -> None:
    assert provision.provision(server, SETTINGS)
    with owner_connection(server) as connection:
        query = (
            "select rolsuper, rolcreatedb, pg_get_userbyid(datdba) from pg_roles, pg_database"
            " where rolname = current_user and datname = current_database()"
        )
        assert connection.execute(query).fetchone() == (False, True, "keeper")
        connection.execute("create schema raw_crm create table customers (customer_id text)")


def test_again_changes_nothing_but_a_password(server: Server) -> None:
    provision.provision(server, SETTINGS)
    with owner_connection(server) as connection:
        connection.execute("create table kept ()")
    with server.connect() as connection:
        connection.execute("alter role keeper password 'other' superuser nocreatedb")
    assert not provision.provision(server, SETTINGS)
    with owner_connection(server) as connection:
        connection.execute("select from kept")
        assert connection.execute("show is_superuser").fetchone() == ("off",)


def test_killed_between_role_and_database(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(provision, "create_database", killed)
    with pytest.raises(KeyboardInterrupt):
        provision.provision(server, SETTINGS)
    monkeypatch.undo()
    assert SETTINGS.database not in server.databases()
    assert provision.provision(server, SETTINGS)
    owner_connection(server).close()


def test_killed_within_a_drop(server: Server) -> None:
    # Postgres marks the database so and refuses every connection to it
    provision.provision(server, SETTINGS)
    with server.connect() as connection:
        connection.execute("update pg_database set datconnlimit = -2 where datname = %s", [SETTINGS.database])
    with pytest.raises(psycopg.OperationalError, match="invalid database"):
        owner_connection(server)
    assert provision.provision(server, SETTINGS)
    owner_connection(server).close()


def test_reset_empties_it_and_ends_connections(server: Server) -> None:
    provision.provision(server, SETTINGS)
    with owner_connection(server) as connection:
        connection.execute("create table gone ()")
        provision.reset(server, SETTINGS)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")
    with owner_connection(server) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("select from gone")
