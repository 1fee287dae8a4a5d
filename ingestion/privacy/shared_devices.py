"""Lets the next plain build put the visits on a shared device right.

Where an erased person shared a device, the events of others on it stay, and her visits have gone with what those others
did in them. The web's incremental models build a device anew when a load of its events is new to them, and they know
loads by a number (docs/web-sessions.md). So the loads that have what is left on her devices get the next numbers, as if
they had been found only now. Without these models, or with none of her devices shared, nothing is done.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ingestion.warehouse import has_table

if TYPE_CHECKING:
    from psycopg import sql

    from ingestion.warehouse import Connection

LOADS = ("intermediate", "int_events__loads_numbered")
EVENTS = ("intermediate", "int_events__deduplicated")

LOADS_A_STATEMENT = 200


def devices_of(connection: Connection, table: sql.Identifier, column: str, condition: sql.Composable) -> list[str]:
    """The devices of the rows that are about to go."""
    from psycopg import sql

    query = sql.SQL("select distinct {0} from {1} where {2} and {0} is not null").format(
        sql.Identifier(column), table, condition
    )
    return [device for (device,) in connection.execute(query)]


def build_anew(connection: Connection, devices: Sequence[str]) -> int:
    """Gives the loads of what is left on these devices new numbers, in the caller's transaction. Gives how many."""
    from psycopg import sql

    if not devices or not (has_table(connection, *LOADS) and has_table(connection, *EVENTS)):
        return 0
    loads, events = sql.Identifier(*LOADS), sql.Identifier(*EVENTS)
    query = sql.SQL(
        "select load_id, load_number from {} where load_id in (select _dlt_load_id from {} where device_id in ({}))"
        " order by load_number"
    ).format(loads, events, sql.SQL(", ").join(map(sql.Literal, devices)))
    found = [load_id for load_id, _ in connection.execute(query)]
    if not found:
        return 0
    (last,) = connection.execute(sql.SQL("select max(load_number) from {}").format(loads)).fetchone()
    for start in range(0, len(found), LOADS_A_STATEMENT):
        some = found[start : start + LOADS_A_STATEMENT]
        numbers = sql.SQL(" ").join(
            sql.SQL("when {} then {}").format(sql.Literal(load_id), sql.Literal(last + start + place))
            for place, load_id in enumerate(some, 1)
        )
        for table, number, load in ((loads, "load_number", "load_id"), (events, "_load_number", "_dlt_load_id")):
            connection.execute(
                sql.SQL("update {table} set {number} = case {load} {numbers} end where {load} in ({some})").format(
                    table=table,
                    number=sql.Identifier(number),
                    load=sql.Identifier(load),
                    numbers=numbers,
                    some=sql.SQL(", ").join(map(sql.Literal, some)),
                )
            )
    return len(found)
