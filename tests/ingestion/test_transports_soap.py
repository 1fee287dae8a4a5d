"""SOAP: windows of changes that meet, records as they were sent, and a password that only the service hears."""

import json
import logging
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from lxml import etree
from servers.cutting_proxy import CuttingProxy
from servers.reading import Reader, configure, dice
from servers.soap import ENVELOPE, PASSWORD, answer_of, crm, envelope, soap
from servers.web import Answer, Web

from ingestion.delivery import Request
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports import soap_answer
from ingestion.transports.soap import SoapOperation


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


def asked_for(asked):
    """The elements of a question."""
    body = etree.fromstring(asked.body).find(f"{{{ENVELOPE}}}Body")[0]
    return {etree.QName(part.tag).localname: part.text for part in body}


def customers(first, last):
    return "".join(
        f"<crm:customer><crm:customerId>C{number}</crm:customerId></crm:customer>" for number in range(first, last)
    )


def ids(landed):
    return [value for table in landed.values() for value in table["customer_id"].to_pylist()]


def test_pages_follow_each_other_and_windows_meet(reader, monkeypatch):
    def answer(asked):
        start = int(asked_for(asked).get("pageToken") or 0)
        return answer_of(envelope(customers(start, start + 3), token=start + 3 if start < 6 else None))

    with crm(monkeypatch, answer) as web:
        assert ids(reader.run(soap())) == [f"C{number}" for number in range(9)]
        questions = [asked_for(asked) for asked in web.asked if asked.method == "POST"]
        assert [question.get("pageToken") for question in questions] == [None, "3", "6"]
        assert {question["pageSize"] for question in questions} == {"500"}
        assert list(reader.run(soap())) == ["soap:ListCustomers?modifiedSince=2026-11-01T00:00:00+00:00"]
        assert asked_for(web.asked[-1])["modifiedSince"] == "2026-11-01T00:00:00Z"
        assert web.asked[-1].headers["soapaction"] == '"urn:operator:crm:v1/ListCustomers"'


def test_values_are_as_they_were_sent(reader, monkeypatch):
    """But for what XML Schema lets be written in two ways."""
    records = """
    <crm:contactMedium>
      <crm:contactMediumId>M1</crm:contactMediumId>
      <crm:preferred> 1 </crm:preferred>
      <!-- said by nobody -->
      <crm:street1>a &amp; b <![CDATA[<c>]]> ä</crm:street1>
      <crm:validFrom>2026-01-02</crm:validFrom>
      <crm:lastUpdate>2026-01-02T03:04:05</crm:lastUpdate>
    </crm:contactMedium>
    <crm:contactMedium xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <crm:contactMediumId>M2</crm:contactMediumId>
      <crm:preferred>false</crm:preferred>
      <crm:city xsi:nil="true"/>
      <crm:lastUpdate>2026-01-02T03:04:05+02:00</crm:lastUpdate>
      <crm:newField><crm:a>1</crm:a><crm:a>2</crm:a><crm:b><crm:c/></crm:b></crm:newField>
    </crm:contactMedium>
    <crm:contactMedium>
      <crm:contactMediumId>M3</crm:contactMediumId>
      <crm:asOf>not the answer's</crm:asOf>
      <crm:contactMedium>a field that is called as its record</crm:contactMedium>
    </crm:contactMedium>
    """
    operation = SoapOperation("ListContactMedia", record="contactMedium")
    with crm(monkeypatch, lambda _: answer_of(envelope(records, operation="ListContactMedia"))):
        (table,) = reader.run(soap(operation)).values()
        assert soap(operation).check()[1] == "customers: ListContactMedia gives contactMedium with 13 columns"
    assert table.column("contact_medium_id").to_pylist() == ["M1", "M2", "M3"]
    assert table.column("preferred").to_pylist() == ["true", "false", None]
    assert table.column("street1").to_pylist() == ["a & b <c> ä", None, None]
    assert table.column("city").to_pylist() == [None, None, None]
    assert table.column("valid_from").to_pylist() == ["2026-01-02", None, None]
    assert table.column("last_update").to_pylist() == ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05+02:00", None]
    assert [value and json.loads(value) for value in table.column("new_field").to_pylist()] == [
        None,
        {"a": ["1", "2"], "b": {"c": None}},
        None,
    ]
    assert table.column("contact_medium").to_pylist()[2] == "a field that is called as its record"
    assert list(reader.ledger.cursors.values()) == ["2026-11-01T00:00:00+00:00"]


