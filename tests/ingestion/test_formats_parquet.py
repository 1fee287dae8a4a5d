import base64
import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

from ingestion.errors import IngestError
from ingestion.formats import parquet as formats_parquet
from ingestion.formats.parquet import Parquet

NOON = datetime(2026, 1, 1, 12, 0, 0, 123_000)


def written(table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def read(content, described=None):
    return list((described or Parquet()).read(io.BytesIO(content)))


def one_column(values, **options):
    (batch,) = read(written(pa.table({"a": values}), **options))
    return batch.table.column("a")


def test_types_stay_what_the_file_declares():
    table = pa.table(
        {
            "n": pa.array([1, None], pa.int32()),
            "d": pa.array([Decimal("1.50"), None], pa.decimal128(5, 2)),
            "t": pa.array([NOON, None], pa.timestamp("ms", "UTC")),
            "b": pa.array([True, None]),
            "wide": pa.array([Decimal("1." + "0" * 39 + "1"), None], pa.decimal256(60, 40)),
        }
    )
    (batch,) = read(written(table))
    assert batch.table.to_pylist() == table.to_pylist()
    assert batch.table.schema.types == table.schema.types


@pytest.mark.parametrize(
    "kind", [pa.large_string(), pa.string_view(), pa.binary(), pa.dictionary(pa.int32(), pa.string())]
)
def test_text_in_all_its_types_is_text(kind):
    column = one_column(
        pa.array(["x", None, "ä"]).cast(kind) if kind != pa.binary() else pa.array([b"x", None, "ä".encode()])
    )
    assert column.type == pa.string()
    assert column.to_pylist() == ["x", None, "ä"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (pa.array([[1, 2], None, []]), ["[1,2]", None, "[]"]),
        (pa.array([{"x": Decimal("1.50"), "y": None}]), ['{"x":1.50,"y":null}']),
        (pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64())), ['{"k":1}']),
        (pa.array([{"t": NOON, "b": b"x"}]), [json.dumps({"t": NOON.isoformat(), "b": "x"}, separators=(",", ":"))]),
    ],
    ids=["list", "struct", "map", "time and bytes"],
)
def test_nested_columns_are_json_text(values, expected):
    assert one_column(values).to_pylist() == expected


def test_int96_has_no_zone_unless_the_description_says_which():
    content = written(pa.table({"a": pa.array([NOON])}), use_deprecated_int96_timestamps=True)
    assert read(content)[0].table.column("a").type == pa.timestamp("us")
    (batch,) = read(content, Parquet(zone="Europe/Helsinki"))
    assert batch.table.column("a").to_pylist() == [NOON.replace(hour=10, tzinfo=UTC)]


def test_bytes_that_are_no_text_are_left_for_the_contract_to_reject():
    column = one_column(pa.array([b"x", b"\xff"]))
    assert [bytes(value.as_buffer()) for value in column] == [b"x", b"\xff"]


def test_rows_are_counted_over_row_groups_and_batches(monkeypatch):
    monkeypatch.setattr(formats_parquet, "BATCH_ROWS", 300)
    batches = read(written(pa.table({"a": list(range(1000))}), row_group_size=500))
    assert [len(batch.table) for batch in batches] == [300, 200, 300, 200]
    assert [row for batch in batches for row in batch.rows.to_pylist()] == list(range(1, 1001))
    assert [value for batch in batches for value in batch.table.column("a").to_pylist()] == list(range(1000))


def test_long_texts_come_in_small_batches(monkeypatch):
    monkeypatch.setattr(formats_parquet, "LARGEST_BATCH", 1 << 20)
    batches = read(written(pa.table({"a": ["x" * 100_000] * 50})))
    assert max(len(batch.table) for batch in batches) == 10


def test_a_file_without_rows_or_row_groups_has_no_batches():
    assert read(written(pa.table({"a": pa.array([], pa.string())}))) == []


@pytest.mark.parametrize(
    ("names", "message"), [(["a b", "aB"], "names a column twice: a_b, a_b"), (["a", "!"], "a column cannot be named")]
)
def test_names_that_make_no_table(names, message):
    with pytest.raises(IngestError, match=message):
        read(written(pa.table([[1], [2]], names=names)))


class Keys(encryption.KmsClient):
    """Hands out keys that are no secret."""

    def __init__(self, _config):
        super().__init__()

    def wrap_key(self, key_bytes, _master_key_identifier):
        return base64.b64encode(key_bytes)

    def unwrap_key(self, wrapped_key, _master_key_identifier):
        return base64.b64decode(wrapped_key)


@pytest.mark.parametrize("plaintext_footer", [True, False])
def test_encrypted_files_are_refused_by_name(plaintext_footer):
    asked = encryption.EncryptionConfiguration(
        footer_key="f", column_keys={"c": ["a"]}, plaintext_footer=plaintext_footer
    )
    keys = encryption.CryptoFactory(Keys).file_encryption_properties(encryption.KmsConnectionConfig(), asked)
    with pytest.raises(IngestError, match="is encrypted; ask the sender for one that is not"):
        read(written(pa.table({"a": ["x"], "b": [1]}), encryption_properties=keys))
