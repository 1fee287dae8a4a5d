"""One database behind the face and one bucket for the many small cases of a file."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from standin.local_s3 import Bucket, LocalS3
from standin.redshift.warehouse import RedshiftWarehouse
from standin.warehouse import WarehouseFactory

ROLE = "iam_role default"
_NUMBERS = itertools.count()


class Lake:
    """`execute` runs statements in one session; `place` gives a prefix that nobody has used."""

    def __init__(self, redshift: RedshiftWarehouse, bucket: Bucket, connection: psycopg.Connection) -> None:
        self.redshift, self.bucket, self._connection = redshift, bucket, connection

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        cursor = self._connection.execute(sql.encode(), prepare=False)
        return cursor.fetchall() if cursor.description else []

    def place(self) -> str:
        return f"{self.bucket.url}/{next(_NUMBERS)}/"

    def put(self, content: str | bytes, name: str = "1") -> str:
        """A new prefix that holds one file."""
        place = self.place()
        self.bucket.put(self.key(place) + name, content.encode() if isinstance(content, str) else content)
        return place

    def files(self, place: str) -> dict[str, bytes]:
        """The files of a prefix by the rest of their names."""
        key = self.key(place)
        return {found.removeprefix(key): self.bucket.get(found) for found in self.bucket.keys(key)}

    def table(self, columns: str, name: str = "t") -> None:
        """A new table in the place of the last one."""
        self.execute(f"drop table if exists {name}")
        self.execute(f"create table {name} ({columns})")

    def rows(self, name: str = "t") -> list[tuple[Any, ...]]:
        """What the table holds, in the order of loading."""
        return self.execute(f"select * from {name} order by ctid")

    def numbers(self, count: int) -> str:
        """A table of the numbers from 1 to this, in its column n; gives back its name."""
        name = f"numbers_to_{count}"
        if not self.execute(f"select 1 from pg_class where relname = '{name}'"):
            self.table("n int", name)
            self.execute(f"copy {name} from '{self.put(chr(10).join(map(str, range(1, count + 1))))}' {ROLE}")
        return name

    def key(self, place: str) -> str:
        return place.removeprefix(self.bucket.url + "/")


@contextmanager
def open_lake(factory: WarehouseFactory, local_s3: LocalS3) -> Iterator[Lake]:
    with factory.warehouse(redshift=True) as redshift:
        assert isinstance(redshift, RedshiftWarehouse)
        with redshift.psycopg() as connection:
            yield Lake(redshift, local_s3.make_bucket(f"lake-{redshift.database.replace('_', '-')}"), connection)
