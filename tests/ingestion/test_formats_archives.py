import bz2
import gzip
import io
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import IngestError
from ingestion.formats.archive import Bzip2, Gzip, Tar, TarGz, TarZst, Zip, Zstd
from ingestion.formats.csv import Csv
from ingestion.formats.json import Json
from ingestion.formats.parquet import Parquet
from ingestion.formats.xml import Xml

CONTENT = b"a,b\n1,x\n2,y\n"
ROWS = [{"a": "1", "b": "x"}, {"a": "2", "b": "y"}]


def read(described, content):
    return list(described.read(io.BytesIO(content)))


def rows_of(batches):
    return [row for batch in batches for row in batch.table.to_pylist()]


def zstd(content):
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "zstd") as packed:
        packed.write(content)
    return out.getvalue().to_pybytes()


def tar(**members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("__", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


def zipped(*members, compression=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return out.getvalue()


def parquet(rows):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


JSON = b'{"a":"1","b":"x"}\n{"a":"2","b":"y"}\n'
XML = b"<l><r><a>1</a><b>x</b></r><r><a>2</a><b>y</b></r></l>"


@pytest.mark.parametrize(
    ("described", "content", "member"),
    [
        (Gzip(Csv()), gzip.compress(CONTENT), ""),
        (Gzip(Csv()), gzip.compress(CONTENT[:6]) + gzip.compress(CONTENT[6:]) + bytes(512), ""),
        (Bzip2(Csv()), bz2.compress(CONTENT), ""),
        (Bzip2(Csv()), bz2.compress(CONTENT[:6]) + bz2.compress(CONTENT[6:]), ""),
        (Zstd(Csv()), zstd(CONTENT), ""),
        (Zstd(Csv()), zstd(CONTENT[:6]) + zstd(CONTENT[6:]), ""),
        (Gzip(Json(columns={})), gzip.compress(JSON), ""),
        (Zstd(Json(columns={})), zstd(JSON), ""),
        (Gzip(Xml(record="r", columns={})), gzip.compress(XML), ""),
        (Gzip(Parquet()), gzip.compress(parquet(ROWS)), ""),
        (Tar(Csv()), tar(a__csv=CONTENT), "a.csv"),
        (TarGz(Csv(), "*.csv"), gzip.compress(tar(README=b"no", a__csv=CONTENT)), "a.csv"),
        (TarZst(Json(columns={})), zstd(tar(a__json=JSON)), "a.json"),
        (Zip(Csv()), zipped(("d/", b""), ("d/a.csv", CONTENT)), "d/a.csv"),
        (Zip(Csv()), zipped(("a.csv", CONTENT), compression=zipfile.ZIP_STORED), "a.csv"),
        (Zip(Parquet()), zipped(("a.parquet", parquet(ROWS))), "a.parquet"),
        (Zip(Xml(record="r", columns={}), "*.xml"), zipped(("a.xml", XML), ("b.txt", b"")), "a.xml"),
        (Zip(Gzip(Csv())), zipped(("a.csv.gz", gzip.compress(CONTENT))), "a.csv.gz"),
        (Tar(Zip(Csv())), tar(a__zip=zipped(("b.csv", CONTENT))), "a.zip/b.csv"),
        (Zip(TarGz(Csv())), zipped(("a.tgz", gzip.compress(tar(b__csv=CONTENT)))), "a.tgz/b.csv"),
        (Tar(Zstd(Json(columns={}))), tar(a__zst=zstd(JSON)), "a.zst"),
    ],
    ids=[
        "gzip", "gzip of two", "bzip2", "bzip2 of two", "zstd", "zstd of two", "json.gz", "json.zst", "xml.gz",
        "parquet.gz", "tar", "tar.gz", "tar.zst", "zip", "stored", "parquet in zip", "xml in zip", "gzip in zip",
        "zip in tar", "tar.gz in zip", "zstd in tar",
    ],
)  # fmt: skip
def test_one_table_in_many_wrappings(described, content, member):
    batches = read(described, content)
    assert rows_of(batches) == ROWS
    assert [row for batch in batches for row in batch.rows.to_pylist()] == [1, 2]
    assert {batch.member for batch in batches} == {member}


def test_positions_begin_anew_in_every_member():
    batches = read(Tar(Csv()), tar(a=CONTENT, b=CONTENT))
    assert [(batch.member, batch.rows.to_pylist()) for batch in batches] == [("a", [1, 2]), ("b", [1, 2])]


def test_children_of_records_in_an_archive_keep_their_table():
    from ingestion.formats.children import Children

    described = Json(columns={}, children={"items": Children(path="items", columns={}, keys={})})
    batches = read(Zip(Gzip(described)), zipped(("a", gzip.compress(b'{"items":[{"n":1}]}'))))
    assert [(batch.member, batch.resource) for batch in batches] == [("a", None), ("a", "items")]


def test_what_is_wrong_with_a_member_names_the_member():
    with pytest.raises(IngestError, match=r"member 'b.zip': member 'a.csv': .* not even a header"):
        read(Tar(Zip(Csv())), tar(b__zip=zipped(("a.csv", b""))))


def test_the_notation_is_the_inner_formats():
    for outer in (Gzip, Bzip2, Zstd, Tar, TarGz, TarZst, Zip):
        inner = Csv()
        assert outer(inner).notation is inner.notation


@pytest.mark.parametrize("cut", [1, 9, 40])
@pytest.mark.parametrize(
    ("described", "content"),
    [
        (Gzip(Csv()), gzip.compress(CONTENT * 50)),
        (Bzip2(Csv()), bz2.compress(CONTENT * 50)),
        (Zstd(Csv()), zstd(CONTENT * 50)),
        (TarGz(Csv()), gzip.compress(tar(a=CONTENT))),
        (Zip(Csv()), zipped(("a", CONTENT * 50))),
    ],
    ids=["gzip", "bzip2", "zstd", "tar.gz", "zip"],
)
def test_what_is_cut_short_is_refused(described, content, cut):
    with pytest.raises(IngestError, match=r"damaged or cut short: .*; ask for it again"):
        read(described, content[:-cut])
