"""The versions of the event: what msgspec makes of them is what JSON Schema says, and what the landing takes."""

import json
import shutil
from collections import Counter

import pytest
from events_to_send import DOCUMENTS, NOW, VERSIONS, events, in_order
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingestion.collector.enrichment import Enrichment
from ingestion.collector.intake import RECORD_BYTES, Intake, Limits
from ingestion.collector.schema import SCHEMAS, compiled, load
from ingestion.contract import Contract
from ingestion.formats.json import Json, same_names
from ingestion.sources.events import Event
from ingestion.streams.reader import things_in

CONTRACT = Contract.of(Event)
FORMAT = Json(columns=same_names(*(column.name for column in CONTRACT.columns)))
INTAKE = Intake(load(), "stream", Limits())
ENRICHMENT = Enrichment(NOW, "www", "192.0.2.0", b"Mozilla/5.0")


def events_of(taken):
    """What a reader of the stream gets."""
    records = [record for record in taken.records if record.stream == "stream"]
    found = [event for record in records for event in things_in(record.value)]
    assert len(found) == taken.accepted
    return found


def quarantined(values):
    """Reasons why the landing would not take values of the stream, and columns that it does not know."""
    batch = FORMAT.lines(enumerate(values, start=1))
    checked = CONTRACT.check(batch.table, batch.rows, FORMAT.notation)
    return [one.reason for one in (*batch.broken, *checked.rejected)] + list(checked.new_columns)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(events())
def test_the_collector_takes_what_the_schema_allows_and_nothing_else(text):
    taken = INTAKE.take(text.encode(), NOW, ENRICHMENT)
    assert (taken.accepted == 1) == in_order(text), taken.rejected
    if taken.rejected:
        (rejection,) = taken.rejected
        assert rejection.path.startswith("$")
        assert rejection.reason
        assert rejection.rule


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(events(), min_size=20, max_size=30))
def test_what_the_collector_takes_lands(texts):
    """Whatever it is: nothing that was acknowledged is in quarantine afterwards."""
    taken = INTAKE.take(f"[{','.join(texts)}]".encode(), NOW, ENRICHMENT)
    assert taken.accepted + len(taken.rejected) == len(texts)
    assert quarantined(events_of(taken)) == []


def test_the_events_of_a_device_share_a_record_as_far_as_it_goes():
    """In their order. Between devices a stream keeps none."""
    base = {"event_type": "custom", "event_name": "x", "schema_version": VERSIONS[-1], "occurred_at": NOW.isoformat()}
    batch = [{**base, "device_id": f"d-{number % 2}", "event_id": str(number)} for number in range(5)]
    batch.insert(2, {"event_type": "unheard of"})
    taken = INTAKE.take(json.dumps(batch).encode(), NOW, ENRICHMENT)
    assert (taken.accepted, [one.place for one in taken.rejected]) == (5, [2])
    found = [
        (record.stream, record.key, [json.loads(one).get("event_id") for one in things_in(record.value)])
        for record in taken.records
    ]
    assert found == [
        ("stream", "d-0", ["0", "2", "4"]),
        ("stream", "d-1", ["1", "3"]),
        ("stream-bad", "www", [None]),
    ]
    # an event alone is no array: whoever reads streams of single events goes on reading
    (record,) = INTAKE.take(json.dumps(batch[0]).encode(), NOW, ENRICHMENT).records
    assert json.loads(record.value)["event_id"] == "0"

    large = {"properties": {"text": "x" * 30_000}, "device_id": "d-1"}
    batch = [{**base, **large, "event_id": str(number)} for number in range(20)]
    taken = INTAKE.take(json.dumps(batch).encode(), NOW, ENRICHMENT)
    sizes = [len(record.value) for record in taken.records]
    assert RECORD_BYTES - 32_000 < sizes[0] <= RECORD_BYTES + 100
    assert [len(things_in(record.value)) for record in taken.records] == [8, 8, 4]
    assert [json.loads(one)["event_id"] for one in events_of(taken)] == [str(number) for number in range(20)]


