"""A database for a test, made from a template in milliseconds and dropped afterwards."""

from __future__ import annotations

import hashlib
import itertools
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from standin.errors import StandinError
from standin.provision import ensure_role
from standin.server import create_database, drop_database
from standin.settings import Settings, postgres_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import psycopg

    from standin.redshift.process import Face
    from standin.redshift.snapshot import Snapshot
    from standin.redshift.warehouse import RedshiftWarehouse
    from standin.server import Server


@dataclass(frozen=True)
class Warehouse:
    """A database and the role that owns it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @property
    def url(self) -> str:
        """Its `postgresql://` address."""
        return postgres_url(self.host, self.port, self.user, self.password, self.database)

    def connect(self, **options: Any) -> psycopg.Connection:
        """A new connection as the warehouse's role; options as `psycopg.connect` takes them (`autocommit=True`…)."""
        import psycopg

        connection: psycopg.Connection = psycopg.connect(self.url, **options)
        return connection

    @property
    def sqlalchemy_url(self) -> str:
        """For `sqlalchemy.create_engine`, with psycopg."""
        return self.url.replace("postgresql://", "postgresql+psycopg://", 1)

    def environment(self) -> dict[str, str]:
        """The `MAJAKKA_WAREHOUSE_*` variables that lead a program to this database."""
        return Settings(self.host, self.port, self.user, self.password, self.database).environment()

    def dbt_output(self, schema: str = "scratch", threads: int = 4) -> dict[str, Any]:
        """One output of a dbt profile: how the adapter reaches this database."""
        return {
            "type": "postgres",
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "dbname": self.database,
            "schema": schema,
            "threads": threads,
            "connect_timeout": 10,
        }

    def dbt_profiles(self, profile: str, schema: str = "scratch", threads: int = 4) -> dict[str, Any]:
        """What a `profiles.yml` says that has one profile, and in it one output, this database."""
        return {profile: {"target": "test", "outputs": {"test": self.dbt_output(schema, threads)}}}

    def write_dbt_profiles(self, folder: Path, profile: str, schema: str = "scratch", threads: int = 4) -> Path:
        """Write that `profiles.yml` into a folder, for `dbt --profiles-dir`; gives back the folder."""
        # JSON is YAML, and needs no library
        content = json.dumps(self.dbt_profiles(profile, schema, threads), indent=2)
        file = folder / "profiles.yml"
        file.touch(0o600)
        file.write_text(content + "\n")
        return folder

    def dlt_destination(self, **options: Any) -> Any:
        """Dlt's destination for this database; options as it takes them. Needs dlt."""
        import dlt

        return dlt.destinations.postgres(credentials=self.url, **options)


@dataclass(frozen=True)
class Template:
    """A database that is finished and closed: new ones are copies of it. Made by `WarehouseFactory.template`.

    With `redshift`, it has Redshift's catalogue, and its copies are seen through the Redshift face.
    """

    name: str
    database: str
    redshift: bool = False


