"""Install Redshift's catalogue into a database: types, functions, system views, all in the schema `pg_catalog`.

    install(connection)   # a superuser's, to the database; nothing happens if what stands there is current

The SQL lies beside this file, one file per idea, and runs in the order of `FILES`, in one transaction: a database has
all of it or nothing. Everything is in `pg_catalog` so that it needs no search path and shows in no listing of the
user's schemas. Objects of our own, which Redshift does not have, begin with `rs_`.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from standin.errors import StandinError

if TYPE_CHECKING:
    import psycopg

# in this order: a file may use what stands before it
FILES: tuple[str, ...] = (
    "types.sql",
    "shadows.sql",
    "super_type.sql",
    "functions_datetime.sql",
    "functions_string.sql",
    "functions_hash.sql",
    "functions_json.sql",
    "functions_super.sql",
    "functions_varbyte.sql",
    "functions_math.sql",
    "functions_conversion.sql",
    "comparison.sql",
    "functions_system.sql",
    "aggregates.sql",
    "hyperloglog.sql",
    "concatenation.sql",
    "windows.sql",
    "spatial_types.sql",
    "spatial_binary.sql",
    "spatial_text.sql",
    "spatial_constructors.sql",
    "spatial_accessors.sql",
    "spatial_editors.sql",
    "spatial_relations.sql",
    "spatial_measures.sql",
    "spatial_algorithms.sql",
    "spatial_validity.sql",
    "spatial_grids.sql",
    "spatial_geodesic.sql",
    "long_names.sql",
    "relations.sql",
    "late_binding.sql",
    "alterations.sql",
    "views_relations.sql",
    "overlays.sql",
    "views_external.sql",
    "views_principals.sql",
    "history.sql",
    "governance.sql",
    "show.sql",
)

_FOLDER = Path(__file__).parent


@cache
def version() -> str:
    """A hash of all the files: databases with the same version have the same catalogue."""
    digest = hashlib.sha256()
    for name in FILES:
        digest.update(name.encode() + b"\0" + (_FOLDER / name).read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def installed(connection: psycopg.Connection) -> str | None:
    """The version that the connection's database has; None if it has no Redshift catalogue."""
    found = connection.execute("select to_regclass('pg_catalog.rs_catalog') is not null").fetchone()
    if found is None or not found[0]:
        return None
    row = connection.execute("select version from pg_catalog.rs_catalog").fetchone()
    return None if row is None else str(row[0])


def install(connection: psycopg.Connection) -> None:
    """Bring the catalogue of the connection's database to this version; the connection is a superuser's.

    A database with an older version keeps its tables and gets new functions and views. Raises `StandinError` if that
    cannot be done, because a view of the user's stands on one of ours that changed.
    """
    import psycopg

    current = installed(connection)
    if current == version():
        return
    with connection.transaction():
        connection.execute(_SETTINGS)
        try:
            if current is not None:
                _drop_views(connection)
            for name in FILES:
                _run(connection, name)
            connection.execute(_STAMP)
            connection.execute("insert into pg_catalog.rs_catalog values (%s)", [version()])
        except psycopg.Error as error:
            if current is None:
                raise
            raise StandinError(
                f"The Redshift catalogue of database {connection.info.dbname!r} is of another version, and cannot be "
                f"renewed in place: {error}. Make the database anew with `standin reset --redshift`."
            ) from error


_SETTINGS = b"""
    set local allow_system_table_mods = on;
    set local client_min_messages = warning;
    set local check_function_bodies = off;
    set local event_triggers = off;
    set local standard_conforming_strings = on;
    set local search_path = pg_catalog;
"""

# the grants stand here because they concern the views and tables of every file
_STAMP = b"""
    create table if not exists pg_catalog.rs_catalog (version text not null);
    delete from pg_catalog.rs_catalog;
    do $$
    declare relation regclass;
    begin
        for relation in
            select oid from pg_class where relnamespace = 'pg_catalog'::regnamespace and relkind in ('v', 'r')
                and oid >= 16384
        loop
            execute format('grant select on %s to public', relation);
        end loop;
    end $$;
"""


def _drop_views(connection: psycopg.Connection) -> None:
    names = connection.execute(
        "select string_agg(oid::regclass::text, ', ') from pg_class "
        "where relnamespace = 'pg_catalog'::regnamespace and relkind = 'v' and oid >= 16384"
    ).fetchone()
    if names is not None and names[0] is not None:
        connection.execute(f"drop view {names[0]}".encode())


def _run(connection: psycopg.Connection, name: str) -> None:
    import psycopg

    try:
        connection.execute((_FOLDER / name).read_bytes())
    except psycopg.Error as error:
        error.add_note(f"in standin/redshift/catalog/{name}")
        raise
