"""Files that are made to hurt."""

import bz2
import gzip
import io
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from ingestion.contract import Contract, Numeric, Row
from ingestion.delivery import Batch, Broken, Format
from ingestion.formats.archive import Bzip2, Gzip, Tar, TarGz, Zip, Zstd
from ingestion.formats.children import Children
from ingestion.formats.csv import Csv
from ingestion.formats.json import Json, same_names
from ingestion.formats.parquet import Parquet
from ingestion.formats.xml import Xml

MB = 1 << 20

LINES = Json(columns=same_names("a"))
DOCUMENT = Json(columns=same_names("a"), records_at="")
RECORDS = Xml(record="r", columns={"a": "a"})
WITH_CHILDREN = Json(columns={"a": "a"}, children={"c": Children(path="sort(c)", columns={}, keys={"a": "a"})})


@dataclass(frozen=True)
class Case:
    """A file, and what has to come of it: an error whose text matches, or rows and broken rows."""

    described: object
    content: Callable[[], bytes]
    error: str | None = None
    rows: int = 0
    broken: tuple[str, ...] = field(default=())


class Priced(Row):
    """A row whose values Arrow must not be asked to read as they come."""

    a: Annotated[Decimal, Numeric(12, 4)]


@dataclass(frozen=True)
class Checked:
    """A format, and what a contract makes of its rows."""

    inner: Format

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        for batch in self.inner.read(stream):
            checked = Contract.of(Priced).check(batch.table, batch.rows, self.inner.notation)
            rejected = [Broken(one.row, one.reason, one.payload) for one in checked.rejected]
            yield Batch(checked.accepted, checked.rows, [*batch.broken, *rejected])


def packed(content: bytes, times: int = 1) -> bytes:
    return gzip.compress(content) * times


def zstd(content: bytes) -> bytes:
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as stream:
        stream.write(content)
    return out.getvalue().to_pybytes()


def tar(*members: tuple[str | tarfile.TarInfo, bytes], pax: dict[str, str] | None = None) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", pax_headers=pax) as archive:
        for named, content in members:
            member = tarfile.TarInfo(named) if isinstance(named, str) else named
            member.size = len(content) if isinstance(named, str) else member.size
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def tar_member(kind: bytes, **more: object) -> tarfile.TarInfo:
    member = tarfile.TarInfo("a.csv")
    member.type = kind
    for name, value in more.items():
        setattr(member, name, value)
    return member


def tar_header(name: str, kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(format=tarfile.GNU_FORMAT)


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for named, content in members:
            archive.writestr(named, content)
    return out.getvalue()


def zip_link() -> bytes:
    member = zipfile.ZipInfo("a.csv")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return zipped((member, b"/etc/passwd"))


def zip_patched(content: bytes, at_entry: int, value: bytes) -> bytes:
    """The archive with some bytes of its first directory entry replaced."""
    at = content.index(b"PK\x01\x02") + at_entry
    return content[:at] + value + content[at + len(value) :]


def zip_overlapping() -> bytes:
    content = bytearray(zipped(("a.csv", b"a\n" * 9000), ("b.csv", b"a\n1\n")))
    second = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 4)
    content[second + 42 : second + 46] = bytes(4)
    return bytes(content)


def zip_with_large_directory() -> bytes:
    content = zipped(("a.csv", b"a\n1\n"))
    at = content.index(b"PK\x01\x02")
    entry, end = content[at : content.index(b"PK\x05\x06")], content[content.index(b"PK\x05\x06") :]
    directory = entry * 120_000
    counts = struct.pack("<HHII", 0xFFFF, 0xFFFF, len(directory), at)
    return content[:at] + directory + end[:8] + counts + end[20:]


def zip64_that_lies() -> bytes:
    content = zipped(("a.csv", b"a\n1\n"))
    at, end = content.index(b"PK\x01\x02"), content.index(b"PK\x05\x06")
    record = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, 1 << 40, at)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, end, 1)
    return content[:end] + record + locator + content[end:]


