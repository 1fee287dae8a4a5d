"""The warehouse as ingestion sees it: a connection, and a dlt destination."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestion.errors import IngestError

if TYPE_CHECKING:
    import psycopg


@dataclass(frozen=True)
class Warehouse:
    """Where to land. The password stays out of the representation, and so out of logs and error texts."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    @classmethod
    def from_environment(cls) -> Warehouse:
        """The warehouse that `MAJAKKA_WAREHOUSE_*` names; without them, the local one of `make up`.

        Raises:
            IngestError: the port is no number.
        """

        def get(name: str, default: str) -> str:
            return os.environ.get(f"MAJAKKA_WAREHOUSE_{name}", default)

        port = get("PORT", "5442")
        if not port.isdecimal():
            raise IngestError(f"MAJAKKA_WAREHOUSE_PORT is {port!r}; it must be a port number")
        return cls(
            host=get("HOST", "127.0.0.1"),
            port=int(port),
            user=get("USER", "majakka"),
            password=get("PASSWORD", "majakka"),
            database=get("DATABASE", "majakka"),
        )

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """A connection that commits every statement unless it is in a transaction block.

        Raises:
            IngestError: nobody answers, or the user is refused.
        """
        import psycopg

        try:
            return psycopg.connect(
                host=self.host,
                port=self.port,
                user=self.user,
                password=self.password,
                dbname=self.database,
                connect_timeout=10,
                autocommit=True,
                application_name="majakka ingest",
            )
        except psycopg.OperationalError as error:
            raise IngestError(
                f"the warehouse at {self.host}:{self.port}/{self.database} cannot be used: {str(error).strip()} "
                "(`make up` starts the local one; MAJAKKA_WAREHOUSE_* names another)"
            ) from error

    def destination(self) -> Any:
        """The dlt destination of this warehouse."""
        import dlt

        return dlt.destinations.postgres(
            {
                "host": self.host,
                "port": self.port,
                "username": self.user,
                "password": self.password,
                "database": self.database,
            },
            # a raw table is scanned, never looked up in by row
            create_indexes=False,
        )