def test_a_large_answer_comes_in_batches(reader, monkeypatch):
    monkeypatch.setattr(soap_answer, "BATCH_ROWS", 1_000)
    with crm(monkeypatch, lambda _: answer_of(envelope(customers(0, 4_500)))):
        (delivery,) = soap().deliveries(reader.ledger, reader.folder, print)
        batches = list(delivery.read())
    assert [len(batch.table) for batch in batches] == [1_000] * 4 + [500]
    assert pa.concat_arrays([batch.rows for batch in batches]).to_pylist() == list(range(1, 4_501))
    assert delivery.cursor_value == "2026-11-01T00:00:00+00:00"


def test_an_answer_cut_anywhere_comes_whole(reader, monkeypatch):
    thrown = dice(2)
    body = envelope(customers(0, 4_000))
    with crm(monkeypatch, lambda _: answer_of(body)) as web:
        for _ in range(4):
            cuts = [None, *(thrown.randrange(1, len(body)) for _ in range(4))]
            with CuttingProxy(web.port, cuts) as proxy:
                configure(monkeypatch, "crm", endpoint_url=f"http://127.0.0.1:{proxy.port}/crm")
                proxy.cuts.popleft()
                reader.ledger.cursors.clear()
                assert ids(reader.run(soap())) == [f"C{number}" for number in range(4_000)]
                assert proxy.broken == 4


def test_a_service_that_always_breaks_off_is_unavailable(reader, monkeypatch):
    body = envelope(customers(0, 1_000))
    with crm(monkeypatch, lambda _: answer_of(body)) as web, CuttingProxy(web.port, [9_000] * 50) as proxy:
        configure(monkeypatch, "crm", endpoint_url=f"http://127.0.0.1:{proxy.port}/crm")
        with pytest.raises(SourceUnavailableError, match=r"/crm .*\(6 attempts\); run again later"):
            reader.run(soap())
    assert reader.ledger.landed == {}


# windows

SINCE, UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


def test_a_backfill_takes_its_window_and_leaves_the_cursor(reader, monkeypatch):
    with crm(monkeypatch, lambda _: answer_of(envelope(customers(0, 2)))) as web:
        reader.run(soap())
        cursors = dict(reader.ledger.cursors)
        found = reader.run(soap(), Request(since=SINCE))
        assert list(found) == ["soap:ListCustomers?modifiedSince=2026-01-01T00:00:00+00:00"]
        assert asked_for(web.asked[-1])["modifiedSince"] == "2026-01-01T00:00:00Z"
        assert reader.ledger.cursors == cursors
        assert list(reader.run(soap(), Request(full=True))) == ["soap:ListCustomers?modifiedSince="]
        start = SoapOperation("ListCustomers", "customer", start="2020-01-01T00:00:00+00:00")
        reader.run(soap(start), Request(full=True))
        assert asked_for(web.asked[-1])["modifiedSince"] == "2020-01-01T00:00:00Z"
        with pytest.raises(IngestError, match="cannot be asked for changes until a time"):
            reader.run(soap(), Request(since=SINCE, until=UNTIL))


def test_an_operation_that_takes_the_end_of_a_window_is_told_it(reader, monkeypatch):
    """The demo's WSDL has none: its page token stands in for it here."""
    operation = SoapOperation("ListCustomers", "customer", until="pageToken", as_of=None, page_token=None, arguments={})
    with crm(monkeypatch, lambda _: answer_of(envelope(customers(0, 2)))) as web:
        found = reader.run(soap(operation), Request(since=SINCE, until=UNTIL))
        (uri,) = found
        assert uri == "soap:ListCustomers?modifiedSince=2026-01-01T00:00:00+00:00&until=2026-02-01T00:00:00+00:00"
        assert asked_for(web.asked[-1])["pageToken"].startswith("2026-02-01")
        reader.run(soap(operation))
    (cursor,) = reader.ledger.cursors.values()
    assert datetime.fromisoformat(cursor) < datetime.now(UTC)
    with pytest.raises(ValueError, match="needs `as_of` or `until`"):
        SoapOperation("ListCustomers", "customer", as_of=None)


