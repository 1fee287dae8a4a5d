"""Writes what is delivered as files, the same bytes and times every time."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa


def write(path: Path, content: bytes, at: datetime) -> None:
    """Write a file that was last modified at the given time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))


def write_lines(path: Path, lines: Iterable[bytes], at: datetime) -> None:
    """The same for more than should be in memory as one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.writelines(lines)
    os.utime(path, (at.timestamp(), at.timestamp()))


def csv_gz(header: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    """`;` between fields, CRLF, ISO-8859-15, gzip without a time in it."""
    text = "\r\n".join(";".join(map(_quoted, line)) for line in [header, *lines]) + "\r\n"
    return gzip.compress(text.encode("iso-8859-15"), compresslevel=6, mtime=0)


def _quoted(value: str) -> str:
    if any(character in value for character in ';"\r\n'):
        return '"' + value.replace('"', '""') + '"'
    return value


def tar_gz(members: Sequence[tuple[str, bytes]], at: datetime) -> bytes:
    """A gzipped tar whose members all have the given time and belong to nobody in particular."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mtime = int(at.timestamp())
            member.mode = 0o644
            archive.addfile(member, io.BytesIO(content))
    # Parquet is compressed already.
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)


def parquet(table: pa.Table) -> bytes:
    """One Parquet file."""
    buffer = io.BytesIO()
    pq.write_table(table.combine_chunks(), buffer, compression="zstd")
    return buffer.getvalue()


def json_lines(lines: Sequence[bytes]) -> bytes:
    """Lines of JSON, each ended."""
    return b"".join(line + b"\n" for line in lines)
