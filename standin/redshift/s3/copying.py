"""One execution of a COPY: objects in S3 become the bytes of Postgres' COPY … FROM STDIN."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from standin.redshift.s3.columns import Target, columns_query, read_target
from standin.redshift.s3.encoding import encoder
from standin.redshift.s3.errors import failure, unsupported
from standin.redshift.s3.load_errors import LoadErrors, stamp
from standin.redshift.s3.loading import Loader
from standin.redshift.s3.worker import Worker

if TYPE_CHECKING:
    from standin.redshift.s3.commands import Client, CopyCommand


class Copy:
    """See `standin.redshift.s3` for the order of the calls.

    Attributes:
        columns_query: the query whose rows `statement` wants.
        tag: the command tag.
        notices: INFO texts for the client, after `succeeded`.
    """

    tag = "COPY"

    def __init__(self, command: CopyCommand, client: Client) -> None:
        self._command, self._client = command, client
        self.columns_query = columns_query(command)
        self.notices: list[str] = []
        self._started = datetime.now(UTC)
        self._completed = False
        self._worker = Worker("copy", client.pid)
        self._loader: Loader | None = None

    @property
    def count(self) -> int:
        """The rows that were loaded."""
        return self._loader.count if self._loader is not None and not self._command.options.no_load else 0

    def statement(self, rows: Sequence[Sequence[str | None]]) -> str:
        """The statement for Postgres, given the rows of `columns_query`; raises DialectError."""
        from standin.redshift.dialect.lexer import quote_name
        from standin.redshift.dialect.names import short

        target = read_target(self._command, rows)
        _check(self._command, target)
        encoded = encoder(target.columns)
        errors = LoadErrors(target, self._command.options)
        self._loader = Loader(self._command, target, encoded, errors, self._worker.stop, self._client.pid)
        names = ", ".join(quote_name(short(column.name)) for column in target.columns)
        table = f"{quote_name(short(target.schema))}.{quote_name(short(target.name))}"
        return f"COPY {table} ({names}) FROM STDIN ({encoded.options})"

    async def chunks(self) -> AsyncIterator[bytes]:
        """The content of the COPY; raises DialectError. The next chunk is made while the last one is sent."""
        produced: Iterator[bytes] = self._loader.run() if self._loader is not None else iter(())
        work = self._worker.start(next, produced, None)
        while (chunk := await self._worker.result(work)) is not None:
            work = self._worker.start(next, produced, None)
            if chunk:
                yield chunk

    def cancel(self) -> None:
        """End it, from whichever thread."""
        self._worker.cancel()

    def succeeded(self) -> None:
        """Postgres took all of it."""
        self._completed = True
        if self._loader is None:
            return
        table = f"Load into table '{self._loader.target.name}' completed"
        self.notices.append(f"{table}, {self.count} record(s) loaded successfully.")
        if self._loader.errors.count:
            self.notices.append(
                f"{table}, {self._loader.errors.count} record(s) could not be loaded.  "
                "Check 'stl_load_errors' system table for details."
            )

    async def close(self) -> None:
        """Let go of everything, done or not."""
        await self._worker.close()

    @property
    def history(self) -> list[tuple[str, dict[str, Any]]]:
        """The rows for the system tables: errors, files and the load itself."""
        if self._loader is None:
            return []
        loader, client, kind = self._loader, self._client, self._command.options.format
        rows = loader.errors.history(client)
        now = datetime.now(UTC)
        for stored, lines in loader.files if self._completed else ():
            rows.append(
                (
                    "stl_load_commits",
                    {
                        "query": client.query, "slice": 0, "name": loader.target.name, "filename": str(stored.place),
                        "byte_offset": 0, "lines_scanned": lines, "errors": 0, "status": 1, "file_format": kind,
                        "curtime": stamp(now), "is_partial": 0, "start_offset": 0, "copy_job_id": 0,
                    },
                )
            )  # fmt: skip
        scanned = sum(stored.size for stored, _ in loader.files)
        rows.append(
            (
                "sys_load_history",
                {
                    "query_id": client.query, "transaction_id": 0, "session_id": client.pid,
                    "database_name": client.database, "status": "completed" if self._completed else "aborted",
                    "table_name": loader.target.name, "start_time": stamp(self._started), "end_time": stamp(now),
                    "duration": int((now - self._started).total_seconds() * 1_000_000),
                    "data_source": self._command.source, "file_format": kind,
                    "loaded_rows": self.count if self._completed else 0, "loaded_bytes": scanned,
                    "source_file_count": len(loader.files), "source_file_bytes": scanned,
                    "file_count_scanned": len(loader.files), "file_bytes_scanned": scanned,
                    "error_count": loader.errors.count, "copy_job_id": 0,
                },
            )
        )  # fmt: skip
        return rows


def _check(command: CopyCommand, target: Target) -> None:
    options = command.options
    if options.format == "fixedwidth" and len(options.fixed_widths) != len(target.columns):
        raise failure(
            f"Fixed width specification has {len(options.fixed_widths)} columns, the table or column list has "
            f"{len(target.columns)}"
        )
    if options.format not in ("csv", "delimited", "fixedwidth") and any(column.is_spatial for column in target.columns):
        raise unsupported(f"COPY of GEOMETRY and GEOGRAPHY from {options.format.upper()}")
    if options.paths == "noshred" and not (len(target.columns) == 1 and target.columns[0].is_super):
        raise failure("COPY with JSON 'noshred' needs a single column of type SUPER")
