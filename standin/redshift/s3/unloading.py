"""One execution of an UNLOAD: the rows of a query, sent by Postgres as COPY … TO STDOUT, become objects in S3."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from standin.redshift.s3 import resultset
from standin.redshift.s3.load_errors import stamp
from standin.redshift.s3.worker import Worker
from standin.redshift.s3.writing import Unloader, check

if TYPE_CHECKING:
    from standin.redshift.s3.commands import Client, UnloadCommand
    from standin.redshift.s3.resultset import Field

_BLOCK_BYTES = 4 * 1024**2


class Unload:
    """See `standin.redshift.s3` for the order of the calls.

    Attributes:
        query: the query whose description `statement` wants.
        tag: the command tag.
        notices: INFO texts for the client, after `finish`.
    """

    tag = "UNLOAD"

    def __init__(self, command: UnloadCommand, client: Client) -> None:
        self._command, self._client = command, client
        self.query = command.query
        self.notices: list[str] = []
        self._fields: list[Field] = []
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._finished = False
        self._started = datetime.now(UTC)
        self._worker = Worker("unload", client.pid)
        self._unloader: Unloader | None = None
        self._work: asyncio.Future[None] | None = None

    @property
    def count(self) -> int:
        """The rows that were unloaded."""
        return self._unloader.count if self._unloader is not None else 0

    def statement(self, described: Sequence[tuple[str, int, int]]) -> str:
        """The statement for Postgres, given name, type number and modifier of each column; raises DialectError."""
        self._fields = resultset.read_fields(described)
        check(self._command.options, self._fields)
        return resultset.statement(self.query, self._fields, utc=self._command.options.format == "parquet")

    async def prepare(self) -> None:
        """See to the place where the files go; raises DialectError if it is not empty, and should be."""
        unloader = Unloader(self._command, self._fields, self._worker.stop, self._client.pid)
        await self._worker.run(unloader.prepare)
        # only now is there anything that a failure would have to remove
        self._unloader = unloader

    async def receive(self, content: bytes) -> None:
        """Take whole rows; waits while the worker has enough to do. Raises DialectError."""
        self._worker.raise_if_stopped()
        self._pending.append(content)
        self._pending_bytes += len(content)
        if self._pending_bytes >= _BLOCK_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """Complete the files, and the manifest; raises DialectError."""
        await self._flush()
        await self._settled()
        if self._unloader is not None:
            await self._worker.run(self._unloader.finish)
        self._finished = True
        self.notices.append(f"UNLOAD completed, {self.count} record(s) unloaded successfully.")

    def cancel(self) -> None:
        """End it, from whichever thread; the call under way, or the next one, raises."""
        self._worker.cancel()

    async def close(self) -> None:
        """Let go of everything. Files of an UNLOAD that did not finish are removed."""
        left = self._unloader if not self._finished else None
        await self._worker.close(left.files.abort if left is not None else None)

    @property
    def history(self) -> list[tuple[str, dict[str, Any]]]:
        """The rows for the system tables: files and the unload itself."""
        now = datetime.now(UTC)
        files = self._unloader.files.written if self._unloader is not None and self._finished else []
        kind = {"delimited": "Text", "fixedwidth": "Text"}.get(
            self._command.options.format, self._command.options.format.upper()
        )
        times = {"start_time": stamp(self._started), "end_time": stamp(now), "file_format": kind}
        rows: list[tuple[str, dict[str, Any]]] = [
            (
                "stl_unload_log",
                {
                    **times, "query": self._client.query, "slice": 0, "pid": self._client.pid,
                    "path": str(each.place), "line_count": each.rows, "transfer_size": each.size,
                },
            )
            for each in files
        ]  # fmt: skip
        rows.append(
            (
                "sys_unload_history",
                {
                    **times, "query_id": self._client.query, "transaction_id": 0, "session_id": self._client.pid,
                    "database_name": self._client.database, "status": "completed" if self._finished else "aborted",
                    "duration": int((now - self._started).total_seconds() * 1_000_000),
                    "unloaded_rows": sum(each.rows for each in files), "unloaded_files_count": len(files),
                    "unloaded_files_size": sum(each.size for each in files), "error_message": "",
                    "compression_type": self._command.options.compression or "",
                    "unloaded_location": self._command.target,
                },
            )
        )  # fmt: skip
        return rows

    async def _flush(self) -> None:
        await self._settled()
        if self._pending and self._unloader is not None:
            content = b"".join(self._pending)
            self._pending, self._pending_bytes = [], 0
            self._work = self._worker.start(self._unloader.write, content)

    async def _settled(self) -> None:
        """The worker is done with what it had; raises what it raised."""
        if self._work is not None:
            work, self._work = self._work, None
            await self._worker.result(work)
