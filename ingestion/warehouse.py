"""The warehouse as ingestion sees it: a connection, and the dlt destination that knows its types and its DDL."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from ingestion.errors import IngestError, WarehouseUnavailableError

if TYPE_CHECKING:
    from psycopg import sql

ENGINES = ("postgres", "redshift")


class Rows(Protocol):
    """The answer to a statement; each row is a tuple."""

    @property
    def rowcount(self) -> int:
        """How many rows the statement gave, or changed."""
        ...

    @property
    def description(self) -> Sequence[Any] | None:
        """DB-API's description of the columns; the first part of each is its name."""
        ...

    def __iter__(self) -> Iterator[Any]: ...

    def fetchone(self) -> Any:
        """The next row, or None."""
        ...

    def fetchall(self) -> list[Any]:
        """The rows that are left."""
        ...


class Connection(Protocol):
    """A connection that commits every statement unless it is in a transaction block: psycopg's, and Redshift's."""

    def execute(self, query: str | sql.Composable, params: Sequence[object] | None = None) -> Rows:
        """Runs one statement with `%s` parameters."""
        ...

    def transaction(self) -> AbstractContextManager[object]:
        """A block that is committed as a whole, or rolled back."""
        ...

    def close(self) -> None:
        """Ends the connection."""
        ...

    def __enter__(self) -> Connection: ...

    def __exit__(self, *_: object) -> object: ...


@dataclass(frozen=True)
class Staging:
    """Where files lie for Redshift's COPY while a load lasts.

    Attributes:
        url: `s3://bucket/prefix`.
        iam_role: the role that the cluster reads it with; without one, this process' own AWS credentials are used.
    """

    url: str
    iam_role: str | None = None


@dataclass(frozen=True)
class Warehouse:
    """Where to land. The password stays out of the representation, and so out of logs and error texts."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str
    engine: Literal["postgres", "redshift"] = "postgres"
    staging: Staging | None = None
    sslmode: str = "verify-full"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Warehouse:
        """The warehouse that `MAJAKKA_WAREHOUSE_*` names; without them, the local one of `make up`.

        `MAJAKKA_WAREHOUSE_ENGINE=redshift` lands through S3 and COPY: it needs `MAJAKKA_STAGING_URL`, and takes
        `MAJAKKA_STAGING_IAM_ROLE` and `MAJAKKA_WAREHOUSE_SSLMODE`.

        Raises:
            IngestError: the port is no number, the engine is none, or Redshift has no staging place.
        """
        environ = os.environ if environ is None else environ

        def get(name: str, default: str) -> str:
            return environ.get(f"MAJAKKA_WAREHOUSE_{name}", default)

        engine = get("ENGINE", "postgres")
        if engine not in ENGINES:
            raise IngestError(f"MAJAKKA_WAREHOUSE_ENGINE is {engine!r}; it is one of {', '.join(ENGINES)}")
        port = get("PORT", "5439" if engine == "redshift" else "5442")
        if not port.isdecimal():
            raise IngestError(f"MAJAKKA_WAREHOUSE_PORT is {port!r}; it must be a port number")
        staging = None
        if engine == "redshift":
            url = environ.get("MAJAKKA_STAGING_URL", "")
            if not url.startswith("s3://"):
                raise IngestError(
                    "Redshift is loaded from S3: set MAJAKKA_STAGING_URL to s3://bucket/prefix, "
                    "and MAJAKKA_STAGING_IAM_ROLE to the role that the cluster reads it with"
                )
            staging = Staging(url.rstrip("/"), environ.get("MAJAKKA_STAGING_IAM_ROLE"))
        return cls(
            host=get("HOST", "127.0.0.1"),
            port=int(port),
            user=get("USER", "majakka"),
            password=get("PASSWORD", "majakka"),
            database=get("DATABASE", "majakka"),
            engine=cast("Literal['postgres', 'redshift']", engine),
            staging=staging,
            sslmode=get("SSLMODE", "verify-full"),
        )

    @property
    def name(self) -> str:
        """The warehouse in an error text."""
        return f"{self.host}:{self.port}/{self.database}"

    def connect(self) -> Connection:
        """A connection.

        Raises:
            IngestError: nobody answers, or the user is refused.
        """
        if self.engine == "redshift":
            from ingestion.loading.redshift import connect

            return connect(self)
        import psycopg

        try:
            return cast(
                "Connection",
                psycopg.connect(
                    host=self.host,
                    port=self.port,
                    user=self.user,
                    password=self.password,
                    dbname=self.database,
                    connect_timeout=10,
                    autocommit=True,
                    application_name="majakka ingest",
                ),
            )
        except psycopg.OperationalError as error:
            raise unreachable(self, error) from error

    @contextmanager
    def named_errors(self) -> Iterator[None]:
        """Turns the driver's errors into ours.

        Raises:
            WarehouseUnavailableError: the connection broke, or the warehouse stops, or is full.
            IngestError: it refuses a statement.
        """
        import psycopg
        import redshift_connector.error

        try:
            yield
        except (psycopg.Error, redshift_connector.error.Error, ConnectionError) as error:
            if self.engine == "redshift":
                from ingestion.loading.redshift import is_passing, said

                passes, told = is_passing(error), said(error)
            else:
                passes, told = isinstance(error, psycopg.OperationalError), str(error)
            kind = WarehouseUnavailableError if passes else IngestError
            raise kind(f"the warehouse at {self.name} says: {told}") from error

    def destination(self) -> Any:
        """The dlt destination of this warehouse."""
        import dlt

        credentials = {
            "host": self.host,
            "port": self.port,
            "username": self.user,
            "password": self.password,
            "database": self.database,
        }
        if self.engine == "redshift":
            return dlt.destinations.redshift({**credentials, "query": {"sslmode": self.sslmode}})
        # a raw table is scanned, never looked up in by row
        return dlt.destinations.postgres(credentials, create_indexes=False)


def has_table(connection: Connection, schema: str, name: str) -> bool:
    """Whether there is a table or view by this name."""
    found = connection.execute(
        "select count(*) from information_schema.tables where table_schema = %s and table_name = %s", (schema, name)
    )
    return bool(found.fetchone()[0])


def unreachable(warehouse: Warehouse, error: Exception) -> WarehouseUnavailableError:
    """The error of a warehouse that cannot be used, with what to do."""
    return WarehouseUnavailableError(
        f"the warehouse at {warehouse.name} cannot be used: {str(error).strip()} "
        "(`make up` starts the local one; MAJAKKA_WAREHOUSE_* names another)"
    )
