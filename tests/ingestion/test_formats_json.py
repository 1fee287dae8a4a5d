import io
from decimal import Decimal

import pyarrow as pa
import pytest

from ingestion.errors import IngestError
from ingestion.formats import json_columns
from ingestion.formats.children import Children
from ingestion.formats.json import Json, same_names
from ingestion.formats.json_exact import parse

AB = Json(columns=same_names("a", "b"))


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time, whatever is asked for."""

    def read(self, size=-1):
        return super().read(min(size, 7) if size > 0 else size)


def read(described, content):
    return list(described.read(io.BytesIO(content)))


def rows_of(batches):
    return [row for batch in batches for row in batch.table.to_pylist()]


def broken_of(batches):
    return [(one.row, one.reason) for batch in batches for one in batch.broken]


def lines(*records):
    return b"".join(record.encode() + b"\n" for record in records)


# one record at a time and many at once say the same


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (lines('{"a":"x","b":1}', '{"b":2,"a":"y"}'), [("x", "1"), ("y", "2")]),
        (lines('{"a":true,"b":null}', '{"a":false}'), [("true", None), ("false", None)]),
        (lines('{"a":0.1,"b":-1e2}', '{"a":125.0350,"b":7}'), [("0.1", "-100"), ("125.035", "7")]),
        (lines('{"a":0.000000000000000001}', '{"a":0}'), [("0.000000000000000001", None), ("0", None)]),
        (lines('{"a":123456789012345678901234567890123.5}'), [("123456789012345678901234567890123.5", None)]),
        (lines('{"a":9223372036854775807,"b":1844674407370955161600}'), [(str(2**63 - 1), str(2**64 * 100))]),
        (lines('{"a":"2026-01-01 00:00:00"}'), [("2026-01-01 00:00:00", None)]),
        (lines('{"a":"\\u00e4\\n\\"","b":"ä"}'), [('ä\n"', "ä")]),
        (lines('{"a":[1, 2.50],"b":{"c":12345678901234567890123}}'), [("[1,2.50]", '{"c":12345678901234567890123}')]),
        (lines('{"a":1}', "", "  ", '{"a":"mixed"}'), [("1", None), ("mixed", None)]),
        (b'{"a":1}\r\n{"a":2}', [("1", None), ("2", None)]),
    ],
    ids=["text", "bool", "decimal", "tiny", "long", "64 bits", "time", "escapes", "nested", "mixed", "line ends"],
)  # fmt: skip
def test_values_are_what_the_records_say(content, expected):
    at_once = rows_of(read(AB, content))
    records = [parse(line) for line in content.splitlines() if line.strip()]
    singly = rows_of([AB.records(range(len(records)), records)])
    for found in (at_once, singly):
        assert [(plain(row["a"]), plain(row["b"])) for row in found] == [(plain(a), plain(b)) for a, b in expected]


def plain(value):
    """Numbers as numbers, however they came; the rest as text."""
    if value is None or isinstance(value, bool):
        return value if value is None else str(value).lower()
    try:
        return Decimal(value)
    except ArithmeticError:
        return value


def test_records_of_a_stream_keep_the_positions_that_they_are_given():
    batch = AB.lines([(7, b'{"a":1}'), (9, b'{\n"a":2\n}'), (4, b'{"a":3,"b":"x"}')])
    assert batch.table.to_pylist() == [{"a": 1, "b": None}, {"a": 2, "b": None}, {"a": 3, "b": "x"}]
    assert batch.rows.to_pylist() == [7, 9, 4]
    assert AB.lines([]).table.column_names == ["a", "b"]


def test_flat_records_are_parsed_whole_and_keep_their_types(monkeypatch):
    monkeypatch.setattr("ingestion.formats.json._parsed", None)
    (batch,) = read(AB, lines('{"a":"x","b":1}', '{"a":null,"b":2}', '{"b":3,"a":"z"}'))
    assert batch.table.schema.types == [pa.string(), pa.int64()]
    assert batch.rows.to_pylist() == [1, 2, 3]


def test_nested_values_are_taken_out_and_the_rest_is_parsed_whole(monkeypatch):
    """Wherever they stand in the record, whatever they hold; their text is what one record at a time gives."""
    content = lines(
        '{"a":"x","b":{"c":1,"d":"}\\"{"}}',
        '{"b":[{"a":{"b":2}},[]],"a":"\\"b\\":{"}',
        '{"a":null}',
        '{"b":null,"a":"y"}',
        '{"b": {"n": 1.50, "ä": "\\u00e4"} ,"a":"z"}',
    )
    slow = rows_of([AB.records(range(5), [parse(line) for line in content.splitlines()])])
    monkeypatch.setattr("ingestion.formats.json._parsed", None)
    assert rows_of(read(AB, content)) == slow
    assert rows_of([AB.lines(enumerate(content.splitlines()))]) == slow
    assert slow[4] == {"a": "z", "b": '{"n":1.50,"ä":"ä"}'}


def test_a_nested_value_that_cannot_be_taken_out_is_read_otherwise():
    twice, within = '{"b":{"c":1,"c":2}}', '{"b":{"a":{"b":{}}},"a":{"b":{}}}'
    content = lines('{"b":{"c":1}}', twice, within, '{"b":"text"}', '{"b":{}')
    batches = read(AB, content)
    assert [row["b"] for row in rows_of(batches)] == ['{"c":1}', '{"a":{"b":{}}}', "text"]
    assert [row for row, _ in broken_of(batches)] == [2, 5]


def test_a_field_that_turns_up_late_or_changes_from_whole_to_fraction_is_learned():
    content = lines(*['{"a":1}'] * 2000, '{"a":1.5,"b":"late"}')
    (batch,) = read(AB, content)
    assert batch.table.to_pylist()[-1] == {"a": Decimal("1.5"), "b": "late"}
    assert pa.types.is_decimal(batch.table.column("a").type)


def test_new_fields_are_text_as_it_was_written():
    (batch,) = read(Json(columns={}), lines('{"rate":0.50,"tiny":0.0000001}', '{"rate":100,"tiny":0}'))
    assert batch.table.to_pylist() == [{"rate": "0.5", "tiny": "0.0000001"}, {"rate": "100", "tiny": "0"}]


def test_columns_that_are_called_otherwise_in_the_record():
    described = Json(columns={"ticket_id": "id", "again": "id"}, ignore=frozenset({"href"}))
    assert rows_of(read(described, lines('{"id":"1","href":"x","Sla Class":"gold"}'))) == [
        {"ticket_id": "1", "again": "1", "sla_class": "gold"}
    ]


def test_two_fields_that_would_have_one_name_land_in_two_columns():
    assert rows_of(read(AB, lines('{"a":"1","A":"2"}'))) == [{"a": "1", "b": None, "a_2": "2"}]


def test_bad_records_are_broken_and_good_ones_between_them_are_read():
    content = lines('{"a":"1"}', '{"a":NaN}', '{"a":1,"a":2}', '{"a":"\\ud800"}', '{"":1}', "[1]", "1.5", '{"a":"7"}')
    batches = read(AB, content + b'{"a":"\xff"}\n{"a":1}{"a":2}\n{"a":1e999999999}\n' + lines('{"a":"12"}'))
    assert [row for batch in batches for row in batch.rows.to_pylist()] == [1, 8, 12]
    reasons = dict(broken_of(batches))
    assert sorted(reasons) == [2, 3, 4, 5, 6, 7, 9, 10, 11]
    assert reasons[3] == "not JSON: it names the field 'a' twice"
    assert reasons[5].startswith("the record cannot be made columns: '' gives no column name")
    assert reasons[6] == "a JSON list, not an object"
    assert reasons[7] == "a JSON number, not an object"


def test_after_a_few_blocks_that_do_not_fit_the_rest_is_still_read(monkeypatch):
    monkeypatch.setattr("ingestion.formats.json.BLOCK_BYTES", 100)
    content = lines(*(f'{{"a":{{"n":{n}}}}}' if n < 200 else f'{{"a":"{n}"}}' for n in range(1, 401)))
    batches = read(AB, content)
    assert [row for batch in batches for row in batch.rows.to_pylist()] == list(range(1, 401))
    assert [row["a"] for row in rows_of(batches)] == [f'{{"n":{n}}}' if n < 200 else str(n) for n in range(1, 401)]


def test_records_with_endless_new_fields_are_refused():
    content = lines(*(f'{{"f{n}":1}}' for n in range(json_columns.MOST_FIELDS + 1)))
    with pytest.raises(IngestError, match="more than 1,600 different fields"):
        read(Json(columns={}), content)


# one large document


@pytest.mark.parametrize(
    ("records_at", "content"),
    [
        ("", '[{"a":"x, ]"},\n {"a":"\\"}"}]'),
        ("", '\n[\n  {\n    "a": "x, ]"\n  },\n  {\n    "a": "\\"}"\n  }\n]\n'),
        ("items", '{"n":[1,{"items":[9]}],"s":"]","items":[{"a":"x, ]"},{"a":"\\"}"}],"end":{"x":1}}'),
        ("data.items", '{"data":{"items":[{"a":"x, ]"},{"a":"\\"}"}]},"z":null}'),
    ],
    ids=["array", "pretty", "named", "deeper"],
)
def test_records_of_a_document(records_at, content):
    described = Json(columns=same_names("a"), records_at=records_at)
    for stream in (io.BytesIO(content.encode()), Trickle(content.encode())):
        batches = list(described.read(stream))
        assert rows_of(batches) == [{"a": "x, ]"}, {"a": '"}'}]
        assert [row for batch in batches for row in batch.rows.to_pylist()] == [1, 2]


def test_a_document_comes_in_batches(monkeypatch):
    monkeypatch.setattr("ingestion.formats.json.MOST_ROWS", 1000)
    described = Json(columns=same_names("n"), records_at="")
    content = b"[" + b",".join(b'{"n":%d}' % n for n in range(1002)) + b"]"
    assert [len(batch.table) for batch in read(described, content)] == [1000, 2]


def test_elements_that_are_no_objects_are_broken():
    described = Json(columns=same_names("a"), records_at="")
    batches = read(described, b'[1, {"a":"x"}, null, [2], "s", {"a":}]')
    assert rows_of(batches) == [{"a": "x"}]
    assert [row for row, _ in broken_of(batches)] == [1, 3, 4, 5, 6]


def test_an_empty_array_has_no_rows():
    assert read(Json(columns={}, records_at=""), b" [ ] ") == []


@pytest.mark.parametrize(
    ("records_at", "content", "message"),
    [
        ("", b'[{"a":1},', "ends too early"),
        ("", b'[{"a":1', "ends too early"),
        ("", b'{"a":1}', "no JSON array where the records should be"),
        ("", b'[{"a":1}] []', "something follows"),
        ("", b'[{"a":1} {"a":2}]', "is not a JSON document"),
        ("", b'[{"a":]}]', "is not a JSON document"),
        ("items", b'{"other":[]}', "has no 'items'"),
        ("items", b'{"items":[]', "ends too early"),
        ("items", b'[]', "no object that could hold 'items'"),
        ("", b"", "ends too early"),
        ("", b"<html>", "no JSON array where the records should be"),
    ],
)  # fmt: skip
def test_documents_that_are_refused(records_at, content, message):
    with pytest.raises(IngestError, match=message):
        read(Json(columns={}, records_at=records_at), content)


# children

BILL = Json(
    columns={"bill_id": "id", "amount": "amount.value"},
    children={
        "bill_items": Children(
            path="items", columns={"item_id": "id", "tax": "tax.rate"}, keys={"bill_id": "id"}, position="line"
        )
    },
)


def test_children_land_in_a_table_of_their_own():
    batches = read(
        BILL,
        lines(
            '{"id":"b1","amount":{"value":1.50},"items":[{"id":"i1","tax":{"rate":24}},{"id":"i2","text":"x"}]}',
            '{"id":"b2","items":null}',
            '{"id":"b3","items":{"id":"i3"}}',
            '{"id":"b4","items":[7]}',
        ),
    )
    parents, children = batches
    assert (parents.resource, children.resource) == (None, "bill_items")
    assert [row["bill_id"] for row in parents.table.to_pylist()] == ["b1", "b2", "b3", "b4"]
    assert parents.table.column_names == ["bill_id", "amount"]
    assert parents.table.column("amount").to_pylist() == ["1.50", None, None, None]
    assert children.table.to_pylist() == [
        {"item_id": "i1", "tax": "24", "text": None, "bill_id": "b1", "line": "1"},
        {"item_id": "i2", "tax": None, "text": "x", "bill_id": "b1", "line": "2"},
        {"item_id": "i3", "tax": None, "text": None, "bill_id": "b3", "line": "1"},
    ]
    assert children.rows.to_pylist() == [1, 2, 3]
    assert broken_of([children]) == [(4, "items of row 4 holds something that is no object")]


def test_children_are_counted_over_the_whole_file(monkeypatch):
    monkeypatch.setattr("ingestion.formats.json.BLOCK_BYTES", 64)
    batches = read(BILL, lines(*(f'{{"id":"b{n}","items":[{{"id":"x"}},{{"id":"y"}}]}}' for n in range(10))))
    rows = [row for batch in batches if batch.resource for row in batch.rows.to_pylist()]
    assert rows == list(range(1, 21))


def test_a_path_that_fails_on_one_record_breaks_that_record():
    described = Json(columns={"n": "length(tags)"})
    batches = read(described, lines('{"tags":[1,2]}', '{"tags":5}', '{"tags":[]}'))
    assert [row["n"] for row in rows_of(batches)] == ["2", "0"]
    assert broken_of(batches)[0][1].startswith("the record cannot be made columns: In function length()")
