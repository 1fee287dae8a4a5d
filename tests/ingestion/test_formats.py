import gzip
import io
import tarfile
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingestion.errors import IngestError
from ingestion.formats.archive import TarGz
from ingestion.formats.compression import LARGEST_RATIO, Gzip
from ingestion.formats.csv import Csv
from ingestion.formats.json import MOST_ROWS, Json, same_names
from ingestion.formats.parquet import Parquet

NORDIC = Csv(delimiter=";", encoding="iso-8859-15")


def read(file_format, content):
    return list(file_format.read(io.BytesIO(content)))


def rows_of(batches):
    return [row for batch in batches for row in batch.table.to_pylist()]


def tar_gz(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for member, content in members:
            described = tarfile.TarInfo(member) if isinstance(member, str) else member
            described.size = len(content)
            archive.addfile(described, io.BytesIO(content))
    return out.getvalue()


def parquet(**columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


# CSV


def test_csv_in_its_encoding_and_dialect():
    content = 'Nimi;Summa\r\nÄijälä €;"1;5"\r\n;""\r\n'.encode("iso-8859-15")
    assert rows_of(read(NORDIC, content)) == [{"nimi": "Äijälä €", "summa": "1;5"}, {"nimi": None, "summa": None}]


def test_csv_lines_with_too_many_or_too_few_fields_are_broken_and_the_rest_is_read():
    (batch,) = read(Csv(), b"a,b\n1,2\n3,4,5\n6,7\n\n8\n9,10\n")
    assert batch.table.to_pylist() == [{"a": "1", "b": "2"}, {"a": "6", "b": "7"}, {"a": "9", "b": "10"}]
    assert batch.rows.to_pylist() == [1, 3, 5]
    assert [(broken.row, broken.payload) for broken in batch.broken] == [(2, "3,4,5"), (4, "8")]
    assert batch.broken[0].reason == "the line has 3 fields, the header 2"


def test_csv_positions_stay_true_over_many_blocks():
    lines = [f"{n},{'x' * 200}" if n % 1000 else f"{n},too,many" for n in range(1, 60_001)]
    batches = read(Csv(), ("n,text\n" + "\n".join(lines)).encode())
    assert len(batches) > 1
    good = [
        (row, int(record["n"]))
        for b in batches
        for row, record in zip(b.rows.to_pylist(), b.table.to_pylist(), strict=True)
    ]
    assert all(row == n for row, n in good)
    assert [b.row for batch in batches for b in batch.broken] == list(range(1000, 60_001, 1000))


def test_csv_with_newlines_inside_quotes():
    assert rows_of(read(Csv(), b'a,b\n"x\ny",2\n')) == [{"a": "x\ny", "b": "2"}]


def test_csv_with_a_byte_order_mark():
    assert rows_of(read(Csv(), b"\xef\xbb\xbfa\n1\n")) == [{"a": "1"}]


def test_csv_with_nothing_but_broken_lines():
    (batch,) = read(Csv(), b"a,b\n1\n")
    assert (len(batch.table), len(batch.broken)) == (0, 1)


def test_csv_with_a_header_only_has_no_rows():
    assert read(Csv(), b"a,b\n") == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not even a header"),
        (b"a;a\n1;2\n", "names a column twice"),
        (b";b\n1;2\n", "is no header"),
        ("Ä\n1\n".encode("latin-1"), "its header is in another encoding"),
    ],
    ids=["empty", "twice", "nameless", "encoding"],
)
def test_csv_that_cannot_be_read(content, message):
    with pytest.raises(IngestError, match=message):
        read(Csv(delimiter=";"), content)


# JSON

TICKET = Json(
    columns={"ticket_id": "id", "customer_id": "relatedParty[?role=='customer'] | [0].id", "channel": "channel.name"},
    ignore=frozenset({"href"}),
)


def test_json_takes_columns_from_declared_places():
    line = b'{"id": 7, "href": "x", "relatedParty": [{"role": "agent", "id": "A"}, {"role": "customer", "id": "C"}]}\n'
    assert rows_of(read(TICKET, line)) == [{"ticket_id": "7", "customer_id": "C", "channel": None}]


def test_json_fields_that_nobody_declared_land_as_new_columns():
    (batch,) = read(TICKET, b'{"id": "1", "slaClass": {"name": "gold"}}\n{"id": "2"}\n')
    assert batch.table.column("sla_class").to_pylist() == ['{"name":"gold"}', None]


