"""Row-level security shows each user the rows that the policies show; datashares are listed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest


@pytest.fixture
def admin(redshift: Any, warehouse_factory: Any) -> Iterator[psycopg.Connection]:
    server = warehouse_factory.server
    with redshift.psycopg(user=server.superuser, password=server.superuser_password) as connection:
        for statement in (
            "create table bill (id int, region varchar(10), amount int)",
            "insert into bill values (1, 'north', 10), (2, 'north', 900), (3, 'south', 20)",
            "create user rls_agent password disable",
            "grant select, update, delete on bill to rls_agent",
        ):
            connection.execute(statement.encode())
        yield connection
        for statement in ("reset session authorization", "drop table bill", "drop user rls_agent"):
            connection.execute(statement.encode())


def seen(connection: psycopg.Connection, user: str = "rls_agent") -> list[int]:
    connection.execute(f"set session authorization {user}".encode())
    rows = connection.execute(b"select id from bill order by id").fetchall()
    connection.execute(b"reset session authorization")
    return [id for (id,) in rows]


def test_a_user_sees_what_all_policies_show(admin: psycopg.Connection) -> None:
    for statement in (
        "create rls policy northern with (region varchar(10)) as b using (b.region = 'north')",
        "create rls policy small with (amount int) using (amount < 100)",
        "alter table bill row level security on",
    ):
        admin.execute(statement.encode())
    assert seen(admin) == []
    admin.execute(b"attach rls policy northern on table bill to rls_agent")
    assert seen(admin) == [1, 2]
    admin.execute(b"attach rls policy small on bill to rls_agent")
    assert seen(admin) == [1]
    admin.execute(b"alter rls policy small using (amount < 1000)")
    assert seen(admin) == [1, 2]
    admin.execute(b"detach rls policy northern on bill from rls_agent")
    assert seen(admin) == [1, 2, 3]
    admin.execute(b"alter table bill row level security off")
    assert seen(admin) == [1, 2, 3]


def test_an_update_reaches_only_rows_that_are_seen(admin: psycopg.Connection) -> None:
    for statement in (
        "create rls policy southern with (region varchar(10)) using (region = 'south')",
        "attach rls policy southern on bill to rls_agent",
        "alter table bill row level security on",
        "set session authorization rls_agent",
        "update bill set amount = 0",
        "reset session authorization",
    ):
        admin.execute(statement.encode())
    assert admin.execute(b"select id, amount from bill order by id").fetchall() == [(1, 10), (2, 900), (3, 0)]


def test_an_attached_policy_is_dropped_only_with_cascade(admin: psycopg.Connection) -> None:
    admin.execute(b"create rls policy held with (id int) using (id = 1)")
    admin.execute(b"attach rls policy held on bill to public")
    with pytest.raises(psycopg.Error, match="is attached to bill"):
        admin.execute(b"drop rls policy held")
    admin.execute(b"drop rls policy held cascade")
    assert admin.execute(b"show rls policies").fetchall() == []


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("alter rls policy nowhere using (true)", "42704"),
        ("drop datashare nowhere", "42704"),
        ("desc identity provider nowhere", "42704"),
        ("drop model nowhere", "42704"),
        ("create masking policy m with (a int) using (a)", "0A000"),
        ("attach masking policy m on bill (id) to public", "0A000"),
    ],
)
def test_what_does_not_exist_is_an_error(admin: psycopg.Connection, statement: str, sqlstate: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        admin.execute(statement.encode())
    assert raised.value.sqlstate == sqlstate


def test_a_table_joins_a_datashare_after_its_schema(admin: psycopg.Connection) -> None:
    admin.execute(b"create datashare bills")
    with pytest.raises(psycopg.Error, match="must be added to the datashare first"):
        admin.execute(b"alter datashare bills add table public.bill")
    admin.execute(b"alter datashare bills add schema public")
    admin.execute(b"alter datashare bills add table public.bill")
    rows = admin.execute(b"desc datashare bills").fetchall()
    assert [row[4:6] for row in rows] == [("SCHEMA", "public"), ("TABLE", "public.bill")]
    admin.execute(b"alter datashare bills remove table public.bill")
    assert len(admin.execute(b"desc datashare bills").fetchall()) == 1
