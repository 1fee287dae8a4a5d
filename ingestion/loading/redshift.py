"""Rows into Redshift: Parquet parts on S3, and one COPY a table."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from ingestion.errors import IngestError, RunInProgressError, WarehouseUnavailableError
from ingestion.loading import NOTHING, new_load_id
from ingestion.loading.statements import Statements

if TYPE_CHECKING:
    import dlt
    import pyarrow as pa
    import pyarrow.parquet
    from psycopg import sql
    from redshift_connector.core import Connection as Driver

    from ingestion.warehouse import Connection, Rows, Staging, Warehouse

_LOG = logging.getLogger(__name__)

PART_ROWS = 2_000_000
"""Rows of a Parquet part: COPY reads parts in parallel, one slice each."""

LOCK_TABLE = "_run_lock"
LOCK_SECONDS = 2


def connect(warehouse: Warehouse) -> RedshiftConnection:
    """A connection through Amazon's driver.

    Raises:
        IngestError: nobody answers, or the user is refused.
    """
    import redshift_connector
    from redshift_connector.error import Error

    from ingestion.warehouse import unreachable

    try:
        connection = redshift_connector.connect(
            host=warehouse.host,
            port=warehouse.port,
            user=warehouse.user,
            password=warehouse.password,
            database=warehouse.database,
            timeout=None,
            ssl=warehouse.sslmode != "disable",
            sslmode=warehouse.sslmode if warehouse.sslmode != "disable" else "verify-ca",
            application_name="majakka ingest",
        )
    except (Error, OSError) as error:
        raise unreachable(warehouse, error) from error
    connection.autocommit = True
    return RedshiftConnection(connection)


class RedshiftConnection:
    """redshift_connector, with the few words of psycopg that ingestion uses."""

    def __init__(self, connection: Driver) -> None:
        self._connection = connection

    def execute(self, query: str | sql.Composable, params: Sequence[object] | None = None) -> Rows:
        """Runs one statement with `%s` parameters."""
        cursor: Any = self._connection.cursor()
        cursor.execute(query if isinstance(query, str) else query.as_string(None), params and tuple(params))
        return _Answer(cursor)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """A block that is committed as a whole, or rolled back. Redshift has no savepoints: not to be nested."""
        self._connection.autocommit = False
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._connection.rollback()
            raise
        finally:
            self._connection.autocommit = True

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()

    def __enter__(self) -> RedshiftConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Answer:
    """A cursor whose rows are tuples."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor
        self.rowcount: int = cursor.rowcount
        self.description: Sequence[Any] | None = cursor.description

    def __iter__(self) -> Iterator[Any]:
        return iter(self.fetchall())

    def fetchone(self) -> Any:
        row = self._cursor.fetchone()
        return None if row is None else tuple(row)

    def fetchall(self) -> list[Any]:
        return [tuple(row) for row in self._cursor.fetchall()]