def test_json_lines_that_are_no_objects_are_broken():
    (batch,) = read(TICKET, b'{"id": "1"}\n{"id": \n\n[1]\n"x"\n{"id": NaN}\n{"id": "2"}')
    assert batch.rows.to_pylist() == [1, 7]
    assert [broken.row for broken in batch.broken] == [2, 4, 5, 6]
    assert batch.broken[0].reason.startswith("not JSON")
    assert batch.broken[1].reason == "a JSON list, not an object"


def test_json_nested_without_end_is_broken_not_fatal():
    (batch,) = read(TICKET, b"[" * 100_000 + b"\n" + b'{"id":"1"}\n')
    assert len(batch.broken) == 1
    assert len(batch.table) == 1


def test_json_comes_in_batches():
    batches = read(Json(columns=same_names("n")), b"".join(b'{"n": %d}\n' % n for n in range(MOST_ROWS + 1)))
    assert [len(batch.table) for batch in batches] == [MOST_ROWS, 1]
    assert batches[1].rows.to_pylist() == [MOST_ROWS + 1]


# Parquet, gzip, tar


def test_tar_of_parquet_keeps_types_and_tells_the_member():
    archive = tar_gz(
        ("d/a.parquet", parquet(usageId=["x"], amount=[Decimal("1.5")])), ("d/b.parquet", parquet(usageId=["y"]))
    )
    first, second = read(TarGz(Parquet(), members="*.parquet"), archive)
    assert (first.member, second.member) == ("d/a.parquet", "d/b.parquet")
    assert first.table.to_pylist() == [{"usage_id": "x", "amount": Decimal("1.5")}]


def test_tar_members_that_do_not_match_are_passed_over():
    assert read(TarGz(Parquet(), members="*.parquet"), tar_gz(("README", b"hello"))) == []


def _link(kind):
    member = tarfile.TarInfo("a.parquet")
    member.type, member.linkname = kind, "/etc/passwd"
    return member


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (tar_gz(("../../etc/cron.d/x", b"")), "points outside the archive"),
        (tar_gz(("/etc/passwd", b"")), "points outside the archive"),
        (tar_gz((_link(tarfile.SYMTYPE), b"")), "is a link or a device"),
        (tar_gz((_link(tarfile.LNKTYPE), b"")), "is a link or a device"),
        (tar_gz((_link(tarfile.FIFOTYPE), b"")), "is a link or a device"),
        (b"not gzip at all", "damaged or cut short"),
        (gzip.compress(b"x" * 4000), "damaged or cut short"),
    ],
    ids=["up", "absolute", "symlink", "hard link", "fifo", "no gzip", "no tar"],
)
def test_hostile_and_damaged_archives_are_refused(archive, message):
    with pytest.raises(IngestError, match=message):
        read(TarGz(Parquet()), archive)


def test_an_archive_that_is_cut_short_is_refused():
    archive = tar_gz(("a.parquet", parquet(n=list(range(20_000)))))
    with pytest.raises(IngestError, match="cut short"):
        read(TarGz(Parquet()), archive[: len(archive) // 2])


MUCH = 64 << 20


@pytest.mark.parametrize(
    ("file_format", "bomb", "message"),
    [
        (Gzip(Csv()), gzip.compress(b"a\n" + b"1\n" * (MUCH // 2)), "unpacks to more than"),
        # Arrow reads ahead: whether the length of the line or the size of it all is noticed first is a matter of timing
        (Gzip(Csv()), gzip.compress(b"a\n" + b"1" * MUCH), "longer than 1 MiB|unpacks to more than"),
        (TarGz(Parquet()), tar_gz(("a.parquet", bytes(MUCH))), "unpacks to more than"),
    ],
    ids=["many lines", "one line", "archive"],
)
def test_a_bomb_is_not_unpacked(file_format, bomb, message):
    assert len(bomb) * LARGEST_RATIO < MUCH
    with pytest.raises(IngestError, match=message):
        read(file_format, bomb)


def test_parquet_with_a_footer_that_lies_is_refused():
    content = bytearray(parquet(n=[1, 2, 3]))
    content[-8:-4] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(IngestError, match="cannot be read as Parquet"):
        read(Parquet(), bytes(content))


def test_gzip_that_is_cut_short_is_refused():
    content = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    with pytest.raises(IngestError, match="damaged or cut short"):
        read(Gzip(Csv()), content[:-20])
