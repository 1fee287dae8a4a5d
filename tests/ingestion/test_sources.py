"""Every source through its real protocol, against what the demo operator says it sent."""

import json
from collections import Counter

import pytest
from small_operator import land_all, serving, target_of

from demo.operator import truth
from demo.operator.settings import SERVED
from ingestion import sources, status
from ingestion.aws import client
from ingestion.errors import SourceUnavailableError
from ingestion.run import run


def counted(reports):
    return {
        (report.source, line.resource): (line.fetched, line.landed, line.rejected)
        for report in reports.values()
        for line in report.resources
    }


def sent(folder, morning):
    rows, malformed = Counter(), Counter()
    for delivery in truth.load(folder).deliveries:
        if delivery.morning == morning:
            rows[delivery.source, delivery.resource] += delivery.rows
            malformed[delivery.source, delivery.resource] += delivery.malformed
    # a day on which nothing happened has a file without rows
    return {key: (rows[key], rows[key] - malformed[key], malformed[key]) for key in rows if rows[key]}


def test_two_mornings_a_restart_and_redelivery(warehouse, tmp_path):
    """What is sent lands or is quarantined, row for row; what is sent again changes nothing."""
    folder = tmp_path / "operator"
    with serving(folder) as operator:
        first = counted(land_all(warehouse))
        assert first == sent(folder, 1)
        assert {key for key, counts in counted(land_all(warehouse)).items() if any(counts)} == set()
        operator.advance()
        second = counted(land_all(warehouse))
        assert {key: counts for key, counts in second.items() if any(counts)} == sent(folder, 2)
    # a new operator serves the same bytes; its queues announce every object again
    with serving(folder):
        assert {key for key, counts in counted(land_all(warehouse)).items() if any(counts)} == set()


@pytest.mark.warehouse(template="landed")
def test_the_raw_tables_hold_the_newest_version_of_every_delivery(warehouse, operator_folder):
    accepted, malformed = Counter(), Counter()
    for delivery in truth.load(operator_folder).deliveries:
        if not delivery.superseded:
            accepted[delivery.source, delivery.resource] += delivery.accepted
            malformed[delivery.source, delivery.resource] += delivery.malformed
    with warehouse.connect() as connection:
        for source, resource in accepted:
            (rows,) = connection.execute(f"select count(*) from raw_{source}.{resource}").fetchone()
            (quarantined,) = connection.execute(
                f"select count(*) from raw_{source}._quarantine where resource = '{resource}'"
            ).fetchone()
            assert (source, resource, rows, quarantined) == (
                source,
                resource,
                accepted[source, resource],
                malformed[source, resource],
            )


@pytest.mark.warehouse(template="landed")
def test_every_rejected_row_tells_why_and_keeps_what_came(warehouse):
    with target_of(warehouse).connect() as connection:
        rows = status.quarantined(connection, limit=1000)
    assert {row.source for row in rows} == set(SERVED)
    for row in rows:
        assert row.reason
        assert row.payload
        assert row.uri.partition(":")[0] in ("soap", "sftp", "http", "s3", "kinesis")
        if row.rule != "format":
            json.loads(row.payload)
    assert any(row.rule == "format" for row in rows), "a line that could not be split into columns"


@pytest.mark.warehouse(template="landed")
def test_text_survives_its_encoding(warehouse):
    with warehouse.connect() as connection:
        (names,) = connection.execute("select string_agg(customer_name, ' ') from raw_billing.bills").fetchone()
        crm = connection.execute("select distinct family_name from raw_crm.customers").fetchall()
    assert any(letter in names for letter in "äöå")
    assert {name for (name,) in crm if "ä" in name}, "the same letters came through XML"


@pytest.mark.warehouse(template="landed")
def test_what_lands_has_the_declared_types(warehouse):
    """The contract is the DDL: nullability, length, precision and time zone."""
    with warehouse.connect() as connection:
        for name in sources.NAMES:
            for resource in sources.find(name).resources:
                found = connection.execute(
                    "select column_name, is_nullable = 'YES', character_maximum_length, numeric_precision,"
                    " numeric_scale, data_type from information_schema.columns"
                    " where table_schema = %s and table_name = %s",
                    (f"raw_{name}", resource.name),
                )
                columns = {line[0]: line[1:] for line in found}
                for declared in resource.contract.columns:
                    nullable, length, precision, scale, kind = columns.pop(declared.name)
                    assert (declared.name, nullable, length) == (declared.name, declared.nullable, declared.max_bytes)
                    hints = declared.dlt_hints()
                    if hints["data_type"] == "decimal":
                        assert (precision, scale) == (hints["precision"], hints["scale"])
                    if hints["data_type"] == "timestamp":
                        assert kind == "timestamp with time zone"
                assert set(columns) == {"_source_uri", "_source_row", "_dlt_load_id"}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("served") / "data"
    with serving(folder) as operator:
        yield operator


@pytest.mark.parametrize(
    ("source", "variable", "wrong", "told"),
    [
        ("crm", "PASSWORD", "open sesame", "refuses the user name or password|HTTP 401"),
        ("crm", "WSDL_URL", "http://127.0.0.1:1/crm?wsdl", "cannot be reached"),
        ("billing", "PASSWORD", "open sesame", "refuses the user name or password"),
        ("billing", "PORT", "1", "cannot be read"),
        ("catalog", "TOKEN", "open sesame", "answered HTTP 401; see sources.catalog.token"),
        ("catalog", "BASE_URL", "http://127.0.0.1:1", "cannot be reached"),
        ("usage", "QUEUE", "nobodys-queue", "nobodys-queue|does not exist"),
        ("contacts", "ENDPOINT_URL", "http://127.0.0.1:1", "AWS: Could not connect"),
        ("events", "STREAM", "nobodys-stream", "nobodys-stream"),
    ],
)
@pytest.mark.usefixtures("served")
def test_a_source_that_does_not_let_us_in_lands_nothing(warehouse, monkeypatch, source, variable, wrong, told):
    monkeypatch.setenv(f"SOURCES__{source.upper()}__{variable}", wrong)
    with pytest.raises(SourceUnavailableError, match=told) as raised:
        run(source, target_of(warehouse))
    assert "sesame" not in str(raised.value)
    with target_of(warehouse).connect() as connection:
        assert status.resources(connection) == []


def test_an_sftp_server_with_another_host_key_is_not_trusted(warehouse, served, monkeypatch, tmp_path):
    other = (served.folder / "known_hosts").read_text().split()
    # a valid key, of somebody else
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
    (tmp_path / "known_hosts").write_text(f"{other[0]} ssh-ed25519 {key}\n")
    monkeypatch.setenv("SOURCES__BILLING__KNOWN_HOSTS", str(tmp_path / "known_hosts"))
    with pytest.raises(SourceUnavailableError, match="host key is not the one in known_hosts"):
        run("billing", target_of(warehouse))


def test_messages_that_a_killed_run_holds_are_waited_for(warehouse, tmp_path):
    """A consumer that died with messages in hand: they come back, and nothing is missing."""
    folder = tmp_path / "operator"
    with serving(folder):
        sqs = client("contacts", "sqs")
        url = sqs.get_queue_url(QueueName="operator-contacts-events")["QueueUrl"]
        taken = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=4)["Messages"]
        assert len(taken) == 10
        said = []
        report = run("contacts", target_of(warehouse), say=said.append)
    assert any("messages that an interrupted run still holds" in sentence for sentence in said)
    wanted = sent(folder, 1)
    assert counted({"contacts": report}) == {key: wanted[key] for key in wanted if key[0] == "contacts"}