# who we are


def test_basic_or_a_username_token_says_who_we_are(reader, monkeypatch):
    with crm(monkeypatch, lambda _: answer_of(envelope(customers(0, 1)))) as web:
        reader.run(soap())
        assert web.asked[-1].headers["authorization"].startswith("Basic ")
        assert b"UsernameToken" not in web.asked[-1].body
        for security in ("username_token", "username_token_digest"):
            reader.run(soap(security=security))
            assert "authorization" not in web.asked[-1].headers
            token = etree.fromstring(web.asked[-1].body).find(".//{*}UsernameToken")
            assert token.findtext("{*}Username") == "majakka"
            assert (token.findtext("{*}Password") == PASSWORD) is (security == "username_token")


def fault(code, text):
    return (
        f'<s:Envelope xmlns:s="{ENVELOPE}"><s:Body><s:Fault><faultcode>{code}</faultcode>'
        f"<faultstring>{text}</faultstring></s:Fault></s:Body></s:Envelope>"
    )


FAULT_12 = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Code><s:Value>s:Receiver</s:Value>'
    "</s:Code><s:Reason><s:Text>try later</s:Text></s:Reason></s:Fault></s:Body></s:Envelope>"
)


@pytest.mark.parametrize(
    ("answer", "kind", "told"),
    [
        (answer_of(fault("s:Client", "no such page"), 500), IngestError, r"with a fault: no such page \(s:Client\)"),
        (answer_of(fault("s:Server", "we are ill"), 500), SourceUnavailableError, "with a fault: we are ill"),
        (answer_of(FAULT_12, 500), SourceUnavailableError, r"with a fault: try later \(s:Receiver\)"),
        (
            answer_of(fault("wsse:FailedAuthentication", f"{PASSWORD} is wrong"), 500),
            SourceUnavailableError,
            r"refuses the user name or password: \*\*\* is wrong",
        ),
        (Answer(b"no", 401), SourceUnavailableError, "refuses the user name or password; see sources.crm"),
        (Answer(b"no", 404), SourceUnavailableError, "answered HTTP 404"),
        (Answer(b"ill", 503), SourceUnavailableError, r"HTTP 503 \(6 attempts\)"),
        (Answer(b"ill", 500), SourceUnavailableError, "answered HTTP 500"),
        (Answer(status=307, headers={"Location": "http://127.0.0.1:1/"}), IngestError, "it was not followed"),
    ],
)
def test_what_the_service_refuses_is_told_without_the_secret(reader, monkeypatch, caplog, answer, kind, told):
    caplog.set_level(logging.DEBUG, "ingestion")
    caplog.set_level(logging.INFO)
    with crm(monkeypatch, lambda _: answer), pytest.raises(kind, match=told) as raised:
        reader.run(soap())
    assert PASSWORD not in str(raised.value)
    assert PASSWORD not in str(raised.value.__cause__)
    assert PASSWORD not in caplog.text


def test_the_password_goes_to_no_server_that_only_the_wsdl_names(reader, monkeypatch):
    with Web(lambda _: answer_of(envelope(customers(0, 1)))) as stranger, crm(monkeypatch, None) as web:
        told = web.answer

        def respond(asked):
            answer = told(asked)
            answer.body = answer.body.replace(f"{web.url}/crm".encode(), f"{stranger.url}/crm".encode())
            return answer

        web.answer = respond
        with pytest.raises(IngestError, match="another server than the one in the settings"):
            reader.run(soap())
        assert stranger.asked == []
        configure(monkeypatch, "crm", endpoint_url=f"{stranger.url}/crm")
        assert ids(reader.run(soap())) == ["C0"]


def test_check_reads_the_description_only(monkeypatch):
    with crm(monkeypatch, None) as web:
        assert soap().check() == [
            f"the WSDL {web.url}/crm can be read",
            "customers: ListCustomers gives customer with 10 columns",
        ]
        for operation, told in [
            (SoapOperation("ListNothing", "customer"), "has no operation 'ListNothing'"),
            (SoapOperation("ListCustomers", "nothing"), "has no element 'nothing'"),
        ]:
            with pytest.raises(IngestError, match=told):
                soap(operation).check()
        assert {asked.method for asked in web.asked} == {"GET"}