class RedshiftLoad:
    """Rows go into Parquet parts on this machine, then to S3; COPY and everything else is one transaction at the end.

    The staged parts are removed after the load, however it ended. Those of a process that was killed stay: the staging
    prefix needs a lifecycle rule that expires them after a day, and nothing ever reads them again.
    """

    def __init__(
        self,
        connection: Connection,
        warehouse: Warehouse,
        dataset: str,
        keys: Mapping[str, Sequence[str]],
        folder: Path,
    ) -> None:
        if warehouse.staging is None:
            raise IngestError("Redshift is loaded from S3: set MAJAKKA_STAGING_URL")
        self.load_id = new_load_id()
        self._connection = connection
        self._warehouse = warehouse
        self._dataset = dataset
        # Redshift's text without a length is 256 bytes
        self._statements = Statements(connection, dataset, keys, text_type="varchar(65535)")
        self._staging = warehouse.staging
        self._folder = folder
        self._parts = _Parts(folder)
        self._committed = False

    @classmethod
    @contextmanager
    def begin(
        cls, connection: Connection, warehouse: Warehouse, dataset: str, keys: Mapping[str, Sequence[str]]
    ) -> Iterator[RedshiftLoad]:
        """A load in a transaction of its own."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError
        from redshift_connector.error import Error

        with tempfile.TemporaryDirectory(prefix="majakka-staging-") as name:
            load = cls(connection, warehouse, dataset, keys, Path(name))
            try:
                with connection.transaction():
                    yield load
                    if not load._committed:
                        raise _NotCommittedError
            except _NotCommittedError:
                pass
            except (Boto3Error, BotoCoreError, ClientError) as error:
                raise IngestError(
                    f"{dataset}: the staging place {warehouse.staging and warehouse.staging.url} cannot be used, so "
                    f"nothing was loaded: {error}. See MAJAKKA_STAGING_URL and this process' AWS credentials."
                ) from error
            except (Error, ConnectionError) as error:
                kind = WarehouseUnavailableError if is_passing(error) else IngestError
                raise kind(
                    f"{dataset}: the load failed and does not count; run again. The warehouse says: {said(error)}"
                ) from error

    @contextmanager
    def delivery(self) -> Iterator[None]:
        """Parts of their own, thrown away if the block raises."""
        kept, self._parts = self._parts, _Parts(self._folder)
        try:
            yield
            self._parts.close()
            kept.take(self._parts)
        except BaseException:
            self._parts.remove()
            raise
        finally:
            self._parts = kept

    def add(self, table: str, rows: pa.Table) -> None:
        """See `Load.add`."""
        target, rows = self._statements.target(table, rows)
        self._parts.write(table, target, rows)

    def commit(
        self,
        counts_as: dlt.Schema | None = None,
        replaced: Mapping[str, Sequence[str]] = NOTHING,
        first: Callable[[], None] = lambda: None,
        named: Collection[str] = (),
    ) -> int:
        """See `Load.commit`; the block's end commits."""
        self._parts.close()
        staged = _Staged(self._staging, f"{self._dataset}/{self.load_id}")
        try:
            manifests = {
                (target, names): staged.upload(target, files) for (_, target, names), files in self._parts.files.items()
            }
            # everything is on S3 before anybody is kept waiting
            first()
            self._statements.make_incoming()
            for table, target, names in self._parts.files:
                self._statements.add_columns(table, names)
                manifest = manifests[target, names]
                json_columns = self._statements.json_columns(table).intersection(names)
                self._copy(target, names, manifest, staged.authorization(), serialize=bool(json_columns))
            removed = self._statements.settle(self.load_id, counts_as, replaced, named)
        finally:
            staged.remove()
        self._committed = True
        return removed

    def _copy(
        self, target: str, names: Sequence[str], manifest: str, authorization: sql.Composable, *, serialize: bool
    ) -> None:
        from psycopg import sql

        self._connection.execute(
            sql.SQL("copy {} ({}) from {} {} format as parquet manifest{}").format(
                self._statements.identifier(target),
                sql.SQL(", ").join(map(sql.Identifier, names)),
                sql.Literal(manifest),
                authorization,
                # JSON comes as text, and is to become SUPER
                sql.SQL(" serializetojson" if serialize else ""),
            )
        )


class _NotCommittedError(Exception):
    """Makes the transaction roll back."""


