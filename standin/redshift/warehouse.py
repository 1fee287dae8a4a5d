"""A warehouse seen through the Redshift face."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from standin.errors import StandinError
from standin.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from standin.redshift.process import Face

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class RedshiftWarehouse(Warehouse):
    """A database behind the face; `host` and `port` are the face's.

    Attributes:
        face: the gateway.
        behind: the same database without it, as plain Postgres.
    """

    face: Face
    behind: Warehouse

    def connect(self, **options: Any) -> Any:
        """A new redshift_connector connection; options as its `connect` takes them, and `autocommit`.

        Raises `StandinError` if that driver is not installed; `psycopg()` does without.
        """
        try:
            import redshift_connector
        except ImportError as error:
            raise StandinError(
                "The package redshift_connector is not installed: install it, or connect with `psycopg()`."
            ) from error
        autocommit = options.pop("autocommit", True)
        connection = redshift_connector.connect(
            **{
                "host": self.host,
                "port": self.port,
                "user": self.user,
                "password": self.password,
                "database": self.database,
                "ssl": False,
                **options,
            }
        )
        connection.autocommit = autocommit
        return connection

    def psycopg(self, **options: Any) -> psycopg.Connection:
        """A new psycopg connection in autocommit; options as `psycopg.connect` takes them."""
        return super().connect(**{"autocommit": True, **options})

    def execute(self, sql: str, parameters: Any = None) -> Rows:
        """Run a statement in a connection of its own; its rows, if it has any."""
        with self.session() as execute:
            return execute(sql, parameters)

    @contextmanager
    def session(self, **options: Any) -> Iterator[Callable[..., Rows]]:
        """`execute` for several statements in one connection, with the options of `psycopg`."""

        def execute(sql: str, parameters: Any = None) -> Rows:
            cursor = connection.execute(sql.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

        with self.psycopg(**options) as connection:
            yield execute

    @property
    def sqlalchemy_url(self) -> str:
        """For `sqlalchemy.create_engine`, with sqlalchemy-redshift and redshift_connector."""
        return self.url.replace("postgresql://", "redshift+redshift_connector://", 1)

    def environment(self) -> dict[str, str]:
        """The variables of the database behind the face, and the `MAJAKKA_STANDIN_*` variables of the face."""
        return {
            **self.behind.environment(),
            "MAJAKKA_STANDIN_HOST": self.host,
            "MAJAKKA_STANDIN_PORT": str(self.port),
            "MAJAKKA_STANDIN_DATABASE": self.database,
        }

    def dbt_output(self, schema: str = "scratch", threads: int = 4) -> dict[str, Any]:
        """One output of a dbt profile, for the adapter dbt-redshift."""
        # loopback only; the driver would otherwise insist on a certificate from a known authority
        return {**super().dbt_output(schema, threads), "type": "redshift", "sslmode": "disable"}

    def dlt_destination(self, **options: Any) -> Any:
        """Dlt's `redshift` destination; options as it takes them. Needs dlt."""
        import dlt

        return dlt.destinations.redshift(credentials=self.url, **options)