def parquet(table: pa.Table, **options: object) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def numbers(count: int = 1000) -> pa.Table:
    return pa.table({"a": pa.array(range(count)), "b": pa.array([str(n) for n in range(count)])})


def parquet_patched(at_from_end: int, value: bytes) -> bytes:
    content = bytearray(parquet(numbers()))
    at = len(content) - at_from_end
    content[at : at + len(value)] = value
    return bytes(content)


def parquet_bomb() -> bytes:
    """A text of 1 MB, 50,000 times, in a few kilobytes."""
    words = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), pa.array(["x" * MB]))
    return parquet(pa.table({"a": words}), compression="zstd", store_schema=False)


def laughs() -> bytes:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE r [<!ENTITY l0 "ha">{entities}]><l><r><a>&l9;</a></r></l>'.encode()


def in_utf_16(text: str) -> bytes:
    return f"<?xml version='1.0' encoding='utf-16'?>{text}".encode("utf-16")


TOO_MUCH = "unpacks to more than 200 times its size"
OUTSIDE = "points outside the archive; it was not read"
MALFORMED = "not well-formed XML, or cut short"
DOCTYPE = "declares a document type; it was not read"

CASES = {
    # packed
    "gzip of 10 GB of nothing in 10 MB": Case(
        Gzip(Csv()), lambda: packed(bytes(10 * MB), 1000), "longer than 1 MiB|" + TOO_MUCH
    ),
    "gzip of endless lines": Case(Gzip(LINES), lambda: packed(b"\n" * 10 * MB, 1000), TOO_MUCH),
    "gzip of endless records": Case(Gzip(LINES), lambda: packed(b'{"a":1}\n' * MB, 1000), TOO_MUCH),
    "gzip of endless XML": Case(
        Gzip(RECORDS), lambda: packed(b"<r>") + packed(b"<a/>" * MB, 100), "is larger than 4 MiB|" + TOO_MUCH
    ),
    "gzip with a tail": Case(Gzip(Csv()), lambda: packed(b"a\n1\n") + b"tail", "something else comes after its end"),
    "gzip whose checksum is wrong": Case(
        Gzip(Csv()), lambda: packed(b"a\n1\n")[:-8] + bytes(8), "gzip file is damaged"
    ),
    "gzip of nothing at all": Case(Gzip(Csv()), lambda: b"", "gzip file is damaged or cut short"),
    "bzip2 of 1 GB of nothing": Case(Bzip2(LINES), lambda: bz2.compress(bytes(10 * MB)) * 100, TOO_MUCH),
    "zstd of 1 GB of nothing": Case(Zstd(LINES), lambda: zstd(bytes(10 * MB)) * 100, TOO_MUCH),
    "zstd with a window of 2 GB": Case(
        Zstd(Csv()), lambda: bytes.fromhex("28b52ffd00a8") + bytes(40), "damaged or cut short"
    ),
    "zstd with a tail": Case(Zstd(Csv()), lambda: zstd(b"a\n1\n") + b"tail tail", "damaged or cut short"),
    # tar
    "tar with ..": Case(Tar(Csv()), lambda: tar(("../../etc/cron.d/x", b"a\n")), OUTSIDE),
    "tar with an absolute name": Case(Tar(Csv()), lambda: tar(("/etc/passwd", b"a\n")), OUTSIDE),
    "tar with a symbolic link": Case(
        Tar(Csv()), lambda: tar((tar_member(tarfile.SYMTYPE, linkname="/etc/passwd"), b"")), "is a link or a device"
    ),
    "tar with a hard link": Case(
        Tar(Csv()), lambda: tar((tar_member(tarfile.LNKTYPE, linkname="/etc/passwd"), b"")), "is a link or a device"
    ),
    "tar with a device": Case(
        Tar(Csv()), lambda: tar((tar_member(tarfile.CHRTYPE, devmajor=1, devminor=5), b"")), "is a link or a device"
    ),
    "tar with a pipe": Case(Tar(Csv()), lambda: tar((tar_member(tarfile.FIFOTYPE), b"")), "is a link or a device"),
    "tar with a name twice": Case(Tar(Csv()), lambda: tar(("a", b"a\n"), ("a", b"a\n")), "has two members 'a'"),
    "tar with a name hidden in its header": Case(
        Tar(Csv()), lambda: tar((tar_member(tarfile.REGTYPE, pax_headers={"path": "/etc/x"}), b"")), OUTSIDE
    ),
    "tar with too many members": Case(
        Tar(Csv()), lambda: tar(*((f"d{n}/", b"") for n in range(10_001))), "more than 10,000 members|not even a header"
    ),
    "tar with an endless header": Case(
        TarGz(Csv()),
        lambda: packed(tar_header("a", tarfile.XHDTYPE, 1 << 33) + bytes(MB)),
        "has a header of 8,589,934,592 bytes",
    ),
    "tar with an endless name": Case(
        TarGz(Csv()),
        lambda: packed(tar_header("a", tarfile.GNUTYPE_LONGNAME, 1 << 33) + bytes(MB)),
        "has a header of 8,589,934,592 bytes",
    ),
    "tar with a sparse file": Case(
        Tar(Csv()), lambda: tar_header("a", tarfile.GNUTYPE_SPARSE, 0) + bytes(10 * 512), "is a sparse file"
    ),
    "tar with a member of 1 TB": Case(
        Tar(Csv()), lambda: tar_header("a", tarfile.REGTYPE, 1 << 40) + bytes(MB), "is over 4 GiB"
    ),
    "tar with a member that ends early": Case(
        Tar(Csv()), lambda: tar_header("a", tarfile.REGTYPE, MB) + b"a\n1\n2\n", "damaged or cut short"
    ),
    "tar bomb": Case(TarGz(Parquet()), lambda: packed(tar(("a", bytes(20 * MB)))), TOO_MUCH),
    # zip
    "zip with ..": Case(Zip(Csv()), lambda: zipped(("../x", b"a\n")), OUTSIDE),
    "zip with an absolute name": Case(Zip(Csv()), lambda: zipped(("/x", b"a\n")), OUTSIDE),
    "zip with a drive": Case(Zip(Csv()), lambda: zipped(("C:\\x", b"a\n")), OUTSIDE),
    "zip with backslashes": Case(Zip(Csv()), lambda: zipped(("d\\..\\..\\x", b"a\n")), OUTSIDE),
    "zip with a link": Case(Zip(Csv()), zip_link, "is a link or a device"),
    "zip with a password": Case(
        Zip(Csv()), lambda: zip_patched(zipped(("a", b"a\n1\n")), 8, b"\x01\x00"), "is encrypted; ask the sender"
    ),
    "zip packed otherwise": Case(
        Zip(Csv()), lambda: zipped(("a", b"a\n"), compression=zipfile.ZIP_BZIP2), "stored and deflated are"
    ),
    "zip whose members overlap": Case(Zip(Csv()), zip_overlapping, "overlaps the one before it"),
    "zip with a large directory": Case(Zip(Csv()), zip_with_large_directory, "too many members, or it lies"),
    "zip64 that lies": Case(Zip(Csv()), zip64_that_lies, "too many members, or it lies"),
    "zip that says 8 GB": Case(
        Zip(Csv()), lambda: zip_patched(zipped(("a", b"a\n1\n")), 24, b"\xfe\xff\xff\xff"), TOO_MUCH
    ),
    "zip whose checksum is wrong": Case(
        Zip(Csv()),
        lambda: zip_patched(zipped(("a", b"a\n1\n")), 16, b"\x00\x00\x00\x01"),
        "damaged or cut short: Bad CRC-32",
    ),
    "zip bomb": Case(Zip(Csv()), lambda: zipped(("a", b"1\n" * 20 * MB)), TOO_MUCH),
    "zip that is none": Case(Zip(Csv()), lambda: b"PK\x03\x04" + bytes(100), "damaged or cut short"),
    "zip in zip in zip": Case(
        Zip(Zip(Csv())),
        lambda: zipped(("a", zipped(("b", zipped(("c", b"a\n1\n")))))),
        "header is in another encoding|is no header",
    ),
    # XML
    "XML of a billion laughs": Case(RECORDS, laughs, DOCTYPE),
    "XML with an external entity": Case(
        RECORDS, lambda: b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><l><r><a>&x;</a></r></l>', DOCTYPE
    ),
    "XML with an external document type": Case(
        RECORDS, lambda: b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd"><l/>', DOCTYPE
    ),
    "XML with a document type in UTF-16": Case(
        RECORDS, lambda: in_utf_16('<!DOCTYPE r [<!ENTITY x "y">]><l><r><a>&x;</a></r></l>'), DOCTYPE
    ),
    "XML with a document type far away": Case(RECORDS, lambda: b"<!--" + b"x" * MB + b"--><!DOCTYPE r><l/>", DOCTYPE),
    "XML 100,000 deep": Case(RECORDS, lambda: b"<a>" * 100_000 + b"</a>" * 100_000, "nests deeper than 256"),
    "XML record 100,000 deep": Case(
        RECORDS, lambda: b"<l><r>" + b"<a>" * 100_000 + b"</a>" * 100_000 + b"</r></l>", "nests deeper than 256"
    ),
    "XML with endless open elements": Case(RECORDS, lambda: b"<l><r>" + b"<a>" * 10 * MB, "nests deeper than 256"),
    "XML with an endless text": Case(RECORDS, lambda: b"<l><r><a>" + b"x" * 20 * MB, "is larger than 4 MiB"),
    "XML with an endless attribute": Case(RECORDS, lambda: b'<l><r a="' + b"x" * 20 * MB, "is larger than 4 MiB"),
    "XML with an endless comment": Case(RECORDS, lambda: b"<l><!--" + b"x" * 20 * MB, "is larger than 4 MiB"),
    "XML with endless names": Case(
        RECORDS,
        lambda: b"<l>" + b"".join(b"<r><n%d/></r>" % n for n in range(30_000)) + b"</l>",
        "different names|different fields",
    ),
    "XML with endless siblings": Case(RECORDS, lambda: b"<l>" + b"<x/>" * MB + b"<r><a>1</a></r></l>", rows=1),
    # JSON
    "JSON 100,000 deep": Case(
        LINES, lambda: b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b'}\n{"a":1}\n', rows=1, broken=("not JSON: ",)
    ),
    "JSON a little too deep": Case(
        LINES,
        lambda: b'{"a":' + b"[" * 300 + b"]" * 300 + b'}\n{"a":1}\n',
        rows=1,
        broken=("the record cannot be made columns",),
    ),
    "JSON document 100,000 deep": Case(DOCUMENT, lambda: b"[" * 100_000 + b"]" * 100_000, broken=("not JSON: ",)),
    "JSON with an endless line": Case(LINES, lambda: b'{"a":"' + b"x" * 20 * MB, "a line is longer than 16 MiB"),
    "JSON document with an endless record": Case(
        DOCUMENT, lambda: b'[{"a":"' + b"x" * 20 * MB, "is longer than 16 MiB"
    ),
    "JSON document with an endless string before": Case(
        Json(columns={}, records_at="x"), lambda: b'{"y":"' + b"x" * 20 * MB, "is longer than 16 MiB"
    ),
    "JSON with NaN and Infinity": Case(
        LINES, lambda: b'{"a":NaN}\n{"a":-Infinity}\n{"a":1}\n', rows=1, broken=("not JSON: ", "not JSON: ")
    ),
    "JSON with a field twice": Case(
        LINES, lambda: b'{"a":1,"a":2}\n{"a":1}\n', rows=1, broken=("not JSON: it names the field 'a' twice",)
    ),
    "JSON with a number of a million digits": Case(
        LINES, lambda: b'{"a":' + b"9" * MB + b'}\n{"a":1}\n', rows=1, broken=("not JSON: ",)
    ),
    "JSON with an endless exponent": Case(LINES, lambda: b'{"a":1.5}\n{"a":1e-400000000}\n{"a":1E-1000}\n', rows=3),
    "JSON with a number of ten million places": Case(
        LINES, lambda: b'{"a":0.' + b"1" * 10 * MB + b'}\n{"a":1}\n', rows=2
    ),
    "JSON with half a pair": Case(LINES, lambda: b'{"a":"\\ud800"}\n{"a":1}\n', rows=1, broken=("not JSON: ",)),
    "JSON with bytes that are no UTF-8": Case(
        LINES, lambda: b'{"a":"\xff"}\n{"a":1}\n', rows=1, broken=("not JSON: ",)
    ),
    "JSON with NULs": Case(
        LINES, lambda: b'{"a":"\\u0000"}\n\x00\n{"a":"\x00"}\n', rows=1, broken=("not JSON: ", "not JSON: ")
    ),
    "JSON with endless fields": Case(
        LINES, lambda: b"".join(b'{"f%d":1}\n' % n for n in range(100_000)), "more than 1,600 different fields"
    ),
    "JSON children where a path fails": Case(
        WITH_CHILDREN,
        lambda: b'{"a":1,"c":5}\n{"a":2}\n',
        rows=2,
        broken=("the children of row 1 cannot", "the children of row 2 cannot"),
    ),
    # CSV
    "CSV with a million columns": Case(
        Csv(), lambda: b",".join(b"c%d" % n for n in range(100_000)), "names 100,000 columns; a table holds 1,600"
    ),
    "CSV with an endless header": Case(Csv(), lambda: b"c," * 10 * MB, "longer than 1 MiB"),
    "CSV with a million fields in a line": Case(
        Csv(),
        lambda: b"a,b\n1,2\n" + b"3," * 500_000 + b"\n4,5\n",
        rows=2,
        broken=("the line has 500001 fields, the header 2",),
    ),
    "CSV with a quote that is not closed": Case(Csv(), lambda: b'a,b\n1,"x\n' + b"2,y\n" * MB, "a quote is not closed"),
    "CSV with an endless line": Case(Csv(), lambda: b"a,b\n" + b"x" * 20 * MB, "is longer than 1 MiB"),
    "CSV with NULs": Case(
        Csv(), lambda: b"a,b\n1,\x00\n\x00\n", rows=1, broken=("the line has 1 fields, the header 2",)
    ),
    "CSV of nothing but NULs": Case(Csv(), lambda: bytes(10 * MB), "longer than 1 MiB|is no header"),
    "CSV with bytes that are no UTF-8": Case(
        Csv(), lambda: b"a,b\n1,\xff\n2,x\n", rows=1, broken=("b is not in utf-8: byte FF",)
    ),
    # Arrow 26 crashes when it is asked for a decimal of this
    "CSV with an endless exponent": Case(
        Checked(Csv()), lambda: b"a\n1e-400000000\n1.5\n", rows=1, broken=("is not a decimal number",)
    ),
    "CSV with a million empty lines": Case(Csv(), lambda: b"a\n" + b"\n" * MB + b"1\n", rows=1),
    # Parquet
    "Parquet whose footer says 1 GB": Case(
        Parquet(), lambda: parquet_patched(8, (1 << 30).to_bytes(4, "little")), "its footer claims to be larger"
    ),
    "Parquet whose footer says more than there is": Case(
        Parquet(), lambda: parquet_patched(8, (1 << 24).to_bytes(4, "little")), "cannot be read as Parquet"
    ),
    "Parquet with half a footer": Case(
        Parquet(), lambda: parquet_patched(200, bytes(100)), "cannot be read as Parquet|footer says"
    ),
    "Parquet that is encrypted": Case(Parquet(), lambda: parquet_patched(4, b"PARE"), "is encrypted; ask the sender"),
    "Parquet that is cut short": Case(Parquet(), lambda: parquet(numbers())[:-100], "cannot be read as Parquet"),
    "Parquet with damaged pages": Case(
        Parquet(), lambda: b"PAR1" + bytes(2000) + parquet(numbers(9000))[2004:], "cannot be read as Parquet"
    ),
    "Parquet that is none": Case(Parquet(), lambda: b"a,b\n", "cannot be read as Parquet"),
    "Parquet bomb": Case(Parquet(), parquet_bomb, "unpack"),
}
