import io

import pytest

from ingestion.errors import IngestError
from ingestion.formats.children import Children
from ingestion.formats.xml import Xml

CUSTOMERS = Xml(
    record="customers/customer",
    columns={"customer_id": "@id", "given_name": "name/given", "kind": "name/@kind", "family_name": "name/family"},
    ignore=frozenset({"links"}),
)


class Trickle(io.BytesIO):
    """A stream that gives a few bytes at a time, whatever is asked for."""

    def read(self, size=-1):
        return super().read(min(size, 11) if size > 0 else size)


def read(described, content):
    return list(described.read(io.BytesIO(content if isinstance(content, bytes) else content.encode())))


def rows_of(batches):
    return [row for batch in batches for row in batch.table.to_pylist()]


def customers(*records):
    return f"<list><customers>{''.join(records)}</customers></list>"


def test_columns_by_paths_names_and_attributes():
    content = customers(
        '<customer id="1"><name kind="legal"><given>Aino</given><family>Äijälä &amp; co</family></name></customer>\n',
        "<customer id='2'><name><family><![CDATA[<b>]]></family></name><birthDate>1980-01-01</birthDate></customer>",
    )
    expected = [
        {"customer_id": "1", "given_name": "Aino", "kind": "legal", "family_name": "Äijälä & co", "birth_date": None},
        {"customer_id": "2", "given_name": None, "kind": None, "family_name": "<b>", "birth_date": "1980-01-01"},
    ]
    for stream in (io.BytesIO(content.encode()), Trickle(content.encode())):
        (batch,) = CUSTOMERS.read(stream)
        assert batch.table.to_pylist() == expected
        assert batch.rows.to_pylist() == [1, 2]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "windows-1252"])
def test_encodings_that_the_document_declares(encoding):
    content = f"<?xml version='1.0' encoding='{encoding}'?><r><a>ä</a></r>".encode(encoding)
    assert rows_of(read(Xml(record="r", columns={}), content)) == [{"a": "ä"}]


def test_empty_elements_and_nil_are_null():
    schema = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    content = f'<r {schema} xsi:type="t"><a/><b xsi:nil="true"/><c></c><d> </d></r>'
    assert rows_of(read(Xml(record="r", columns={}), content)) == [{"a": None, "b": None, "c": None, "d": " "}]


def test_namespaces_are_left_out_unless_they_have_a_prefix():
    content = '<x:r xmlns:x="urn:x" xmlns="urn:y"><x:id>1</x:id><id>2</id></x:r>'
    described = Xml(record="crm:r", columns={"id": "crm:id", "other_id": "id"}, namespaces={"crm": "urn:x"})
    assert rows_of(read(described, content)) == [{"id": "1", "other_id": "2"}]
    assert rows_of(read(Xml(record="r", columns={}), content)) == [{"id": '["1","2"]'}]


def test_what_nobody_declared_lands_as_a_column_and_nesting_as_json():
    content = customers(
        '<customer id="1" rank="7"><name><given>A</given><nick>Z</nick></name><tag>x</tag><tag>y</tag>'
        '<links><a>1</a></links><address type="home"><city>Espoo</city><geo><lat>60</lat></geo></address></customer>'
    )
    (row,) = rows_of(read(CUSTOMERS, content))
    assert {name: value for name, value in row.items() if name not in CUSTOMERS.columns} == {
        "rank": "7",
        "tag": '["x","y"]',
        "address": '{"@type":"home","city":"Espoo","geo":{"lat":"60"}}',
        "name": '{"nick":"Z"}',
    }


def test_text_of_the_record_itself_and_beside_elements():
    described = Xml(record="r", columns={"text": ".", "id": "@id"})
    assert rows_of(read(described, '<l><r id="1">hello</r><r id="2">a<b>x</b>c</r></l>')) == [
        {"text": "hello", "id": "1", "b": None},
        {"text": '["a","c"]', "id": "2", "b": "x"},
    ]


def test_children_land_in_a_table_of_their_own():
    described = Xml(
        record="bill",
        columns={"bill_id": "@id", "amount": "amount"},
        children={"bill_items": Children(path="items/item", columns={"item_id": "@id"}, keys={"bill_id": "@id"})},
    )
    content = (
        '<bills><bill id="b1"><items><item id="i1"><text>x</text></item><item id="i2"/></items>'
        '<amount>2</amount></bill><bill id="b2"/></bills>'
    )
    parents, children = read(described, content)
    assert parents.table.to_pylist() == [{"bill_id": "b1", "amount": "2"}, {"bill_id": "b2", "amount": None}]
    assert children.resource == "bill_items"
    assert children.table.to_pylist() == [
        {"item_id": "i1", "text": "x", "bill_id": "b1", "position": "1"},
        {"item_id": "i2", "text": None, "bill_id": "b1", "position": "2"},
    ]


def test_records_are_let_go_of_and_come_in_batches(monkeypatch):
    monkeypatch.setattr("ingestion.formats.xml_records.BATCH_ROWS", 100)
    monkeypatch.setattr("ingestion.formats.xml_records.READ_BYTES", 1000)
    content = customers(*(f'<customer id="{n}"><name/></customer><other><x/></other>' for n in range(1, 1001)))
    batches = read(CUSTOMERS, content)
    assert [row["customer_id"] for row in rows_of(batches)] == [str(n) for n in range(1, 1001)]
    assert [row for batch in batches for row in batch.rows.to_pylist()] == list(range(1, 1001))
    assert len(batches) > 5


def test_a_document_without_records_has_no_rows():
    assert read(CUSTOMERS, customers()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (customers('<customer id="1"/>')[:-5], "not well-formed XML, or cut short"),
        ("<list><clients/></list>", "has no customers: the records are not where they should be"),
        ("", "not well-formed XML, or cut short"),
        (customers() + "<more/>", "not well-formed XML, or cut short: junk after"),
        (b"<list>\xff</list>", "not well-formed XML, or cut short"),
        ("<list>&nobody;</list>", "not well-formed XML, or cut short: undefined entity"),
        ("<?xml version='1.0' encoding='x-none'?><list/>", "encoding"),
    ],
    ids=["cut", "elsewhere", "empty", "more", "no utf-8", "entity", "encoding"],
)
def test_documents_that_are_refused(content, message):
    with pytest.raises(IngestError, match=message):
        read(CUSTOMERS, content)