class _Parts:
    """Parquet files on this machine, by what they are copied to and the columns that they have."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[tuple[str, str, tuple[str, ...]], tuple[pa.parquet.ParquetWriter, int]] = {}
        self.files: dict[tuple[str, str, tuple[str, ...]], list[Path]] = {}

    def write(self, table: str, target: str, rows: pa.Table) -> None:
        import pyarrow.parquet

        key = (table, target, tuple(rows.column_names))
        writer, written = self._open.get(key, (None, 0))
        if writer is None:
            descriptor = tempfile.NamedTemporaryFile(dir=self._folder, suffix=".parquet", delete=False)  # noqa: SIM115
            descriptor.close()
            path = Path(descriptor.name)
            self.files.setdefault(key, []).append(path)
            writer = pyarrow.parquet.ParquetWriter(path, rows.schema, compression="zstd")
        writer.write_table(rows)
        self._open[key] = (writer, written + len(rows))
        if written + len(rows) >= PART_ROWS:
            writer.close()
            del self._open[key]

    def close(self) -> None:
        for writer, _ in self._open.values():
            writer.close()
        self._open.clear()

    def take(self, other: _Parts) -> None:
        for key, files in other.files.items():
            self.files.setdefault(key, []).extend(files)

    def remove(self) -> None:
        self.close()
        for files in self.files.values():
            for path in files:
                path.unlink()


class _Staged:
    """The objects of one load below the staging prefix."""

    def __init__(self, staging: Staging, folder: str) -> None:
        import boto3

        url = urlsplit(staging.url)
        self._role = staging.iam_role
        self._session = boto3.session.Session()
        self._s3 = self._session.client("s3")
        self._bucket = url.netloc
        self._prefix = f"{url.path.strip('/')}/{folder}".lstrip("/")
        self._keys: list[str] = []

    def upload(self, target: str, files: Sequence[Path]) -> str:
        """Uploads a table's parts, and gives the uri of the manifest that names them."""
        number = len(self._keys)
        entries: list[dict[str, object]] = []
        for path in files:
            key = self._put(f"{target}/{number + len(entries):05}.parquet")
            self._s3.upload_file(str(path), self._bucket, key)
            # COPY of Parquet wants to know the length beforehand
            size = path.stat().st_size
            entries.append({"url": f"s3://{self._bucket}/{key}", "mandatory": True, "meta": {"content_length": size}})
        key = self._put(f"{target}/{number:05}.manifest")
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=orjson.dumps({"entries": entries}))
        return f"s3://{self._bucket}/{key}"

    def authorization(self) -> sql.Composable:
        """The clause that lets the cluster read the parts."""
        from psycopg import sql

        if self._role:
            return sql.SQL("iam_role {}").format(sql.Literal(self._role))
        found = self._session.get_credentials()
        if found is None:
            raise IngestError(
                "the cluster cannot read the staged files: set MAJAKKA_STAGING_IAM_ROLE, or give this process AWS keys"
            )
        keys = found.get_frozen_credentials()
        clause = sql.SQL("access_key_id {} secret_access_key {}").format(
            sql.Literal(keys.access_key), sql.Literal(keys.secret_key)
        )
        if keys.token:
            clause = sql.SQL("{} session_token {}").format(clause, sql.Literal(keys.token))
        return clause

    def remove(self) -> None:
        """Deletes what was staged; what cannot be deleted is left to the prefix' lifecycle rule, and said."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            for start in range(0, len(self._keys), 1000):
                objects = [{"Key": key} for key in self._keys[start : start + 1000]]
                self._s3.delete_objects(Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True})
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("staged files stay in s3://%s/%s: %s", self._bucket, self._prefix, error)

    def _put(self, name: str) -> str:
        key = f"{self._prefix}/{name}"
        self._keys.append(key)
        return key


@contextmanager
def table_lock(
    warehouse: Warehouse, dataset: str, busy: RunInProgressError, wait_seconds: float = LOCK_SECONDS
) -> Iterator[None]:
    """A lock on a table of the dataset, held by a transaction on a connection of its own; it ends with that.

    Redshift has no advisory locks, and LOCK waits: a short statement time-out turns waiting into an answer.

    Raises:
        RunInProgressError: `busy`, if another connection holds it.
    """
    from psycopg import sql
    from redshift_connector.error import Error

    table = sql.Identifier(dataset, LOCK_TABLE)
    with connect(warehouse) as connection:
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(dataset)))
        connection.execute(sql.SQL("create table if not exists {} (locked_by bigint)").format(table))
        connection.execute(f"set statement_timeout to {round(max(wait_seconds, LOCK_SECONDS) * 1000)}")
        with connection.transaction():
            try:
                connection.execute(sql.SQL("lock {}").format(table))
            except Error as error:
                raise busy from error
            yield


def is_passing(error: Exception) -> bool:
    """Whether the connection broke, the cluster stops, or transactions were in each other's way."""
    from redshift_connector.error import InterfaceError, OperationalError

    told = error.args[0] if error.args else None
    if isinstance(told, dict):
        return str(told.get("C", ""))[:2] in ("08", "40", "53", "57") or "1023" in str(told.get("M", ""))[:40]
    return isinstance(error, InterfaceError | OperationalError | ConnectionError)


def said(error: Exception) -> str:
    """What the warehouse says, without the statement: it may hold keys."""
    told = error.args[0] if error.args else error
    return str(told.get("M", told)) if isinstance(told, dict) else str(told)
