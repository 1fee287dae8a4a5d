"""The rows that a COPY could not load: how many it may leave out, and what the system tables keep of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from standin.redshift.s3.errors import failure

if TYPE_CHECKING:
    from standin.redshift.s3.columns import Column, Target
    from standin.redshift.s3.commands import Client, CopyOptions

# widths of the columns of stl_load_errors
_RAW_BYTES = 1024
_REASON_BYTES = 100
# "a maximum of 20 errors per node slice"
_DETAILS = 20
# what is kept of a load that ignores all errors
_KEPT = 100_000


@dataclass(frozen=True)
class LoadError:
    """A row that was not loaded, and why."""

    file: str
    line: int
    column: Column
    index: int
    position: int
    raw_line: str
    raw_value: str
    code: int
    reason: str


class LoadErrors:
    """The load errors of one COPY."""

    def __init__(self, target: Target, options: CopyOptions) -> None:
        self._target, self._options = target, options
        self.count = 0
        self.found: list[LoadError] = []

    def add(self, error: LoadError) -> None:
        """Keep an error; raises DialectError when it is one too many."""
        self.count += 1
        if len(self.found) < _KEPT:
            self.found.append(error)
        if not self._options.ignore_all_errors and self.count >= max(1, self._options.max_errors):
            raise failure(
                f"Load into table '{self._target.name}' failed.  Check 'stl_load_errors' system table for details."
            )

    def history(self, client: Client) -> list[tuple[str, dict[str, Any]]]:
        """The rows of stl_load_errors, stl_loaderror_detail and sys_load_error_detail."""
        rows: list[tuple[str, dict[str, Any]]] = []
        now = stamp(datetime.now(UTC))
        target = self._target
        for number, each in enumerate(self.found):
            column = each.column
            of_field = {
                "colname": column.name, "type": column.shown_type, "col_length": column.shown_length,
                "filename": each.file, "line_number": each.line, "slice": 0, "session": client.pid,
                "query": client.query,
            }  # fmt: skip
            raw_line, raw_value = _cut(each.raw_line, _RAW_BYTES), _cut(each.raw_value, _RAW_BYTES)
            reason = _cut(each.reason, _REASON_BYTES)
            of_line = {
                "position": each.position, "raw_line": raw_line, "raw_field_value": raw_value, "start_offset": 0,
                "is_partial": 0, "copy_job_id": 0,
            }  # fmt: skip
            rows.append(
                (
                    "stl_load_errors",
                    {
                        **of_field,
                        **of_line,
                        "tbl": target.oid,
                        "starttime": now,
                        "err_code": each.code,
                        "err_reason": reason,
                    },
                )
            )
            rows.append(
                (
                    "sys_load_error_detail",
                    {
                        **of_line, "query_id": client.query, "table_id": target.oid, "start_time": now,
                        "session_id": client.pid, "transaction_id": 0, "file_name": each.file,
                        "line_number": each.line, "column_name": column.name, "column_type": column.shown_type,
                        "column_length": column.shown_length, "error_code": each.code, "error_message": reason,
                        "database_name": client.database, "schema_name": target.schema, "table_name": target.name,
                    },
                )
            )  # fmt: skip
            if number < _DETAILS:
                rows.append(
                    ("stl_loaderror_detail", {**of_field, "field": each.index, "value": raw_value, "is_null": 0})
                )
        return rows


def stamp(moment: datetime) -> str:
    """A moment as the system tables keep it: UTC, without a zone."""
    return moment.replace(tzinfo=None).isoformat(sep=" ")


def _cut(text: str, length: int) -> str:
    return text.replace("\0", "").encode("utf-8", "replace")[:length].decode("utf-8", "ignore")
