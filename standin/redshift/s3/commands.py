"""COPY and UNLOAD after parsing: what was asked for, without how it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standin.redshift.s3.copying import Copy
    from standin.redshift.s3.unloading import Unload

# "Specify a decimal value between 5 MB and 6.2 GB": both the largest and the default size of an unloaded file
MAX_FILE_BYTES = int(6.2 * 1024**3)
MIN_FILE_BYTES = 5 * 1024**2


@dataclass(frozen=True)
class Client:
    """On whose behalf a command runs; what the history tables show of it.

    Attributes:
        pid: process id of the client's backend, as in its BackendKeyData.
        query: number of the statement, as in the `query` columns of the system tables.
        user: name of the client's role.
        database: name of the client's database.
    """

    pid: int = 0
    query: int = 0
    user: str = ""
    database: str = ""


@dataclass(frozen=True)
class Credentials:
    """What the client gave to reach S3. Without a key, the process' own credentials are used.

    No value shows in `repr`, whoever prints it.
    """

    key: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    role: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class CopyOptions:
    """The options of COPY, named as the SQL reference does. None: not given."""

    format: str = "delimited"  # delimited, csv, fixedwidth, json, avro, parquet, orc
    delimiter: str | None = None
    quote: str = '"'
    fixed_widths: tuple[tuple[str, int], ...] = ()
    paths: str = "auto"  # of JSON and AVRO: auto, auto ignorecase, noshred, or the address of a jsonpaths file
    serialize_to_json: bool = False
    compression: str | None = None  # gzip, bzip2, zstd
    manifest: bool = False
    encoding: str = "utf-8"
    accept_any_date: bool = False
    accept_invalid_chars: str | None = None
    blanks_as_null: bool = False
    date_format: str | None = None
    empty_as_null: bool = False
    escape: bool = False
    explicit_ids: bool = False
    fill_record: bool = False
    ignore_blank_lines: bool = False
    ignore_header: int = 0
    null_as: str | None = None
    remove_quotes: bool = False
    round_decimals: bool = False
    time_format: str | None = None
    trim_blanks: bool = False
    truncate_columns: bool = False
    max_errors: int = 0
    ignore_all_errors: bool = False
    no_load: bool = False
    region: str | None = None


@dataclass(frozen=True)
class CopyCommand:
    """COPY table (columns) FROM 's3://…'.

    Attributes:
        table: the parts of the table's name, folded as Redshift folds them.
        columns: the column list, folded; None when there is none.
        shown: the statement with every secret cut out.
    """

    table: tuple[str, ...]
    columns: tuple[str, ...] | None
    source: str
    options: CopyOptions
    credentials: Credentials
    shown: str

    def begin(self, client: Client) -> Copy:
        """One execution of the command; nothing happens yet."""
        from standin.redshift.s3.copying import Copy

        return Copy(self, client)


@dataclass(frozen=True)
class UnloadOptions:
    """The options of UNLOAD, named as the SQL reference does. Sizes are in bytes."""

    format: str = "delimited"  # delimited, csv, fixedwidth, json, parquet
    delimiter: str | None = None
    fixed_widths: tuple[tuple[str, int], ...] = ()
    partition_by: tuple[str, ...] = ()
    include_partitions: bool = False
    manifest: bool = False
    verbose: bool = False
    header: bool = False
    compression: str | None = None
    add_quotes: bool = False
    null_as: str | None = None
    escape: bool = False
    allow_overwrite: bool = False
    clean_path: bool = False
    parallel: bool = True
    max_file_bytes: int = MAX_FILE_BYTES
    row_group_bytes: int = 32 * 1024**2
    region: str | None = None
    extension: str | None = None
    kms_key: str | None = None


@dataclass(frozen=True)
class UnloadCommand:
    """UNLOAD ('select …') TO 's3://…'.

    Attributes:
        query: the SELECT in Postgres' SQL.
        shown: the statement with every secret cut out.
    """

    query: str
    target: str
    options: UnloadOptions
    credentials: Credentials
    shown: str

    def begin(self, client: Client) -> Unload:
        """One execution of the command; nothing happens yet."""
        from standin.redshift.s3.unloading import Unload

        return Unload(self, client)