class WarehouseFactory:
    """Makes databases on one server for one process of a run.

    `run_id` keeps runs on the same server apart, `worker` the processes of a run.
    """

    def __init__(self, server: Server, settings: Settings, run_id: str, worker: str) -> None:
        self.server = server
        self._settings = settings
        self._prefix = run_prefix(run_id)
        self._worker = worker
        self._numbers = itertools.count(1)
        self._face: Face | None = None
        self._redshift: Template | None = None
        self._admin: psycopg.Connection | None = None

    def template(
        self,
        name: str,
        build: Callable[[Any], None],
        *,
        base: Template | None = None,
        redshift: bool = False,
    ) -> Template:
        """A template database, built once in a run however many processes ask for it.

        `build` gets an empty warehouse, or a copy of `base`, and fills it, with whatever connections it likes; they are
        ended afterwards. With `redshift` (or a base that has it) it is one behind the Redshift face.
        If it raises, or its process is killed, the next one who asks builds anew; nobody ever sees half of it.
        """
        if base is None and redshift:
            base = self.redshift_template()
        behind_face = base is not None and base.redshift
        database = self._template(
            name, lambda building: build(self._seen(building) if behind_face else self._warehouse(building)), base
        )
        return Template(name, database, behind_face)

    def redshift_template(self) -> Template:
        """A database with Redshift's catalogue and nothing else."""
        if self._redshift is None:
            self._redshift = Template("redshift", self._template("redshift", self._renew, None), redshift=True)
        return self._redshift

    def snapshot_template(self, snapshot: Snapshot) -> Template:
        """A database with the empty tables and views of a schema snapshot, behind the Redshift face."""
        return self.template(
            f"snapshot_{snapshot.fingerprint}", lambda made: snapshot.apply(made.execute), redshift=True
        )

    def _template(self, name: str, build: Callable[[str], None], base: Template | None) -> str:
        database = f"{self._prefix}template_{name}"
        with self._alone(database):
            admin = self._connection()
            if not _exists(admin, database):
                building = f"{self._prefix}building_{name}"
                drop_database(admin, building)
                self._create(building, "template1" if base is None else base.database)
                try:
                    build(building)
                    self._finish(building, database)
                except BaseException:
                    drop_database(self._connection(), building)
                    raise
        return database

    @contextmanager
    def warehouse(
        self,
        *,
        database: str | None = None,
        template: Template | None = None,
        superuser_statements: Sequence[str] = (),
        redshift: bool = False,
    ) -> Iterator[Warehouse]:
        """A warehouse for the block, empty or a copy of the template.

        Without a name it is new, and dropped at the end, whoever is still connected. With `database` it is that one,
        made if absent and kept. `superuser_statements` run in it first, in order, each on its own. With `redshift`, or
        a template that has it, it is a `RedshiftWarehouse`, behind the Redshift face.
        """
        if template is None and redshift:
            template = self.redshift_template()
        elif template is not None and redshift and not template.redshift:
            raise StandinError(
                f"The template {template.name!r} is plain Postgres and has no Redshift catalogue: make it with "
                "warehouse_factory.template(..., redshift=True)."
            )
        source = "template1" if template is None else template.database
        give = self._seen if template is not None and template.redshift else self._warehouse
        if database is not None:
            with self._alone(database):
                if not _exists(self._connection(), database):
                    self._create(database, source)
                elif give == self._seen:
                    self._renew(database)
            self._run(database, superuser_statements)
            yield give(database)
            return
        name = f"{self._prefix}{self._worker}_{next(self._numbers)}"
        self._create(name, source)
        try:
            self._run(name, superuser_statements)
            yield give(name)
        finally:
            drop_database(self._connection(), name)

    def face(self) -> Face:
        """The Redshift face of this process, started when it is first needed."""
        if self._face is None:
            from standin.redshift.process import start

            self._face = start(self.server)
        return self._face

    def close(self) -> None:
        """Stop the face, and close the factory's own connection."""
        if self._face is not None:
            self._face.stop()
            self._face = None
        if self._admin is not None:
            self._admin.close()
            self._admin = None

    def _create(self, name: str, source: str) -> None:
        create_database(self._connection(), name, template=source, owner=self._settings.user)

    def _run(self, database: str, statements: Sequence[str]) -> None:
        if not statements:
            return
        import psycopg

        with self.server.connect(database) as connection:
            for statement in statements:
                try:
                    connection.execute(statement.encode())
                except psycopg.Error as error:
                    raise StandinError(
                        f"The superuser statement {statement!r} failed in {database}: {error}"
                    ) from error

    def _finish(self, building: str, database: str) -> None:
        from psycopg import sql

        with self.server.connect(building) as connection:
            # the statistics are copied with the tables: every copy is planned like the original
            connection.execute("analyze")
        admin = self._connection()
        names = {"old": sql.Identifier(building), "new": sql.Identifier(database)}
        admin.execute(sql.SQL("alter database {old} with allow_connections false").format(**names))
        admin.execute("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", [building])
        admin.execute(sql.SQL("alter database {old} rename to {new}").format(**names))

    def _renew(self, database: str) -> None:
        """Bring the Redshift catalogue of a database to today's."""
        from standin.redshift.catalog.install import install

        with self.server.connect(database) as connection:
            install(connection)

    def _seen(self, database: str) -> RedshiftWarehouse:
        from standin.redshift.warehouse import RedshiftWarehouse

        face, behind = self.face(), self._warehouse(database)
        return RedshiftWarehouse(face.host, face.port, behind.user, behind.password, database, face, behind)

    def _warehouse(self, database: str) -> Warehouse:
        return Warehouse(self.server.host, self.server.port, self._settings.user, self._settings.password, database)

    def _connection(self) -> psycopg.Connection:
        if self._admin is None or self._admin.closed:
            self._admin = self.server.connect()
        return self._admin

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        """Keep the run's other processes from the same work; the server lets go if we are killed."""
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
        with self.server.connect() as connection:
            connection.execute("select pg_advisory_lock(%s)", [key])
            yield


def run_prefix(run_id: str) -> str:
    """What the names of all databases of a run begin with, unless the test chose the name."""
    return f"standin_{run_id[:8]}_"


def prepare_server(server: Server, settings: Settings) -> None:
    """Make the warehouse's role on a server that is ours alone."""
    with server.connect() as connection:
        ensure_role(connection, settings.user, settings.password)


def prepare_foreign_server(server: Server, settings: Settings) -> None:
    """Make the warehouse's role on somebody else's server if it is absent; never change one that is there."""
    with server.connect() as connection:
        connection.execute("select pg_advisory_lock(hashtext('standin role'))")
        known = connection.execute("select from pg_roles where rolname = %s", [settings.user]).fetchone()
        if known is None:
            ensure_role(connection, settings.user, settings.password)


def drop_run(server: Server, run_id: str) -> None:
    """Drop every database of a run: on a server that outlives it."""
    with server.connect() as connection:
        rows = connection.execute(
            "select datname from pg_database where starts_with(datname, %s)", [run_prefix(run_id)]
        ).fetchall()
        for (name,) in rows:
            drop_database(connection, name)


def _exists(connection: psycopg.Connection, database: str) -> bool:
    query = "select from pg_database where datname = %s and datconnlimit <> -2"
    return connection.execute(query, [database]).fetchone() is not None