def test_the_generator_makes_both_kinds():
    """A property that never sees a good event, or a bad one, would hold of anything."""
    verdicts = Counter()

    @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(events())
    def count(text):
        verdicts[in_order(text)] += 1

    count()
    assert min(verdicts[True], verdicts[False]) > 8, verdicts


def test_every_text_has_the_length_that_it_has_in_the_warehouse():
    limits = {column.name: column.max_bytes for column in CONTRACT.columns}
    for document in DOCUMENTS.values():
        for name, described in document["properties"].items():
            if "maxBytes" in described:
                assert (name, described["maxBytes"], described["maxLength"]) == (name, limits[name], limits[name])
    types = next(column.one_of for column in CONTRACT.columns if column.name == "event_type")
    assert tuple(DOCUMENTS[VERSIONS[-1]]["properties"]["event_type"]["enum"]) == types
    # what the collector adds is no sender's business
    assert {column.name for column in CONTRACT.columns} - set(DOCUMENTS[VERSIONS[-1]]["properties"]) == {
        "site_id",
        "received_at",
    }


def test_a_version_is_added_by_adding_its_file(tmp_path):
    """As docs/event-schemas.md says; events of the old versions and of the new one go side by side."""
    shutil.copytree(SCHEMAS, tmp_path / "event")
    newest = json.loads((SCHEMAS / f"{VERSIONS[-1]}.json").read_text())
    newest["properties"]["schema_version"]["const"] = "1-2-0"
    newest["properties"]["coupon"] = {"type": ["string", "null"], "maxLength": 40, "maxBytes": 40}
    (tmp_path / "event" / "1-2-0.json").write_text(json.dumps(newest))
    schemas = load(tmp_path / "event")
    assert list(schemas) == [*VERSIONS, "1-2-0"]
    base = {"event_type": "page_view", "occurred_at": NOW.isoformat(), "device_id": "d-1"}
    batch = [{**base, "schema_version": version} for version in schemas]
    batch += [{**one, "coupon": "SYKSY"} for one in batch]
    taken = Intake(schemas, "stream", Limits()).take(json.dumps(batch).encode(), NOW, ENRICHMENT)
    assert (taken.accepted, [one.place for one in taken.rejected]) == (4, [3, 4])
    assert {one.path for one in taken.rejected} == {"$.coupon"}
    # the landing takes it, and reports a column that the contract does not have yet
    assert quarantined(events_of(taken)) == ["coupon"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"properties": {"schema_version": {"type": "string", "const": "1-1-0"}}}, "const of schema_version"),
        ({"additionalProperties": True}, "without additionalProperties"),
        ({"minProperties": 2}, "does not know minProperties"),
        ({"x": {"type": ["string", "null"], "pattern": "a+", "maxLength": 5}}, "does not know pattern"),
        ({"x": {"type": ["array", "null"]}}, "does not know the type array"),
        ({"x": {"type": "string", "maxLength": 5}}, "may be null"),
        ({"x": {"type": ["string", "null"], "format": "uri"}}, "does not know the format uri"),
        ({"allOf": [{"not": {"required": ["device_id"]}}]}, "knows allOf for"),
    ],
)
def test_a_schema_that_says_what_the_collector_does_not_hold_is_refused(change, told):
    document = json.loads((SCHEMAS / "1-0-2.json").read_text())
    document["properties"]["schema_version"]["const"] = "1-0-3"
    if "x" in change:
        document["properties"]["x"] = change["x"]
    else:
        document |= change
    with pytest.raises(ValueError, match=told):
        compiled("1-0-3", document)


def test_files_have_the_names_of_versions(tmp_path):
    with pytest.raises(ValueError, match="has no schema"):
        load(tmp_path)
    document = json.loads((SCHEMAS / "1-0-2.json").read_text())
    document["properties"]["schema_version"]["const"] = "latest"
    (tmp_path / "latest.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="no SchemaVer"):
        load(tmp_path)
